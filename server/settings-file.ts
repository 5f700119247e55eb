import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { z } from 'zod';

/** A sentence for the operator: what is wrong, and where. */
export class ConfigError extends Error {}

const siteAddress = z
  .strictObject({
    host: z.union([z.ipv4(), z.ipv6(), z.hostname()]),
    port: z.int().min(1).max(65_535),
    url: z.url({ protocol: /^https?$/ }).optional(),
  })
  .refine(
    ({ host, url }) => url !== undefined || !/^(0\.0\.0\.0|::)$/.test(host),
    'a server on all addresses needs the `url` that sites reach it by',
  );

const settingsFile = z.strictObject({
  dataPlane: z
    .strictObject({
      publicUrl: z.url({ protocol: /^https?$/ }).optional(),
      sites: siteAddress.optional(),
    })
    .default({}),
  backends: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes'),
        type: z.string(),
        settings: z.unknown().optional(),
      }),
    )
    .min(1)
    .refine(
      (all) => new Set(all.map((one) => one.name)).size === all.length,
      'two have the same name',
    )
    .optional(),
});

export type Settings = z.infer<typeof settingsFile>;
/** What a settings file holds: `export default { … } satisfies SettingsFile`. */
export type SettingsFile = z.input<typeof settingsFile>;

const names = ['fathom.config.json', 'fathom.config.ts'] as const;

/** The file named, else `fathom.config.json` or `fathom.config.ts` in `folder`, else the defaults. */
export function readSettings(named: string | undefined, folder = process.cwd()): Settings {
  const there = (named === undefined ? names : [named])
    .map((name) => resolve(folder, name))
    .filter((path) => existsSync(path));
  const [path, another] = there;
  if (another !== undefined) {
    throw new ConfigError(`There are two settings files, ${there.join(' and ')}: keep one.`);
  }
  if (path === undefined) {
    if (named === undefined) return settingsFile.parse({});
    throw new ConfigError(`FATHOM_CONFIG names ${resolve(folder, named)}, which is not there.`);
  }
  return checked(settingsFile, /\.[cm]?[jt]s$/.test(path) ? exportedBy(path) : jsonIn(path), path);
}

/** The value when it has the shape; ConfigError with every finding otherwise. */
export function checked<T extends z.ZodType>(schema: T, value: unknown, where: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const findings = result.error.issues.map(
    (issue) => `  ${issue.path.join('.')}: ${issue.message}`,
  );
  throw new ConfigError(`The ${where} is wrong:\n${findings.join('\n')}`);
}

function jsonIn(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${path} is not JSON: ${messageOf(error)}`);
  }
}

/** Node strips the types by itself; what is left may not wait (no top-level await). */
function exportedBy(path: string): unknown {
  let exported: unknown;
  try {
    exported = createRequire(import.meta.url)(path);
  } catch (error) {
    throw new ConfigError(`${path} cannot be loaded: ${messageOf(error)}`);
  }
  if (typeof exported === 'object' && exported !== null && 'default' in exported) {
    return exported.default;
  }
  throw new ConfigError(`${path} has no default export.`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

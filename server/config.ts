import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { checked, ConfigError, readSettings, type Settings } from './settings-file.ts';

/** The only reader of the environment. Everything has a default; a wrong value is a sentence for the operator. */
export interface Config {
  /** Where everything that must survive is kept; absolute. */
  readonly stateFolder: string;
  /** PostgreSQL, shared by processes of any number of machines; null: a file in the state folder. May hold a password. */
  readonly databaseUrl: string | null;
  /** Wakes readers of events in other processes on that database; null: the database does that too. */
  readonly redisUrl: string | null;
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Where the process that serves the subgraph `datasets` takes and gives bytes; 0 takes a free port. */
  readonly dataPort: number;
  /** How clients reach that; null: where it listens. Without a slash at the end. */
  readonly dataUrl: string | null;
  /**
   * An address of its own for the launchers of jobs, where nothing but deliveries and their data are served; null: they
   * use the address of the data plane. `url` is how sites reach it, without a slash at the end.
   */
  readonly sites: { readonly host: string; readonly port: number; readonly url: string } | null;
  /** Folders whose sub-folders are modules; absolute. */
  readonly moduleFolders: readonly string[];
  readonly introspection: boolean;
  readonly allowedOrigins: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where spans are sent (OTLP over HTTP), with its path; null: nowhere. */
  readonly tracesUrl: string | null;
  /** Whether the reference data sets are registered at the first start. */
  readonly seed: boolean;
  /** In the order in which they are tried. */
  readonly backends: readonly {
    readonly name: string;
    readonly type: string;
    readonly settings: unknown;
  }[];
}

const loopback = /^(127(?:\.\d{1,3}){3}|::1|localhost)$/;

const environment = z.object({
  FATHOM_STATE: z.string().min(1).default('.fathom'),
  DATABASE_URL: z
    .string()
    .regex(/^$|^postgres(ql)?:\/\//, 'an address of PostgreSQL, postgres://user@host:5432/database')
    .optional(),
  REDIS_URL: z
    .string()
    .regex(/^$|^rediss?:\/\//, 'an address of Redis, redis://host:6379')
    .optional(),
  FATHOM_HOST: z
    .string()
    .regex(
      loopback,
      'without an identity provider only a loopback address is served (127.0.0.1, ::1, localhost)',
    )
    .default('127.0.0.1'),
  FATHOM_PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
  FATHOM_DATA_PORT: z.coerce.number().int().min(0).max(65_535).default(4010),
  FATHOM_DATA_URL: z.url({ protocol: /^https?$/ }).optional(),
  FATHOM_MODULES: z.string().optional(),
  FATHOM_INTROSPECTION: z.enum(['on', 'off']).default('on'),
  FATHOM_ALLOWED_ORIGINS: z.string().default(''),
  FATHOM_LOG: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
  FATHOM_SEED: z.enum(['on', 'off']).default('on'),
  FATHOM_CONFIG: z.string().optional(),
  // The names that OpenTelemetry gives them everywhere.
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
});

/** The variables that are read. */
export const environmentNames: readonly string[] = Object.keys(environment.shape);

/** Reads the environment, then the settings file if there is one. */
export function readConfig(
  root: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const values = checked(environment, env, 'environment');
  const at = (path: string) => (isAbsolute(path) ? path : resolve(path));
  if (values.REDIS_URL && !values.DATABASE_URL) {
    throw new ConfigError(
      'REDIS_URL is for processes that share a PostgreSQL: set DATABASE_URL too, or leave it out.',
    );
  }
  const settings = readSettings(values.FATHOM_CONFIG);
  const folders = values.FATHOM_MODULES?.split(':').filter((path) => path !== '');
  return Object.freeze({
    stateFolder: at(values.FATHOM_STATE),
    databaseUrl: values.DATABASE_URL || null,
    redisUrl: values.REDIS_URL || null,
    host: values.FATHOM_HOST,
    port: values.FATHOM_PORT,
    dataPort: values.FATHOM_DATA_PORT,
    dataUrl: bare(values.FATHOM_DATA_URL ?? settings.dataPlane.publicUrl),
    sites: sitesIn(settings.dataPlane.sites),
    moduleFolders: folders?.map(at) ?? [resolve(root, 'modules')],
    introspection: values.FATHOM_INTROSPECTION === 'on',
    allowedOrigins: values.FATHOM_ALLOWED_ORIGINS.split(',').filter((origin) => origin !== ''),
    logLevel: values.FATHOM_LOG,
    tracesUrl: tracesUrl(values),
    seed: values.FATHOM_SEED === 'on',
    backends: (settings.backends ?? [{ name: 'local', type: 'local' }]).map((backend) => ({
      name: backend.name,
      type: backend.type,
      settings: backend.settings ?? {},
    })),
  });
}

function tracesUrl(values: z.infer<typeof environment>): string | null {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: all } = values;
  return own ?? (all === undefined ? null : `${all.replace(/\/+$/, '')}/v1/traces`);
}

function bare(url: string | undefined): string | null {
  return url?.replace(/\/+$/, '') ?? null;
}

function sitesIn(sites: Settings['dataPlane']['sites']): Config['sites'] {
  if (sites === undefined) return null;
  const { host, port } = sites;
  const own = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { host, port, url: bare(sites.url) ?? own };
}

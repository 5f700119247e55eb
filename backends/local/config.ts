import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const count = z.number().int().min(1);
const device = z.object({
  index: z.number().int().min(0),
  model: z.string().min(1),
  memoryMiB: count,
});

/** Nothing here is secret. Every setting has a default, so `{}` is a whole configuration. */
const schema = z
  .object({
    /** What this machine offers; `detect` takes what it has. */
    cpus: z.union([z.literal('detect'), z.number().positive()]).default('detect'),
    memoryMiB: z.union([z.literal('detect'), count]).default('detect'),
    gpus: z.union([z.enum(['detect', 'none']), z.array(device)]).default('detect'),
    /** Asked for the GPUs: a name on the path, or a path. */
    nvidiaSmi: z.string().min(1).default('nvidia-smi'),
    /** The start of the command that runs a module's folder; empty when none is installed. */
    runtime: z.array(z.string()).default([]),
    /** The command that runs the supervisor. */
    supervisor: z.array(z.string()).min(1).default([process.execPath, supervisorFile()]),
    /** From SIGTERM to SIGKILL. */
    stopGraceSeconds: z.number().min(0).max(600).default(10),
    loadTimeoutSeconds: z.number().positive().max(3600).default(120),
    logLimitMiB: z.number().positive().default(256),
    /** How often memory, time and wishes are looked at. */
    sampleMs: z.number().int().min(20).max(500).default(250),
    restart: z
      .object({
        delayMs: z.number().int().min(0).default(500),
        delayMaximumMs: z.number().int().min(0).default(30_000),
        /** A server that never became ready so often in a row is given up. */
        giveUpAfter: count.default(3),
      })
      .prefault({}),
    /** A server that had a request for less than this is asked again before it is replaced. */
    patienceMs: z.number().int().min(0).default(1000),
    answerLimitMiB: z.number().positive().default(64),
    /** Jobs with secrets wait in a process of their own, since secrets stand in no file. */
    waitingWithSecrets: z.number().int().min(0).default(64),
    /** Variables of the server's environment that programs see. */
    passEnvironment: z
      .array(z.string())
      .default([
        'PATH',
        'HOME',
        'USER',
        'LOGNAME',
        'SHELL',
        'LANG',
        'LC_ALL',
        'LC_CTYPE',
        'TZ',
        'TMPDIR',
        'LD_LIBRARY_PATH',
        'SSL_CERT_FILE',
        'NODE_EXTRA_CA_CERTS',
      ]),
  })
  .strict();

export type LocalSettings = Readonly<z.infer<typeof schema>>;

export function parseSettings(settings: unknown): LocalSettings {
  const parsed = schema.safeParse(settings ?? {});
  if (parsed.success) return Object.freeze(parsed.data);
  const findings = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`,
  );
  throw new Error(`The settings of a local backend are wrong: ${findings.join('; ')}.`);
}

/** Beside this file as a source, and beside the bundle when built. */
function supervisorFile(): string {
  const name = import.meta.url.endsWith('.ts') ? './supervisor.ts' : './supervisor.js';
  return fileURLToPath(new URL(name, import.meta.url));
}

import { z } from 'zod';
import { Secret } from '../contract/secret.ts';

const count = z.number().int().min(1);
const secret = z.union([
  z.instanceof(Secret),
  z
    .string()
    .min(1)
    .transform((text) => new Secret(text)),
]);
/** Slurm expands `%` in file names, and no shell or option parser is to meet a line end or a leading dash. */
const path = z.string().regex(/^\/[^%\\\0\n\r]*$/, 'an absolute path without %, \\ and line ends');
/** Names that Slurm knows; a comma separates several partitions. */
const word = z.string().regex(/^[A-Za-z0-9_][\w.,:=&|[\]*()+-]*$/, 'letters, digits and . , : - _');

const ssh = z.strictObject({
  host: z.string().regex(/^[A-Za-z0-9][\w.:-]*$/, 'a host name'),
  user: z
    .string()
    .regex(/^[A-Za-z_][\w.@-]*$/)
    .nullable()
    .default(null),
  port: z.number().int().min(1).max(65_535).nullable().default(null),
  /** Options of ssh as they stand on its command line, for example `-i`, `/keys/id`. */
  options: z.array(z.string()).default([]),
  command: z.string().min(1).default('ssh'),
});

const cli = z.strictObject({
  kind: z.literal('cli'),
  /** Null: the commands are on this machine. */
  ssh: ssh.nullable().default(null),
  /** Where `sbatch` and the others are; null for the path. */
  commandFolder: path.nullable().default(null),
  /** Variables of the commands themselves, for example SLURM_CONF. */
  environment: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).default({}),
});

const credentials = z.union([
  z.strictObject({ token: secret }),
  /** Read anew for every request, so that something else may renew it. */
  z.strictObject({ tokenFile: path }),
  /** The cluster's `jwt_key`: short tokens are signed here. */
  z.strictObject({ keyFile: path }),
]);

const rest = z.strictObject({
  kind: z.literal('rest'),
  /** `http://host:port`, `https://…` or `unix:/path`. */
  url: z
    .string()
    .regex(/^(https?:\/\/[^/?#\s]+|unix:\/[^\0\n]+)$/, 'http(s)://HOST[:PORT] or unix:/PATH'),
  user: z.string().min(1),
  credentials,
  /** Null: the newest that the server speaks. */
  apiVersion: z
    .string()
    .regex(/^v0\.0\.\d+$/)
    .nullable()
    .default(null),
});

const container = z.strictObject({
  kind: z.enum(['apptainer', 'udocker', 'charliecloud']),
  /** The program itself, `ch-run` of charliecloud; null: as it is called, on the path. */
  command: z.string().min(1).nullable().default(null),
  /** Further options of `apptainer exec`, `udocker run` or `ch-run`. */
  options: z.array(z.string()).default([]),
});

const settings = z.strictObject({
  transport: z.discriminatedUnion('kind', [cli, rest]),
  /** Seen by us and by every node; a folder of each job is made in it. Null: data and results travel by the launcher. */
  sharedFolder: path.nullable().default(null),
  /** The same folder where nodes see it elsewhere; null when they see it at the same place. */
  sharedFolderOnNodes: path.nullable().default(null),
  /** Without a shared folder: the start of the launcher's command on nodes, as `["node", "/opt/fathom/launcher.mjs"]`. */
  launcher: z.array(z.string().min(1)).default([]),
  /** Without a shared folder: where nodes have room for the work; null for $SLURM_TMPDIR, $TMPDIR or /tmp there. */
  nodeFolder: path.nullable().default(null),
  /** Without a shared folder: for so long after a program's end it is tried to bring what it left. */
  returnSeconds: z.number().int().min(0).max(86_400).default(600),
  partition: word.nullable().default(null),
  qos: word.nullable().default(null),
  account: word.nullable().default(null),
  constraint: word.nullable().default(null),
  reservation: word.nullable().default(null),
  /** The kinds of GPU of the site; `gres` is the type in gres.conf, null when it has none. Empty: no GPUs are offered. */
  gpus: z
    .array(
      z.strictObject({
        gres: word.nullable().default(null),
        model: z.string().min(1),
        memoryMiB: count,
      }),
    )
    .default([]),
  /** `detect` asks the accounting (sacct, slurmdb) about jobs that Slurm has forgotten, if there is one. */
  accounting: z.enum(['detect', 'off']).default('detect'),
  /** For so long the accounting may lag behind Slurm, which hands over later what it could not when its database was away. */
  accountingLagSeconds: z.number().min(0).max(86_400).default(120),
  /** Whether the site ends jobs that use more memory than they asked for (cgroups). */
  enforcesMemory: z.boolean().default(false),
  /** The start of the command that runs a module's folder on a node; empty when none is installed there. */
  runtime: z.array(z.string()).default([]),
  /** Most jobs handed over as one array; no more than the MaxArraySize of the site. What is more becomes further arrays. */
  arrayLimit: count.max(1_000_000).default(1000),
  /** Starts a program on each node of a job on several, for example with `--mpi=none`. */
  srun: z.array(z.string()).min(1).default(['srun']),
  /** How images run; null when they do not. */
  container: container.nullable().default(null),
  /** The start of the command that runs the module of an image, inside of it. */
  imageRuntime: z.array(z.string()).min(1).default(['fathom-module']),
  /** From SIGTERM to SIGKILL; less than the site's KillWait, or the end of a stopped job is known from Slurm alone. */
  stopGraceSeconds: z.number().min(0).max(600).default(10),
  logLimitMiB: z.number().positive().default(256),
  /** Least time between two questions to Slurm about jobs, however many they are. */
  pollMs: z.number().int().min(10).max(150_000).default(2000),
  /** How long a file written on a node may stay unseen here (caches of network file systems). */
  visibilitySeconds: z.number().min(0).max(600).default(30),
  /** For one command or request. A controller that is down is reported after 9 to 18 s. */
  timeoutSeconds: z.number().positive().max(600).default(30),
});

const schema = settings.refine(
  ({ sharedFolder, launcher }) => sharedFolder !== null || launcher.length > 0,
  { path: ['sharedFolder'], error: 'a folder, or launcher where none is shared' },
);

export type SlurmSettings = Readonly<z.infer<typeof schema>>;
export type CliSettings = Readonly<z.infer<typeof cli>>;
export type RestSettings = Readonly<z.infer<typeof rest>>;
export type ContainerSettings = Readonly<z.infer<typeof container>>;

export function parseSettings(given: unknown): SlurmSettings {
  const parsed = schema.safeParse(given ?? {});
  if (parsed.success) return Object.freeze(parsed.data);
  const findings = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`,
  );
  throw new Error(`The settings of a slurm backend are wrong: ${findings.join('; ')}.`);
}

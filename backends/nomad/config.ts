import { z } from 'zod';
import { Secret } from '../contract/secret.ts';
import { deepaasSettings } from '../deepaas-images/settings.ts';

const count = z.number().int().min(1);
const secret = z.union([
  z.instanceof(Secret),
  z
    .string()
    .min(1)
    .transform((text) => new Secret(text)),
]);
const absolute = z.string().regex(/^\/[^\0\n\r:]*$/, 'an absolute path without : and line ends');
const word = z.string().regex(/^[A-Za-z0-9][\w.-]{0,127}$/, 'letters, digits and . - _');
const argv = z.array(z.string());

const tls = z.strictObject({
  /** PEM files. Null: the authorities that the system knows, and no certificate of our own. */
  authorityFile: absolute.nullable().default(null),
  certificateFile: absolute.nullable().default(null),
  keyFile: absolute.nullable().default(null),
  /** The name in the servers' certificates, for example `server.global.nomad`; null for the address. */
  serverName: z.string().min(1).nullable().default(null),
});

const constraint = z.strictObject({
  attribute: z.string().min(1),
  operator: z.string().min(1).default('='),
  value: z.string(),
});

const sharedFolder = z.strictObject({
  /** Seen by us. */
  path: absolute,
  /** The same folder where the nodes see it; null when they see it at the same place. */
  pathOnNodes: absolute.nullable().default(null),
});

const launcher = z.strictObject({
  /** The start of the command that runs the launcher on a node, for what runs without a container. */
  command: argv.min(1).default(['node', '/opt/fathom/launcher.mjs']),
  /** An image that has the launcher, with the start of its command; for what runs in containers. */
  image: z.string().min(1).nullable().default(null),
  imageCommand: argv.min(1).default(['node', '/opt/fathom/launcher.mjs']),
  /** For so long after a program's end it is tried to bring back what it left. */
  returnSeconds: z.number().int().min(0).default(3600),
});

const docker = z.strictObject({
  /** The start of the command that runs the module of an image, inside of it. */
  imageRuntime: argv.min(1).default(['fathom-module']),
  /** In which plain commands run that name no image; null: they run without a container, if that is allowed. */
  commandImage: z.string().min(1).nullable().default(null),
  networkMode: z.string().min(1).nullable().default(null),
});

const gpu = z.strictObject({
  /** As device plugins name it: `gpu`, `nvidia/gpu`. */
  device: z
    .string()
    .regex(/^[\w./-]+$/)
    .default('nvidia/gpu'),
});

const schema = z.strictObject({
  address: z.string().regex(/^https?:\/\/[^/?#\s]+\/?$/, 'http(s)://HOST[:PORT]'),
  token: secret.nullable().default(null),
  /** Read anew for every request, so that something else may renew it. */
  tokenFile: absolute.nullable().default(null),
  tls: tls.prefault({}),
  namespace: word.default('default'),
  /** Null: that of the agent we talk to. */
  region: word.nullable().default(null),
  datacenters: z.array(z.string().min(1)).min(1).default(['*']),
  nodePool: word.nullable().default(null),
  priority: z.number().int().min(1).max(100).nullable().default(null),
  constraints: z.array(constraint).default([]),
  /** Null: data come and go by the launcher, where this installation offers that. */
  sharedFolder: sharedFolder.nullable().default(null),
  launcher: launcher.prefault({}),
  /** The start of the command that runs a module's folder on a node (`raw_exec`); empty when none is installed there. */
  runtime: argv.default([]),
  /** Whether programs may run without a container (`raw_exec`). */
  processes: z.boolean().default(true),
  /** As whom programs run that have no container; null: as the Nomad agent. */
  user: z.string().min(1).nullable().default(null),
  /** Null: no images are offered. */
  docker: docker.nullable().default(null),
  /** Null: images that have DEEPaaS and nothing of ours are Unsupported. */
  deepaas: deepaasSettings.nullable().default(null),
  /** Null: no GPUs are offered. */
  gpu: gpu.nullable().default(null),
  /** What one processor is in Nomad's unit. */
  mhzPerCpu: count.default(1000),
  /** From SIGTERM to SIGKILL. A node's `max_kill_timeout` (30 s) limits it. */
  stopGraceSeconds: z.number().min(0).max(600).default(10),
  /** Of each of standard output and standard error, of each program; older lines are dropped. */
  logLimitMiB: z.number().int().min(2).max(10_000).default(100),
  diskMiB: count.default(300),
  /** `nomad`: its own TCP checks (1.4 and later) decide a deployment's health. */
  checks: z.enum(['nomad', 'none']).default('nomad'),
  /** So many ends before it was ready make a server FAILED (Nomad goes on trying). */
  giveUpAfter: count.default(3),
  restartDelaySeconds: z.number().min(0).max(3600).default(5),
  loadTimeoutSeconds: count.default(600),
  /** A server that had a request for less than this is asked again before it is replaced. */
  patienceMs: z.number().int().min(0).default(2000),
  answerLimitMiB: z.number().positive().default(64),
  /** How the address of a server is made; `{ip}` and `{port}` are those of its allocation. */
  serverAddress: z
    .string()
    .regex(/^https?:\/\/\S*\{port\}/, 'a URL with {ip} and {port}')
    .default('http://{ip}:{port}'),
  /** For one request. */
  timeoutSeconds: z.number().positive().max(600).default(30),
  /** A watched thing is looked at so often also when Nomad says nothing. */
  pollMs: z.number().int().min(50).default(10_000),
});

export type NomadSettings = Readonly<z.infer<typeof schema>>;
export type GpuSettings = Readonly<z.infer<typeof gpu>>;

/** Throws a sentence for the operator. */
export function parseSettings(settings: unknown): NomadSettings {
  const parsed = schema.safeParse(settings ?? {});
  if (!parsed.success) {
    const findings = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`,
    );
    throw new Error(`The settings of a nomad backend are wrong: ${findings.join('; ')}.`);
  }
  const { docker: images, processes, tls: certificates, token, tokenFile } = parsed.data;
  const fail = (finding: string): never => {
    throw new Error(`The settings of a nomad backend are wrong: ${finding}.`);
  };
  if (images === null && !processes) fail('neither docker nor processes: nothing could run');
  if (token !== null && tokenFile !== null) fail('token and tokenFile exclude each other');
  if ((certificates.certificateFile === null) !== (certificates.keyFile === null)) {
    fail('tls: certificateFile and keyFile belong together');
  }
  return Object.freeze(parsed.data);
}

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
const absolute = z.string().regex(/^\/[^\0\n\r:]*$/, 'an absolute path');
const name = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, 'a name as Kubernetes takes it');

const connection = z.discriminatedUnion('kind', [
  /** `file: null` takes the usual one: KUBECONFIG, or ~/.kube/config, or the cluster that we run in. */
  z.strictObject({
    kind: z.literal('kubeconfig'),
    file: absolute.nullable().default(null),
    context: z.string().min(1).nullable().default(null),
  }),
  z.strictObject({ kind: z.literal('inCluster') }),
  z.strictObject({
    kind: z.literal('token'),
    server: z.string().regex(/^https?:\/\/[^?#\s]+$/, 'http(s)://HOST[:PORT]'),
    token: secret,
    /** PEM; null for the authorities that the system knows. */
    authority: z.string().min(1).nullable().default(null),
    /** Must be true for `http:`. */
    skipTlsVerify: z.boolean().default(false),
  }),
]);

const sharedFolder = z.strictObject({
  /** Seen by us. */
  path: absolute,
  /** The same folder as a claim in the namespace (ReadWriteMany). */
  persistentVolumeClaim: name,
  /** Where in the claim our folder is; empty for its root. */
  claimPath: z
    .string()
    .regex(/^[^/\0:][^\0:]*$|^$/, 'a relative path')
    .default(''),
  /** Programs see their work folder below this path; each pod mounts its own folder only. */
  mountPath: absolute.default('/fathom'),
});

const launcher = z.union([
  /** An image whose entry is the launcher (or `command`): it brings and returns the files beside the program. */
  z.strictObject({ image: z.string().min(1), command: z.array(z.string()).default([]) }),
  /** Where the launcher is in the images of the programs, run by their Node: it wraps the program of a job. */
  z.strictObject({ path: absolute, node: z.string().min(1).default('node') }),
]);

const deepaas = deepaasSettings.extend({
  /** Where the server of a training listens, for its pod alone. */
  port: z.number().int().min(1).max(65_535).default(5000),
});

const gpu = z.strictObject({
  resource: z.string().min(1).default('nvidia.com/gpu'),
  /** Node labels, as NVIDIA's feature discovery writes them. */
  productLabel: z.string().min(1).default('nvidia.com/gpu.product'),
  memoryLabel: z.string().min(1).default('nvidia.com/gpu.memory'),
  /** Values of the product label; labels tell case apart, what people ask for does not. */
  models: z.array(z.string().min(1)).default([]),
});

const toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
});

const invoke = z.discriminatedUnion('kind', [
  /** Through the API server, which sees every pod; needs the right to `pods/proxy`. */
  z.strictObject({ kind: z.literal('proxy') }),
  /** Straight to the pod, where we reach it: `{podIP}`, `{pod}`, `{namespace}` and `{port}` are filled in. */
  z.strictObject({
    kind: z.literal('address'),
    template: z.string().regex(/^https?:\/\/[^\s]*\{pod(IP)?\}/, 'a URL with {podIP} or {pod}'),
  }),
]);

const fields = z.strictObject({
  connection: connection.prefault({ kind: 'kubeconfig' }),
  /** Null: the context's, or `default`. */
  namespace: name.nullable().default(null),
  /** Null, and no launcher: inputs are text only, and nothing can be read from `out/`. */
  sharedFolder: sharedFolder.nullable().default(null),
  /** Brings data and returns outputs over HTTP, where no folder is shared. */
  launcher: launcher.nullable().default(null),
  /** How long what a program left may take to come back, beside `stopGraceSeconds`; with `launcher` only. */
  returnGraceSeconds: count.default(300),
  /** In which plain commands run that name no image; null: they are Unsupported. */
  commandImage: z.string().min(1).nullable().default(null),
  /** The start of the command that runs the module of an image, inside of it. */
  imageRuntime: z.array(z.string()).min(1).default(['fathom-module']),
  /** Null: images that have DEEPaaS and nothing of ours are Unsupported. */
  deepaas: deepaas.nullable().default(null),
  imagePullSecrets: z.array(name).default([]),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).nullable().default(null),
  serviceAccount: name.nullable().default(null),
  nodeSelector: z.record(z.string(), z.string()).default({}),
  tolerations: z.array(toleration).default([]),
  /** Null: no GPUs are offered. */
  gpu: gpu.nullable().default(null),
  /** Whether a job on several nodes waits for nodes that differ, or takes what is there. */
  nodesApart: z.enum(['preferred', 'required']).default('preferred'),
  /** A Kueue LocalQueue of the namespace. */
  kueueQueue: name.nullable().default(null),
  /** How long a job may wait, beside its own time limit, before the cluster ends it. */
  queueLimitSeconds: count.default(7 * 24 * 3600),
  /** How long a finished job that was not released keeps its record and log. */
  keepFinishedSeconds: count.default(7 * 24 * 3600),
  /** From SIGTERM to SIGKILL. */
  stopGraceSeconds: z.number().int().min(0).max(600).default(10),
  /** Whether the cluster tells standard output from standard error (gate PodLogsQuerySplitStreams); else all is STDOUT. */
  splitLogStreams: z.boolean().default(false),
  /** Where a served module listens. */
  servicePort: z.number().int().min(1).max(65_535).default(5000),
  invoke: invoke.prefault({ kind: 'proxy' }),
  /** A server that had a request for less than this is asked again before it is replaced. */
  patienceMs: z.number().int().min(0).default(2000),
  answerLimitMiB: z.number().positive().default(64),
  /** So many ends before it was ready make a server FAILED (the cluster goes on trying). */
  giveUpAfter: count.default(3),
  loadTimeoutSeconds: count.default(600),
  /** For one request. */
  timeoutSeconds: z.number().positive().max(600).default(30),
  /** A watched thing is looked at so often also when the cluster says nothing. */
  pollMs: z.number().int().min(50).default(10_000),
});

const schema = fields.refine((all) => all.sharedFolder === null || all.launcher === null, {
  path: ['launcher'],
  message: 'data goes through the shared folder or through the launcher, not through both',
});

export type KubernetesSettings = Readonly<z.infer<typeof schema>>;
export type LauncherSettings = Readonly<z.infer<typeof launcher>>;
export type GpuSettings = Readonly<z.infer<typeof gpu>>;

/** Throws a sentence for the operator. */
export function parseSettings(settings: unknown): KubernetesSettings {
  const parsed = schema.safeParse(settings ?? {});
  if (parsed.success) return Object.freeze(parsed.data);
  const findings = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`,
  );
  throw new Error(`The settings of a kubernetes backend are wrong: ${findings.join('; ')}.`);
}

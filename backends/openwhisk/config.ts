import { z } from 'zod';
import { Secret } from '../contract/secret.ts';

const count = z.number().int().min(1);
const secret = z.union([
  z.instanceof(Secret),
  z
    .string()
    .regex(/^[^:\s]+:\S+$/, 'UUID:KEY, as `wsk property get --auth` shows it')
    .transform((text) => new Secret(text)),
]);

const schema = z.strictObject({
  apiHost: z.string().regex(/^https?:\/\/[^/?#\s]+$/, 'http(s)://HOST[:PORT]'),
  /** UUID:KEY of the namespace that calls; containers are warm for this one only. */
  key: secret,
  /** `_` is the key's own. */
  namespace: z
    .string()
    .regex(/^[\w][\w@ .&-]*$/, 'a name of a namespace')
    .default('_'),
  /** PEM; null for the authorities that the system knows. */
  authority: z.string().min(1).nullable().default(null),
  /** Whether a workload's secrets may stand in the action, where whoever may read actions of the namespace reads them. */
  showSecrets: z.boolean().default(false),
  /** How long containers can fetch the files of a deployment: no new one starts well after that. */
  deliveryLifetimeDays: count.default(365),
  /** The longest that a call may take (a workload with a shorter time limit has its own). */
  callTimeoutSeconds: z.number().positive().default(300),
  /** A workload that asks for less gets this. */
  leastMemoryMiB: count.default(128),
  logsMiB: z.number().int().min(0).default(10),
  /** Of one call and of one answer; OpenWhisk does not tell its own. */
  requestBytes: count.default(1024 * 1024),
  responseBytes: count.default(1024 * 1024),
  /** The longest that the platform lets a caller wait on the line. */
  waitSeconds: z.number().positive().max(60).default(60),
  /** How long an unused container stays; null when nobody knows. */
  idleSeconds: count.nullable().default(600),
  /** Bringing an image may take so long before a call that nobody hears of is given up. */
  pullLimitSeconds: count.default(600),
  /** For one request that is no call, and for pacing it. */
  timeoutSeconds: z.number().positive().max(600).default(30),
  /** The first pause after a refusal for throttling; it doubles up to 16 times this. */
  paceMs: count.default(1000),
  /** Whether the platform tells the streams of a log apart; the standalone server keeps standard output only. */
  splitLogStreams: z.boolean().default(true),
  /** A record may come so much later than others that ended after it; later still, logs miss it. */
  recordDelayMs: z.number().int().min(0).default(30_000),
});

export type OpenWhiskSettings = Readonly<z.infer<typeof schema>>;

/** Throws a sentence for the operator. */
export function parseSettings(settings: unknown): OpenWhiskSettings {
  const parsed = schema.safeParse(settings ?? {});
  if (parsed.success) return Object.freeze(parsed.data);
  const findings = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`,
  );
  throw new Error(`The settings of an openwhisk backend are wrong: ${findings.join('; ')}.`);
}

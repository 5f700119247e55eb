import type { Handle } from '../../../backends/contract/workload.ts';
import type { EndpointRecord } from '../endpoint-record.ts';
import { endpointWork } from '../work-kinds.ts';
import { routesOf } from '../module-api.ts';
import { probe, type ProbeResult } from '../probe.ts';
import type { Transaction } from '../../../store/contract/store.ts';
import { fail, save, type SeenEndpoint, servedBy } from './seen-endpoint.ts';

type Passed = Extract<ProbeResult, { verdict: 'PASSED' }>;
type Failed = Extract<ProbeResult, { verdict: 'FAILED' }>;

/** PROBING: WARM when every server that is ready has answered the sample; FAILED after so many tries. */
export async function proveAll(
  seen: SeenEndpoint,
  handle: Handle,
  record: EndpointRecord,
  ready: readonly string[],
): Promise<number> {
  const { at, timings } = seen;
  const { state } = record.endpoint;
  if (state !== 'PROBING') {
    // A start too quick to be seen still loaded; it did not pull.
    if (state === 'PLACED' || state === 'PULLING') record.move('LOADING', null);
    record.move('PROBING', state === 'WARM' ? 'Its proven servers were replaced.' : null);
    record.wait(probing(ready.length));
    await save(seen, record);
    return at.ambient.now();
  }
  const due = backingOffUntil(record, at.ambient.now());
  if (due !== null) {
    await save(seen, record);
    return due;
  }
  const unproven = ready.filter((id) => !record.endpoint.provenReplicas.includes(id));
  const { passed, failed, gone } = await probeEach(seen, handle, unproven);
  record.prove([...record.endpoint.provenReplicas, ...passed.map(({ replica }) => replica)]);
  const [worst] = failed;
  if (worst !== undefined) return setBack(seen, record, failed, worst);
  if (gone.length > 0) {
    record.wait({
      code: 'STARTING',
      message: 'A server went away before it was asked the sample.',
      nextAttemptAt: null,
      raw: null,
    });
    await save(seen, record);
    return at.ambient.now() + timings.warmingLookMs;
  }
  const now = at.ambient.now();
  const latencyMs = slowest(passed);
  const placedAt = record.endpoint.placedAt ?? now;
  record.warm(
    { probedAt: now, latencyMs, warmUpMs: record.endpoint.warmth?.warmUpMs ?? now - placedAt },
    `The sample was answered in ${latencyMs} ms.`,
  );
  await save(seen, record, (tx) => activate(tx, seen, now));
  return now + timings.warmLookMs;
}

/** WARM: servers that are new are proven before anybody is sent to them; after a long silence all are asked again. */
export async function keepWarm(
  seen: SeenEndpoint,
  handle: Handle,
  record: EndpointRecord,
  ready: readonly string[],
): Promise<number> {
  const { at, endpoint, timings, traffic } = seen;
  const now = at.ambient.now();
  const heardAt = Math.max(endpoint.warmth?.probedAt ?? 0, traffic.answeredAt(endpoint.id) ?? 0);
  const silent = now - heardAt >= timings.reproveAfterMs;
  const proven = record.endpoint.provenReplicas;
  const due = backingOffUntil(record, now);
  const asked = due !== null ? [] : ready.filter((id) => silent || !proven.includes(id));
  if (asked.length === 0) {
    if (due === null) record.wait(missing(record, ready.length));
    await save(seen, record);
    return now + (ready.length < endpoint.replicas ? timings.warmingLookMs : timings.warmLookMs);
  }
  const { passed, failed, gone } = await probeEach(seen, handle, asked);
  const good = new Set([...proven, ...passed.map(({ replica }) => replica)]);
  for (const { replica } of [...failed, ...gone]) good.delete(replica);
  record.prove([...good]);
  const [worst] = failed;
  if (worst !== undefined) {
    if (good.size === 0) record.move('PROBING', worst.reason);
    return setBack(seen, record, failed, worst);
  }
  if (good.size === 0) {
    // The next look sees what the backend makes of it.
    await save(seen, record);
    return at.ambient.now() + timings.warmingLookMs;
  }
  const { warmth } = record.endpoint;
  if (silent && warmth !== null && passed.length > 0) {
    const latencyMs = slowest(passed);
    record.warm({ ...warmth, probedAt: at.ambient.now(), latencyMs }, 'Proven again.');
  }
  record.patch({ setbacks: 0 });
  record.wait(missing(record, ready.length));
  await save(seen, record);
  return at.ambient.now() + timings.warmLookMs;
}

async function probeEach(
  seen: SeenEndpoint,
  handle: Handle,
  replicas: readonly string[],
): Promise<{
  readonly passed: readonly Passed[];
  readonly failed: readonly Failed[];
  readonly gone: readonly ProbeResult[];
}> {
  const { module, version, artifact } = await servedBy(seen);
  const plan = {
    serving: seen.serving,
    handle,
    routes: routesOf(version, module.slug),
    declared: version.sample,
    trained: artifact !== null,
    deadlineMs: seen.timings.probeDeadlineMs,
  };
  const results = await Promise.all(
    replicas.map((replica) => probe(plan, replica, seen.at.ambient)),
  );
  return {
    passed: results.filter((result) => result.verdict === 'PASSED'),
    failed: results.filter((result) => result.verdict === 'FAILED'),
    gone: results.filter((result) => result.verdict === 'GONE'),
  };
}

/** A try that failed: the next one comes later, or it was the last. With proven servers left it never was. */
async function setBack(
  seen: SeenEndpoint,
  record: EndpointRecord,
  failed: readonly Failed[],
  worst: Failed,
): Promise<number> {
  const { at, timings } = seen;
  const setbacks = record.endpoint.setbacks + 1;
  const serving = record.endpoint.state === 'WARM';
  record.patch({ setbacks });
  if (setbacks >= timings.tries && !serving) {
    const times = setbacks === 1 ? 'once' : `${setbacks} times in a row`;
    return fail(seen, record, `The sample request failed ${times}: ${worst.reason}`);
  }
  const now = at.ambient.now();
  const delay = Math.min(30_000, 250 * 2 ** Math.min(setbacks - 1, 10));
  const next = now + Math.round(delay * (0.75 + at.ambient.random() * 0.5));
  record.wait({
    code: 'BACKING_OFF',
    message: `${failed.length} of ${record.endpoint.replicas} servers failed the sample request (try ${setbacks} of ${timings.tries}): ${worst.reason}`,
    nextAttemptAt: next,
    raw: worst.reason,
  });
  await save(seen, record);
  return next;
}

function backingOffUntil(record: EndpointRecord, now: number): number | null {
  const { waiting } = record.endpoint;
  const next = waiting?.code === 'BACKING_OFF' ? waiting.nextAttemptAt : null;
  return next !== null && next > now ? next : null;
}

function probing(servers: number) {
  return {
    code: 'PROBING',
    message: `The sample request is being answered by ${servers === 1 ? 'its server' : `each of ${servers} servers`}.`,
    nextAttemptAt: null,
    raw: null,
  } as const;
}

/** Why it serves with fewer servers than wanted; null when it does not. */
function missing(record: EndpointRecord, ready: number) {
  const { provenReplicas, replicas } = record.endpoint;
  if (provenReplicas.length >= replicas) return null;
  return {
    code: 'STARTING',
    message: `It serves with ${provenReplicas.length} of ${replicas} servers; ${ready} are ready.`,
    nextAttemptAt: null,
    raw: null,
  } as const;
}

function slowest(passed: readonly Passed[]): number {
  return Math.max(0, ...passed.map(({ latencyMs }) => latencyMs));
}

/** The newest revision, once warm, answers; the one before is looked at to be taken away. */
async function activate(tx: Transaction, seen: SeenEndpoint, now: number): Promise<void> {
  const { revision } = seen;
  const deployment = await tx.deployments.get(seen.deployment.id);
  if (deployment === null || deployment.state !== 'ACTIVE') return;
  if (deployment.latestRevisionId !== revision.id) return;
  const previous = deployment.activeRevisionId;
  if (previous === revision.id) return;
  await tx.deployments.update({
    ...deployment,
    activeRevisionId: revision.id,
    moduleVersionId: revision.moduleVersionId,
    artifactId: revision.artifactId,
    version: deployment.version + 1,
    updatedAt: now,
  });
  await tx.events.append(deployment.id, now, [
    {
      type: 'deployment.revisionActivated',
      revisionId: revision.id,
      previousRevisionId: previous,
    },
  ]);
  const old = previous === null ? null : await tx.revisions.get(previous);
  if (old !== null) await tx.enqueue(endpointWork, old.endpointId, now);
}

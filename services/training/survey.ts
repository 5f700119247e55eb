import { setImmediate } from 'node:timers/promises';
import type { JobRunner, JobStatus } from '../../backends/contract/job-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { Attempt, AttemptState } from '../../domain/training-run.ts';
import type { Surroundings } from '../surroundings.ts';
import { newestAttempts } from './newest-attempts.ts';
import { trainingRunWork } from './work-kinds.ts';

/** Read and compared at once. Between two of them everything else in the process gets its turn. */
const together = 256;
/** Before everything that is due. */
const first = 0;

/**
 * What happened while nobody looked: compares what backends say of all jobs under way with what is stored, and asks for a
 * look, before all others, at those runs of which it is not the same, and at those that are not handed over yet. It decides
 * and writes nothing else. Only backends that tell of many at once are asked; runs of others are looked at in their turn.
 */
export async function survey(
  { store, backends }: Pick<Surroundings, 'store' | 'backends'>,
  signal: AbortSignal,
): Promise<void> {
  const silent = new Set<string>();
  let after: string | null = null;
  while (!signal.aborted) {
    await setImmediate();
    const keys: readonly string[] = await store.work.keys(trainingRunWork, after, together);
    after = keys.at(-1) ?? null;
    if (after === null) return;
    const attempts = await newestAttempts(store, keys);
    const changed = keys.filter((key) => (attempts.get(key)?.handle ?? null) === null);
    for (const [name, own] of Map.groupBy(attempts.values(), ({ backend }) => backend)) {
      const jobs = backends.get(name)?.jobs ?? null;
      if (jobs === null || silent.has(name)) continue;
      const news = await newsOf(jobs, own);
      // It is asked again by the looks, each in its turn.
      if (news === null) silent.add(name);
      else changed.push(...news);
    }
    if (changed.length === 0) continue;
    await store.transaction((tx) => tx.enqueueMany(trainingRunWork, changed, first));
  }
}

/** The runs of which the backend says something new; null when it cannot tell. */
async function newsOf(
  jobs: JobRunner,
  attempts: readonly Attempt[],
): Promise<readonly string[] | null> {
  const handedOver = attempts.filter(({ handle }) => handle !== null);
  const handles = handedOver.map(({ handle }) => handle as unknown as Handle);
  const seen = await jobs.inspectMany?.(handles).catch(() => null);
  if (!seen) return null;
  return handedOver.flatMap(({ runId, state }, at) =>
    isNews(state, seen[at] ?? null) ? [runId] : [],
  );
}

/** Whether a look would move the attempt on; null is a job that the backend does not know. */
export function isNews(state: AttemptState, status: Pick<JobStatus, 'phase'> | null): boolean {
  switch (status?.phase) {
    case 'PENDING':
    case 'PREPARING':
      return state !== status.phase && state !== 'CANCELLING';
    case 'RUNNING':
      return state !== 'RUNNING' && state !== 'EVALUATING' && state !== 'CANCELLING';
    case 'UNKNOWN':
      return false;
    case 'ENDED':
    case undefined:
      return true;
  }
}

import type { Attempt } from '../../domain/training-run.ts';
import type { Reads } from '../../store/contract/store.ts';

/** Of all runs that are read together; more are read run by run. */
const mostAttempts = 2_000;

export async function newestAttempt(
  { attempts }: Pick<Reads, 'attempts'>,
  runId: string,
): Promise<Attempt | null> {
  return attempts.find({ where: { runId }, orderBy: { column: 'number', direction: 'DESC' } });
}

/** By run id; absent where a run was never placed. */
export async function newestAttempts(
  { attempts }: Pick<Reads, 'attempts'>,
  runIds: readonly string[],
): Promise<ReadonlyMap<string, Attempt>> {
  const newest = new Map<string, Attempt>();
  const all = await attempts.list({ where: { runId: { in: runIds } } }, mostAttempts);
  if (all.length < mostAttempts) {
    for (const attempt of all) {
      const known = newest.get(attempt.runId);
      if (known === undefined || known.number < attempt.number) newest.set(attempt.runId, attempt);
    }
    return newest;
  }
  for (const runId of runIds) {
    const attempt = await newestAttempt({ attempts }, runId);
    if (attempt !== null) newest.set(runId, attempt);
  }
  return newest;
}

import type { NativeJob } from './native.ts';
import { baseOf } from './native.ts';

/** Those of the jobs that have these ids; an element that waits is found in what waits of its array. */
export function jobsWithIds(
  jobs: readonly NativeJob[],
  ids: readonly string[],
): ReadonlyMap<string, NativeJob> {
  // After a requeue the accounting has several records; the last one counts.
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const waiting = jobs.filter(({ id }) => id.endsWith(']'));
  const rests = Map.groupBy(waiting, ({ id }) => baseOf(id));
  const found = new Map<string, NativeJob>();
  for (const id of ids) {
    const rest = rests.get(baseOf(id))?.find((one) => holds(one.id, id));
    const job = byId.get(id) ?? rest;
    if (job !== undefined) found.set(id, { ...job, id });
  }
  return found;
}

/**
 * Whether `17_[2-8:2,11%3]` is about `17_4`. Slurm cuts long lists and ends them in `...`: what is behind the last number that
 * it tells may be in them, and is taken to be.
 */
function holds(rest: string, id: string): boolean {
  const list = /_\[([^%\]]*)/.exec(rest)?.[1] ?? '';
  const number = Number(id.split('_')[1]);
  const isCut = list.endsWith('...');
  const parts = list
    .replace(/,?\.+$/, '')
    .split(',')
    .filter(Boolean);
  let last = -1;
  for (const part of parts) {
    const [, from, to = from, step = '1'] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part) ?? [];
    if (number >= Number(from) && number <= Number(to)) {
      return (number - Number(from)) % Number(step) === 0;
    }
    last = Number(to);
  }
  return isCut && number > last;
}

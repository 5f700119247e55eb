import type { NativeJob } from './native.ts';
import { baseOf } from './native.ts';

/** Those of the jobs that have these ids; an element that waits is found in what waits of its array. */
export function jobsWithIds(
  jobs: readonly NativeJob[],
  ids: readonly string[],
): ReadonlyMap<string, NativeJob> {
  const found = new Map<string, NativeJob>();
  for (const [id, records] of recordsWithIds(jobs, ids)) {
    const job = records.at(-1);
    if (job !== undefined) found.set(id, job);
  }
  return found;
}

/** All of them, in their order: after a requeue, and when a number was used again, the accounting has several. */
export function recordsWithIds(
  jobs: readonly NativeJob[],
  ids: readonly string[],
): ReadonlyMap<string, readonly NativeJob[]> {
  const byId = Map.groupBy(jobs, ({ id }) => id);
  const waiting = jobs.filter(({ id }) => id.endsWith(']'));
  const rests = Map.groupBy(waiting, ({ id }) => baseOf(id));
  const found = new Map<string, readonly NativeJob[]>();
  for (const id of ids) {
    const rest = rests.get(baseOf(id))?.filter((one) => holds(one.id, id)) ?? [];
    // What was split off is told by itself, whatever the rest says.
    const records = byId.get(id) ?? rest;
    found.set(
      id,
      records.map((job) => ({ ...job, id })),
    );
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

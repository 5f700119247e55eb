import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import type { JobRecord } from './job-folders.ts';
import { isEndState } from './observe.ts';
import type { Site } from './site.ts';
import { isNativeName } from './translate.ts';

const lookEveryMs = 100;
/** Slurm sends SIGKILL after KillWait (30 s by default); an epilog may take its time after that. */
const patienceMs = 90_000;

/** Ends every job of the folder, waits until Slurm says so, and removes the folder. Unknown is released already. */
export async function release(site: Site, handle: Handle): Promise<void> {
  site.assertOpen('release');
  const { kind, name, id } = handle.native;
  if (handle.backend !== site.name || kind !== 'JOB' || !isNativeName(name)) return;
  const record = site.folders.record(name);
  if (record === null || site.jobId(name) !== id) return;
  site.wishEnd(record);
  await untilGone(site, record);
  await site.remove(record);
  site.forget(record);
  if (record.array === undefined) return;
  const array = site.arrays.record(record.array.name);
  if (array?.mark !== record.array.mark || site.arrays.isNeeded(array)) return;
  await site.arrays.remove(array, site.surroundings.now());
}

async function untilGone(site: Site, record: JobRecord): Promise<void> {
  const limit = performance.now() + patienceMs;
  const asked = new Set<string>();
  for (;;) {
    const jobs = await site.nativeJobs(record);
    const alive = jobs.filter((job) => !isEndState(job)).map((job) => job.id);
    if (alive.length === 0) return;
    for (const id of alive) {
      if (!asked.has(id)) await site.client.cancel(id);
      asked.add(id);
    }
    if (performance.now() > limit) {
      const message = `Job ${alive.join(', ')} does not end; nothing was removed.`;
      throw new BackendError('Unavailable', 'release', message);
    }
    await sleep(lookEveryMs);
    site.assertOpen('release');
  }
}

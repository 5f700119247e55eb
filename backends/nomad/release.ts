import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import type { Kind } from './names.ts';
import { meta } from './names.ts';
import type { NativeAllocation, NativeJob } from './native.ts';
import { dataOf, isDelivered } from './jobs.ts';
import type { Site } from './site.ts';

const lookEveryMs = 20;
/** Beside the time that a program is given to end. */
const patienceMs = 60_000;

/** Stops the job, waits until nothing of it runs, removes it and what belongs to it. Unknown is released already. */
export async function release(site: Site, handle: Handle): Promise<void> {
  site.assertOpen('release');
  for (const kind of ['JOB', 'SERVICE'] as const) {
    const place = site.parse(handle, kind);
    if (place !== null) await releaseOne(site, kind, place);
  }
}

async function releaseOne(
  site: Site,
  kind: Kind,
  { name, mark }: { readonly name: string; readonly mark: string },
): Promise<void> {
  const job = await site.find('release', name);
  // Another one has the name, and with it the folder and the variable.
  if (job !== null && job.Meta?.[meta.mark] !== mark) return;
  const { jobs } = await site.client.modules('release');
  if (job !== null) {
    if (job.Stop !== true) await stopped(jobs.stop(name));
    await untilStopped(site, job);
    await stopped(jobs.stop(name, true));
  }
  await site.removeVariable('release', name);
  await site.folders?.remove({ kind, name });
  const wasDelivered = job === null || isDelivered(dataOf(job));
  if (wasDelivered && site.folders === null) await site.surroundings.deliveries?.release(name);
}

/** Whoever else released it was faster. */
async function stopped(stopping: Promise<unknown>): Promise<void> {
  await stopping.catch((error: unknown) => {
    if (!(error instanceof BackendError && error.kind === 'NotFound')) throw error;
  });
}

async function untilStopped(site: Site, job: NativeJob): Promise<void> {
  const limit = performance.now() + patienceMs + site.settings.stopGraceSeconds * 1000;
  for (let pause = lookEveryMs; ; pause = Math.min(pause * 2, 2000)) {
    const alive = (await site.allocations('release', job)).filter(isAlive);
    if (alive.length === 0) return;
    if (performance.now() > limit) {
      const message = `${alive.length} allocations of ${job.ID} do not end; nothing was removed.`;
      throw new BackendError('Unavailable', 'release', message);
    }
    await sleep(pause);
    site.assertOpen('release');
  }
}

/** Of what is on a lost node nobody will ever say that it ended. */
function isAlive({ ClientStatus }: NativeAllocation): boolean {
  return ClientStatus === 'pending' || ClientStatus === 'running';
}

import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import { currentClaim } from './control/claim.ts';
import { signalProcess } from './control/process-identity.ts';
import { ProcessTree } from './control/process-tree.ts';
import type { LaunchRecord } from './control/record.ts';
import type { LocalJobs } from './jobs.ts';
import type { LocalServices } from './services.ts';
import type { Site } from './site.ts';
import { isNativeName } from './translate.ts';

/** So long a supervisor may take beyond the grace of its program. */
const supervisorGraceMs = 5000;

/** Ends what runs, waits until it is really gone, and removes the folder. Unknown is released already. */
export async function release(
  site: Site,
  handle: Handle,
  facets: { readonly jobs: LocalJobs; readonly services: LocalServices },
): Promise<void> {
  site.assertOpen('release');
  const { kind, name } = handle.native;
  if (handle.backend !== site.name || !isNativeName(name)) return;
  if (kind !== 'JOB' && kind !== 'SERVICE') return;
  const record = site.client.record(kind, name);
  if (record === null) return;
  if (kind === 'JOB') await facets.jobs.cancel(handle);
  else facets.services.wishEnd(name);
  await untilGone(site, record);
  await site.client.remove(kind, name, record.mark);
  site.leave(record);
  facets.services.forget(name);
  site.bell.ring(site.bellName(record));
  site.schedule();
}

async function untilGone(site: Site, record: LaunchRecord): Promise<void> {
  const folder = site.client.folder(record.kind, record.name);
  const limit = performance.now() + record.policy.stopGraceMs + supervisorGraceMs;
  while (supervisorOf(folder) !== null && performance.now() < limit) await sleep(10);
  const stubborn = supervisorOf(folder);
  if (stubborn !== null) signalProcess(stubborn, 'SIGKILL');
  if (await new ProcessTree(null, record.mark).kill()) return;
  const message = 'A process of it does not end, even killed; nothing was removed.';
  throw new BackendError('Unavailable', 'release', message);
}

/** Null when none runs; a claim of our own (a job that was ended before it began) is no supervisor. */
function supervisorOf(folder: string): NonNullable<ReturnType<typeof currentClaim>>['holder'] {
  const claim = currentClaim(folder);
  return claim?.alive === true && claim.holder?.pid !== process.pid ? claim.holder : null;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Deployment, V1Job } from './native.ts';
import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import { parsed } from './client.ts';
import { refusal } from './errors.ts';
import { isNativeName, paths } from './names.ts';
import type { Site } from './site.ts';

const lookEveryMs = 100;
/** Beside the time that a program is given to end. */
const patienceMs = 60_000;

/** Removes the object with its pods, waits until they are gone, then what belongs to it. Unknown is released already. */
export async function release(site: Site, handle: Handle): Promise<void> {
  site.assertOpen('release');
  const { kind, name, uid } = handle.native;
  if (handle.backend !== site.name || !isNativeName(name) || typeof uid !== 'string') return;
  if (kind !== 'JOB' && kind !== 'SERVICE') return;
  const pathOf = kind === 'JOB' ? paths.jobs : paths.deployments;
  const there = await site.find<V1Job | V1Deployment>('release', pathOf, name);
  if (there !== null && there.metadata?.uid !== uid) return;
  if (kind === 'JOB' && site.settings.launcher !== null) await hurry(site, name);
  if (there !== null) await remove(site, `${pathOf(await site.client.namespace())}/${name}`, uid);
  await untilGone(site, pathOf, name, uid);
  await site.forget('release', { kind, name });
}

/** Without a propagation policy the pods of a Job would be left behind, and run on. */
async function remove(site: Site, path: string, uid: string): Promise<void> {
  const body = { propagationPolicy: 'Background', preconditions: { uid } };
  const answer = await site.client.answer('release', { method: 'DELETE', path, body });
  // 409: it is another one by now, and ours is gone.
  if (answer.status === 409) return;
  if (answer.status < 300) {
    parsed('release', answer);
    return;
  }
  const error = refusal('release', answer.status, answer.headers, answer.text);
  if (error.kind !== 'NotFound') throw error;
}

/** What its pods would still bring back is not wanted any more; who deletes them first says how long they have. */
async function hurry(site: Site, name: string): Promise<void> {
  const body = { gracePeriodSeconds: site.settings.stopGraceSeconds };
  for (const { metadata } of await site.pods('release', name)) {
    const path = `${paths.pods(await site.client.namespace())}/${metadata?.name ?? ''}`;
    await site.client.find('release', { method: 'DELETE', path, body });
  }
}

async function untilGone(
  site: Site,
  pathOf: (namespace: string) => string,
  name: string,
  uid: string,
): Promise<void> {
  const limit = performance.now() + patienceMs + site.settings.stopGraceSeconds * 1000;
  for (let pause = lookEveryMs / 5; ; pause = Math.min(pause * 2, 2000)) {
    const object = await site.find<V1Job | V1Deployment>('release', pathOf, name);
    const pods = await site.pods('release', name);
    if (object?.metadata?.uid !== uid && pods.length === 0) return;
    if (performance.now() > limit) {
      const message = `${pods.length} pods of ${name} do not end; nothing else was removed.`;
      throw new BackendError('Unavailable', 'release', message);
    }
    await sleep(pause);
    site.assertOpen('release');
  }
}

import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import { actionPath } from './names.ts';
import type { FunctionHandle, Site } from './site.ts';

/** Removes the action and what containers could fetch; those that are warm go when they have been idle long enough. Idempotent. */
export async function release(site: Site, handle: Handle): Promise<void> {
  const own = ours(site, handle);
  if (own === null) return;
  const path = actionPath(site.settings.namespace, own.name);
  // An action of somebody else under this name is left alone.
  if ((await site.find('release', own)) !== null) {
    await site.client.find('release', { method: 'DELETE', path });
  }
  await site.surroundings.deliveries?.release(own.key);
}

function ours(site: Site, handle: Handle): FunctionHandle | null {
  try {
    return site.read(handle, 'release');
  } catch (error) {
    if (error instanceof BackendError && error.kind === 'NotFound') return null;
    throw error;
  }
}

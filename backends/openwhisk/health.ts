import { isJsonObject } from '../../domain/json.ts';
import type { BackendHealth } from '../contract/backend.ts';
import { BackendError } from '../contract/error.ts';
import type { NamespaceLimits } from './limits.ts';
import { limitsOf } from './limits.ts';
import type { Site } from './site.ts';

const limitMs = 2000;

/** Never rejects. What the invokers have is the operator's to know: there is no capacity here. */
export async function siteHealth(site: Site): Promise<BackendHealth> {
  const checkedAt = site.surroundings.now();
  try {
    site.assertOpen('health');
    const message = await look(site, checkedAt + limitMs);
    return { reachable: true, message, checkedAt, capacity: null };
  } catch (error) {
    const message =
      error instanceof BackendError && error.kind === 'DeadlineExceeded'
        ? 'OpenWhisk did not answer within 2 s.'
        : error instanceof Error
          ? error.message
          : String(error);
    return { reachable: false, message, checkedAt, capacity: null };
  }
}

async function look(site: Site, deadline: number): Promise<string> {
  const { client, settings } = site;
  const get = (path: string): Promise<unknown> =>
    client.find('health', { method: 'GET', path, deadline });
  const own = `/api/v1/namespaces/${encodeURIComponent(settings.namespace)}`;
  const [info, namespaces, limits] = await Promise.all([
    get('/'),
    get('/api/v1/namespaces'),
    get(`${own}/limits`),
  ]);
  const description = isJsonObject(info) ? info['description'] : null;
  const name = typeof description === 'string' ? description : 'OpenWhisk';
  const mine = Array.isArray(namespaces) ? namespaces.map(String).join(', ') : 'unknown';
  const namespace = settings.namespace === '_' ? mine : settings.namespace;
  return `${name} at ${settings.apiHost}, namespace ${namespace}${sentence(limitsOf(limits, info))}.`;
}

function sentence({ callsPerMinute, callsAtOnce, memoryMiB }: NamespaceLimits): string {
  const parts = [
    ...(callsPerMinute === null ? [] : [`${callsPerMinute} calls a minute`]),
    ...(callsAtOnce === null ? [] : [`${callsAtOnce} at once`]),
    ...(memoryMiB === null ? [] : [`${memoryMiB.minimum} to ${memoryMiB.maximum} MiB each`]),
  ];
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

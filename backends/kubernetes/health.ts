import type { V1Container, V1Node, V1Pod } from './native.ts';
import type { GpuDevice } from '../../domain/resources.ts';
import type { BackendHealth } from '../contract/backend.ts';
import { BackendError } from '../contract/error.ts';
import { labels, manager, paths } from './names.ts';
import { isAlive } from './observe.ts';
import type { Site } from './site.ts';

const limitMs = 2000;
const mebibyte = 1024 * 1024;

/** Never rejects. What others use is not known here: in use is what is ours. */
export async function siteHealth(site: Site): Promise<BackendHealth> {
  const checkedAt = site.surroundings.now();
  try {
    site.assertOpen('health');
    return await Promise.race([look(site, checkedAt), tooLong()]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reachable: false, message, checkedAt, capacity: null };
  }
}

async function look(site: Site, checkedAt: number): Promise<BackendHealth> {
  const { client } = site;
  const get = <T>(path: string, query: Record<string, string> = {}): Promise<T> =>
    client.call<T>('health', { method: 'GET', path, query });
  const namespace = await client.namespace();
  const [{ gitVersion }, nodes, pods] = await Promise.all([
    get<{ gitVersion?: string }>('/version'),
    get<{ items?: V1Node[] }>('/api/v1/nodes').catch(whenForbidden),
    get<{ items?: V1Pod[] }>(paths.pods(namespace), {
      labelSelector: `${labels.managed}=${manager}`,
    }),
  ]);
  const address = await client.server();
  const message = `Kubernetes ${gitVersion ?? ''} at ${address}, namespace ${namespace}.`;
  const capacity = nodes === null ? null : capacityOf(site, nodes.items ?? [], pods.items ?? []);
  return { reachable: true, message, checkedAt, capacity };
}

function capacityOf(
  site: Site,
  nodes: readonly V1Node[],
  pods: readonly V1Pod[],
): NonNullable<BackendHealth['capacity']> {
  const usable = nodes.filter(
    ({ spec, status }) =>
      spec?.unschedulable !== true &&
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  );
  const alive = pods.filter(isAlive);
  const placed = alive.filter(({ spec }) => spec?.nodeName !== undefined);
  const total = (resource: string): number =>
    sum(usable.map(({ status }) => quantity(status?.allocatable?.[resource])));
  const used = (resource: string): number =>
    sum(placed.flatMap(lasting).map(({ resources }) => quantity(resources?.requests?.[resource])));
  const { gpu } = site.settings;
  return {
    cpus: total('cpu'),
    memoryMiB: Math.floor(total('memory') / mebibyte),
    gpus: gpu === null ? [] : usable.flatMap((node) => gpusOf(node, gpu)),
    cpusInUse: used('cpu'),
    memoryInUseMiB: Math.ceil(used('memory') / mebibyte),
    gpusInUse: gpu === null ? 0 : used(gpu.resource),
    queued: alive.length - placed.length,
  };
}

/** What runs as long as the program does: beside it may be the server of a training, or what returns files. */
function lasting({ spec }: V1Pod): readonly V1Container[] {
  const beside = (spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  return [...(spec?.containers ?? []), ...beside];
}

function gpusOf(
  { metadata, status }: V1Node,
  gpu: NonNullable<Site['settings']['gpu']>,
): readonly GpuDevice[] {
  const count = quantity(status?.allocatable?.[gpu.resource]);
  const model = metadata?.labels?.[gpu.productLabel] ?? 'unknown';
  const memoryMiB = Number(metadata?.labels?.[gpu.memoryLabel] ?? 0) || 0;
  return Array.from({ length: count }, (_, index) => ({ index, model, memoryMiB }));
}

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 1024,
  Mi: mebibyte,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
  Pi: 1024 ** 5,
};

/** As `500m`, `64Gi`, `4`; 0 for what is none. */
export function quantity(text: string | undefined): number {
  const match = /^([\d.]+(?:e\d+)?)([a-zA-Z]*)$/.exec(text ?? '');
  const factor = match?.[2] === '' ? 1 : (factors[match?.[2] ?? ''] ?? 0);
  return match === null ? 0 : Number(match[1]) * factor;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function whenForbidden(error: unknown): null {
  if (error instanceof BackendError && error.kind === 'Unauthorized') return null;
  throw error;
}

function tooLong(): Promise<never> {
  return new Promise((_resolve, reject) => {
    const message = 'The cluster did not answer within 2 s.';
    const error = new BackendError('Unavailable', 'health', message);
    setTimeout(() => reject(error), limitMs).unref();
  });
}

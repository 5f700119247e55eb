import type { GpuDevice } from '../../domain/resources.ts';
import type { BackendHealth } from '../contract/backend.ts';
import { BackendError } from '../contract/error.ts';
import type { NativeAllocation, NativeAttribute, NativeDevice, NativeNode } from './native.ts';
import type { Site } from './site.ts';

const limitMs = 2000;

/** Never rejects. In use is what everybody uses, as far as our token sees. */
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
  const { settings } = site;
  const [nodes, allocations, jobs] = await Promise.all([
    nodesOf(site).catch(whenForbidden),
    site.client
      .read<readonly NativeAllocation[] | null>('health', {
        method: 'GET',
        path: '/v1/allocations',
        query: { resources: 'true', namespace: '*' },
      })
      .catch(whenForbidden),
    site.client.read<readonly { readonly Status?: string }[] | null>('health', {
      method: 'GET',
      path: '/v1/jobs',
    }),
  ]);
  const version = nodes?.find(({ Version }) => Version !== undefined)?.Version;
  const usable = nodes?.filter(isUsable) ?? [];
  const state =
    nodes === null
      ? 'nodes are not shown to us'
      : `${usable.length} of ${nodes.length} nodes ready`;
  const message = `Nomad ${version ?? '(version unknown)'} at ${settings.address}, namespace ${settings.namespace}: ${state}.`;
  if (nodes === null) return { reachable: true, message, checkedAt, capacity: null };
  const queued = (jobs ?? []).filter(({ Status }) => Status === 'pending').length;
  const capacity = { ...capacityOf(site, usable), ...useOf(site, allocations ?? []), queued };
  return { reachable: true, message, checkedAt, capacity };
}

async function nodesOf(site: Site): Promise<readonly NativeNode[]> {
  const { nodes } = await site.client.modules('health');
  return (await nodes.list({ resources: true })).data ?? [];
}

function capacityOf({ settings }: Site, nodes: readonly NativeNode[]) {
  const { gpu, mhzPerCpu } = settings;
  const mhz = sum(nodes.map(({ NodeResources }) => NodeResources?.Cpu?.CpuShares ?? 0));
  return {
    cpus: Math.floor((mhz / mhzPerCpu) * 100) / 100,
    memoryMiB: sum(nodes.map(({ NodeResources }) => NodeResources?.Memory?.MemoryMB ?? 0)),
    gpus: gpu === null ? [] : nodes.flatMap((node) => gpusOf(node, gpu.device)),
  };
}

function useOf({ settings }: Site, allocations: readonly NativeAllocation[]) {
  const tasks = allocations
    .filter(({ ClientStatus }) => ClientStatus === 'pending' || ClientStatus === 'running')
    .flatMap(({ AllocatedResources }) => Object.values(AllocatedResources?.Tasks ?? {}));
  const devices = tasks.flatMap(({ Devices }) => Devices ?? []);
  const mhz = sum(tasks.map(({ Cpu }) => Cpu?.CpuShares ?? 0));
  return {
    cpusInUse: Math.ceil((mhz / settings.mhzPerCpu) * 100) / 100,
    memoryInUseMiB: sum(tasks.map(({ Memory }) => Memory?.MemoryMB ?? 0)),
    gpusInUse:
      settings.gpu === null ? 0 : sum(devices.map(({ DeviceIDs }) => DeviceIDs?.length ?? 0)),
  };
}

/** `wanted` is a type, a vendor and a type, or these and a model, as in a job. */
function gpusOf({ NodeResources }: NativeNode, wanted: string): readonly GpuDevice[] {
  const matching = (NodeResources?.Devices ?? []).filter((device) => isOf(device, wanted));
  return matching.flatMap(({ Name, Attributes, Instances }) => {
    const memoryMiB = mebibytes(Attributes?.['memory']);
    const healthy = (Instances ?? []).filter(({ Healthy }) => Healthy !== false);
    return healthy.map((_, index) => ({ index, model: Name ?? 'unknown', memoryMiB }));
  });
}

function isOf({ Vendor, Type, Name }: NativeDevice, wanted: string): boolean {
  return [Type, `${Vendor}/${Type}`, `${Vendor}/${Type}/${Name}`].includes(wanted);
}

const units: Readonly<Record<string, number>> = {
  MiB: 1,
  MB: 1e6 / 2 ** 20,
  GiB: 1024,
  GB: 1e9 / 2 ** 20,
};

function mebibytes(attribute: NativeAttribute | undefined): number {
  const amount = attribute?.Int ?? attribute?.Float ?? 0;
  return Math.floor(amount * (units[attribute?.Unit ?? 'MiB'] ?? 1));
}

function isUsable({ Status, Drain, SchedulingEligibility }: NativeNode): boolean {
  return Status === 'ready' && Drain !== true && SchedulingEligibility !== 'ineligible';
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
    const message = 'Nomad did not answer within 2 s.';
    const error = new BackendError('Unavailable', 'health', message);
    setTimeout(() => reject(error), limitMs).unref();
  });
}

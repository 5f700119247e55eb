import type { V1Job } from './native.ts';
import { BackendError } from '../contract/error.ts';
import { paths } from './names.ts';
import type { Waiting } from './reasons.ts';
import { sentence } from './reasons.ts';
import type { Site } from './site.ts';

interface Workload {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/** Why Kueue holds a Job; null when it says nothing or may not be asked. */
export async function queueWaiting(
  site: Site,
  job: V1Job,
  operation: string,
): Promise<Waiting | null> {
  const list = await site.client
    .find<{ readonly items?: readonly Workload[] }>(operation, {
      method: 'GET',
      path: paths.workloads(await site.client.namespace()),
      query: { labelSelector: `kueue.x-k8s.io/job-uid=${job.metadata?.uid ?? ''}` },
    })
    .catch((error: unknown) => {
      if (error instanceof BackendError && error.kind === 'Unauthorized') return null;
      throw error;
    });
  const conditions = list?.items?.[0]?.status?.conditions ?? [];
  const reserved = conditions.find(({ type }) => type === 'QuotaReserved');
  if (reserved === undefined || reserved.status === 'True') return null;
  const raw = [reserved.reason, reserved.message].filter(Boolean).join(': ');
  const message = sentence(`It waits in the queue: ${reserved.message ?? reserved.reason ?? ''}`);
  switch (reserved.reason) {
    case 'ExceedsMaxQuota':
    case 'TopologyPlacementFailed':
      return { code: 'RESOURCES_EXCEED_SITE', message, raw };
    case 'NoMatchingFlavor':
      return { code: 'NO_ACCELERATOR', message, raw };
    case 'Misconfigured':
      return { code: 'HELD', message, raw };
    default:
      return { code: 'QUOTA', message, raw };
  }
}

import type { V1Job } from './native.ts';
import { parsed } from './client.ts';
import { refusal } from './errors.ts';
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
  const list = await workloads(site, job, operation);
  const workload = list?.items?.[0];
  if (workload === undefined) return null;
  const reserved = workload.status?.conditions?.find(({ type }) => type === 'QuotaReserved');
  if (reserved?.status === 'True') return null;
  if (reserved === undefined) {
    // Only what was tried is told why it does not fit.
    const message = 'It waits in the queue behind others.';
    return { code: 'PRIORITY', message, raw: 'Kueue has not tried it yet' };
  }
  const raw = [reserved.reason, reserved.message].filter(Boolean).join(': ');
  const message = sentence(`It waits in the queue: ${reserved.message ?? reserved.reason ?? ''}`);
  switch (reserved.reason) {
    case 'ExceedsMaxQuota':
    case 'TopologyPlacementFailed':
      return { code: 'RESOURCES_EXCEED_SITE', message, raw };
    case 'NoMatchingFlavor':
      return { code: 'NO_ACCELERATOR', message, raw };
    case 'Misconfigured':
    case 'Inadmissible':
      return { code: 'HELD', message, raw };
    default: {
      // Older ones have one reason for all that waits. Where some flavor would do, it waits for that one.
      const exceeds = /> maximum capacity/.test(raw) && !/unused quota/.test(raw);
      return { code: exceeds ? 'RESOURCES_EXCEED_SITE' : 'QUOTA', message, raw };
    }
  }
}

/** Older ones serve the first version only, newer ones the second. Null where there is no Kueue, or no right to ask. */
async function workloads(
  site: Site,
  { metadata }: V1Job,
  operation: string,
): Promise<{ readonly items?: readonly Workload[] } | null> {
  const namespace = await site.client.namespace();
  const query = { labelSelector: `kueue.x-k8s.io/job-uid=${metadata?.uid ?? ''}` };
  for (const version of ['v1beta1', 'v1beta2'] as const) {
    const path = paths.workloads(namespace, version);
    const answer = await site.client.answer(operation, { method: 'GET', path, query });
    if (answer.status === 403) return null;
    // Who has no such group says so in plain text.
    if (answer.status === 404) continue;
    if (answer.status < 300) return parsed(operation, answer);
    throw refusal(operation, answer.status, answer.headers, answer.text);
  }
  return null;
}

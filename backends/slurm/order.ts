import { randomUUID } from 'node:crypto';
import type { InputFile, JobWorkload } from '../contract/workload.ts';
import { deliveredInputs, translateDelivered } from './delivered.ts';
import type { JobRecord } from './job-folders.ts';
import type { BatchRequest } from './native.ts';
import type { Site } from './site.ts';
import type { Launch } from './translate.ts';
import { nativeName, translateJob } from './translate.ts';

/** A job that is about to get a folder. */
export interface Order {
  readonly workload: JobWorkload;
  readonly record: JobRecord;
  readonly launch: Launch;
  /** What the launcher is to fetch; null where the folder is shared. */
  readonly delivered: readonly InputFile[] | null;
}

/** Throws Unsupported or Rejected for what can never run here. */
export function orderOf(site: Site, workload: JobWorkload, key: string): Order {
  const name = nativeName(key);
  const mark = randomUUID().slice(0, 13);
  const { request, launch } = translationOf(site, workload, { name, mark });
  const isDelivered = site.deliveries !== null;
  const record: JobRecord = {
    version: 1,
    name,
    key,
    title: workload.title,
    labels: workload.labels,
    mark,
    submittedAt: site.surroundings.now(),
    request,
    ...(isDelivered ? { delivered: true } : {}),
  };
  const delivered = isDelivered ? deliveredInputs(workload, launch) : null;
  return { workload, record, launch, delivered };
}

export function translationOf(
  site: Site,
  workload: JobWorkload,
  job: { readonly name: string; readonly mark: string },
): { readonly request: BatchRequest; readonly launch: Launch } {
  if (site.deliveries !== null) return translateDelivered(workload, site.settings, job);
  const folder = site.folders.folderOnNodes(job.name);
  return translateJob(workload, site.settings, { ...job, folder });
}

import { randomUUID } from 'node:crypto';
import type { JobWorkload } from '../contract/workload.ts';
import type { JobRecord } from './job-folders.ts';
import type { Site } from './site.ts';
import type { Launch } from './translate.ts';
import { nativeName, translateJob } from './translate.ts';

/** A job that is about to get a folder. */
export interface Order {
  readonly workload: JobWorkload;
  readonly record: JobRecord;
  readonly launch: Launch;
}

/** Throws Unsupported or Rejected for what can never run here. */
export function orderOf(site: Site, workload: JobWorkload, key: string): Order {
  const name = nativeName(key);
  const mark = randomUUID().slice(0, 13);
  const folder = site.folders.folderOnNodes(name);
  const { request, launch } = translateJob(workload, site.settings, { name, mark, folder });
  const record: JobRecord = {
    version: 1,
    name,
    key,
    title: workload.title,
    labels: workload.labels,
    mark,
    submittedAt: site.surroundings.now(),
    request,
  };
  return { workload, record, launch };
}

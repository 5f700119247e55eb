import { randomUUID } from 'node:crypto';
import type { JobWorkload } from '../contract/workload.ts';
import type { Kind } from './client.ts';
import type { Launch, LaunchRecord } from './control/record.ts';
import type { Site } from './site.ts';
import { nativeName, supervisionPolicy } from './translate.ts';

let sequence = 0;

/** What is written down of a workload: all but the values of its secrets. */
export function newRecord(
  site: Site,
  kind: Kind,
  key: string,
  workload: JobWorkload,
  launch: Launch,
): LaunchRecord {
  const name = nativeName(key);
  return {
    version: 1,
    kind,
    name,
    key,
    title: workload.title,
    labels: workload.labels,
    submittedAt: site.surroundings.now(),
    sequence: sequence++,
    // Marks processes of this one folder among all on the machine; it never decides anything else.
    mark: randomUUID(),
    resources: workload.resources,
    launch,
    policy: supervisionPolicy(site.settings),
    bell: site.client.bell(kind, name),
  };
}

import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { LocalSettings } from './config.ts';
import { nativeName, supervisionPolicy, translateJob, translateService } from './translate.ts';

/** What the supervisor would be told: the folder's record, but for what is drawn when it is made. Pure. */
export function planOf(
  wanted: Wanted,
  key: string,
  settings: LocalSettings,
  folderOf: (kind: Wanted['kind'], name: string) => string,
): readonly NativeRequest[] {
  const { workload, kind } = wanted;
  const name = nativeName(key);
  const folder = folderOf(kind, name);
  const { secretNames, ...launch } =
    wanted.kind === 'JOB'
      ? translateJob(wanted.workload, settings, folder)
      : translateService(wanted.workload, settings, folder);
  const record = {
    kind,
    name,
    key,
    title: workload.title,
    labels: workload.labels,
    resources: workload.resources,
    ...(wanted.kind === 'SERVICE' && { replicas: wanted.workload.replicas }),
    launch: { ...launch, secrets: Object.fromEntries(secretNames.map((each) => [each, '***'])) },
    policy: supervisionPolicy(settings),
    inputs: workload.inputs,
  };
  return [
    {
      title: 'Record of the supervisor',
      mediaType: 'application/json',
      text: JSON.stringify(record, null, 2),
    },
  ];
}

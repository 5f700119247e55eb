import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { NomadSettings } from './config.ts';
import { assertDataCanCome, placeholder } from './jobs.ts';
import { nativeName } from './names.ts';
import { dataPathOf } from './task.ts';
import { translateJob, translateService } from './translate.ts';

/** The variable with the secrets, if there are any, and the job, in the order in which they are sent. Pure. */
export function planOf(
  wanted: Wanted,
  key: string,
  settings: NomadSettings,
  hasDeliveries: boolean,
): readonly NativeRequest[] {
  const { workload } = wanted;
  const data = dataPathOf(wanted.kind, workload.program, settings, hasDeliveries);
  assertDataCanCome(data, workload);
  const place = { name: nativeName(key), key, mark: 'made-when-sent', data };
  const order = { ...place, kind: wanted.kind, delivery: placeholder(data) };
  const { job, variable } =
    wanted.kind === 'JOB'
      ? translateJob(wanted.workload, settings, order)
      : translateService(wanted.workload, settings, order);
  const hidden = variable === null ? [] : [{ ...variable, Items: masked(variable.Items) }];
  return [
    ...hidden.map((one) => shown(`PUT /v1/var/${one.Path}`, one)),
    shown('PUT /v1/jobs', { Job: job, EnforceIndex: true, JobModifyIndex: 0 }),
  ];
}

function shown(title: string, body: object): NativeRequest {
  return { title, mediaType: 'application/json', text: JSON.stringify(body, null, 2) };
}

function masked(items: object): object {
  return Object.fromEntries(Object.keys(items).map((name) => [name, '***']));
}

import { BackendError } from '../contract/error.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { Site } from './site.ts';
import { nativeName, translateJob } from './translate.ts';

/** Stands for the mark of the job's folder, which is drawn when it is made. */
const mark = '00000000-0000';

/** What Slurm would be told, and what the supervisor on the node. */
export async function planOf(
  site: Site,
  wanted: Wanted,
  key: string,
): Promise<readonly NativeRequest[]> {
  site.assertOpen('plan');
  if (wanted.kind === 'SERVICE') {
    throw new BackendError('Unsupported', 'plan', 'A batch system runs no servers.');
  }
  const name = nativeName(key);
  const folder = site.folders.folderOnNodes(name);
  const { request, launch } = translateJob(wanted.workload, site.settings, { name, mark, folder });
  const { secretNames, ...told } = launch;
  const secrets = Object.fromEntries(secretNames.map((each) => [each, '***']));
  return [
    ...(await site.client.plan(request)),
    {
      title: 'Launch of the supervisor on the node',
      mediaType: 'application/json',
      text: JSON.stringify({ ...told, secrets, inputs: wanted.workload.inputs }, null, 2),
    },
  ];
}

import { BackendError } from '../contract/error.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import { withDelivery } from './delivered.ts';
import { translationOf } from './order.ts';
import type { Site } from './site.ts';
import { nativeName } from './translate.ts';

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
  const { request: asked, launch } = translationOf(site, wanted.workload, { name, mark });
  const isDelivered = site.deliveries !== null;
  const delivery = { url: 'http://delivery.invalid', token: '***' };
  const request = isDelivered ? { ...asked, script: withDelivery(asked, delivery) } : asked;
  const { secretNames, ...told } = launch;
  const secrets = Object.fromEntries(secretNames.map((each) => [each, '***']));
  return [
    ...(await site.client.plan(request)),
    {
      title: `Launch of the ${isDelivered ? 'program by the launcher' : 'supervisor'} on the node`,
      mediaType: 'application/json',
      text: JSON.stringify({ ...told, secrets, inputs: wanted.workload.inputs }, null, 2),
    },
  ];
}

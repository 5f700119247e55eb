import { expect, test } from 'vitest';
import type { JobWorkload } from '../../../../backends/contract/workload.ts';
import { parseSettings } from '../../../../backends/nomad/config.ts';
import { translateJob } from '../../../../backends/nomad/translate.ts';

const delivery = { url: 'http://platform/d', token: 't' };
const place = { name: 'job-1', kind: 'JOB', key: 'key', mark: 'mark' } as const;

const workload: JobWorkload = {
  title: 'a job',
  program: { kind: 'COMMAND', argv: ['/bin/true'], image: 'an/image:1' },
  environment: {},
  secrets: {},
  inputs: [],
  resources: { cpus: 1, memoryMiB: 100, gpus: null, timeLimitSeconds: 60 },
  labels: {},
};

const settings = parseSettings({
  address: 'http://nomad:4646',
  docker: { networkMode: 'host' },
  launcher: { image: 'launcher:1' },
});

test('what fetches and returns the files of a container is in the same network', () => {
  const { job } = translateJob(workload, settings, { ...place, data: 'BESIDE', delivery });
  const tasks = job.TaskGroups[0]?.Tasks ?? [];
  expect(tasks.map(({ Name, Config }) => [Name, Config.network_mode])).toEqual([
    ['main', 'host'],
    ['fetch', 'host'],
    ['return', 'host'],
  ]);
});

test('the token of the files is for whoever fetches and returns them, and no variable is needed after the end', () => {
  const secretive = { ...workload, secrets: { PASSWORD: 'p' } };
  const { job, variable } = translateJob(secretive, settings, {
    ...place,
    data: 'BESIDE',
    delivery,
  });
  const tasks = job.TaskGroups[0]?.Tasks ?? [];
  const reads = tasks.map(({ Name, Templates }) => [
    Name,
    Templates.filter(({ EmbeddedTmpl }) => EmbeddedTmpl.includes('nomadVar')).map(
      ({ EmbeddedTmpl, DestPath }) => [/\.(\w+)/.exec(EmbeddedTmpl)?.[1], DestPath],
    ),
  ]);
  expect(reads).toEqual([
    ['main', [['environment', 'secrets/fathom-secrets.env']]],
    ['fetch', [['delivery', 'secrets/fathom-delivery-token']]],
    ['return', []],
  ]);
  expect(variable?.Items).toEqual({ environment: 'PASSWORD="p"\n', delivery: 't' });
  const [main, ...helpers] = tasks.map((task) => JSON.stringify(task));
  expect(main).not.toContain(delivery.url);
  for (const helper of helpers) expect(helper).toContain(delivery.url);
});

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

test('what fetches and returns the files of a container is in the same network', () => {
  const settings = parseSettings({
    address: 'http://nomad:4646',
    docker: { networkMode: 'host' },
    launcher: { image: 'launcher:1' },
  });
  const { job } = translateJob(workload, settings, { ...place, data: 'BESIDE', delivery });
  const tasks = job.TaskGroups[0]?.Tasks ?? [];
  expect(tasks.map(({ Name, Config }) => [Name, Config.network_mode])).toEqual([
    ['main', 'host'],
    ['fetch', 'host'],
    ['return', 'host'],
  ]);
});

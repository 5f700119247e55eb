import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../../backends/nomad/config.ts';
import { observeJob } from '../../../../backends/nomad/observe.ts';
import { waitingInPlace } from '../../../../backends/nomad/reasons.ts';
import { dataPathOf } from '../../../../backends/nomad/task.ts';
import { translateJob, translateService } from '../../../../backends/nomad/translate.ts';
import { job, service } from '../../../contract/backend/under-test.ts';

const source = { kind: 'IMAGE', image: 'deephdc/plants:1', deepaas: { model: 'plants' } } as const;
const train = { kind: 'MODULE', module: { slug: 'plants', source }, operation: 'train' } as const;
const serve = { ...train, operation: 'serve' } as const;
const address = 'http://nomad:4646';
const deepaas = { image: 'ours/runtime:1' };
const settings = parseSettings({ address, docker: {}, deepaas, gpu: {}, mhzPerCpu: 1000 });
const delivery = { url: 'https://fathom/deliveries/1', token: 'hidden-token' };
const order = { name: 'fathom-run', key: 'run', mark: 'm', delivery } as const;
const workload = job(train, {
  environment: { PLAIN: 'as it is' },
  secrets: { PASSWORD: 'hunter2' },
  resources: {
    cpus: 2,
    memoryMiB: 900,
    gpus: { count: 1, model: null, memoryMiB: null },
    timeLimitSeconds: 60,
  },
});

describe('a training by an image that has DEEPaaS and nothing of ours', () => {
  const data = dataPathOf('JOB', train, settings, true);
  const { job: made, variable } = translateJob(workload, settings, {
    ...order,
    kind: 'JOB',
    data,
  });
  const [group] = made.TaskGroups;
  const [main, server, ...others] = group.Tasks;

  test('is a server before the program, which leads', () => {
    expect(others).toEqual([]);
    expect(server).toMatchObject({
      Name: 'module',
      Driver: 'docker',
      Lifecycle: { Hook: 'prestart', Sidecar: true },
      Config: { image: 'deephdc/plants:1', entrypoint: ['/bin/sh'] },
      Resources: { CPU: 2000, MemoryMB: 900, Devices: [{ Count: 1 }] },
    });
    expect(main).toMatchObject({
      Name: 'main',
      Leader: true,
      Driver: 'docker',
      Config: { image: 'ours/runtime:1', network_mode: 'container:module-${NOMAD_ALLOC_ID}' },
      Resources: { CPU: 100, MemoryMB: 512 },
    });
    expect(main?.Resources).not.toHaveProperty('Devices');
    expect(group.Networks).toEqual([{ DynamicPorts: [{ Label: 'module', To: 0 }] }]);
  });

  test('has one port, on loopback, and one folder', () => {
    const listen = ['--listen-ip', '127.0.0.1', '--listen-port', '${NOMAD_PORT_module}'];
    const folder = ['${NOMAD_ALLOC_DIR}/work', '.deepaas'].join('/');
    expect((server?.Config['args'] as string[] | undefined)?.slice(2)).toEqual([
      ...['deepaas', folder, 'deepaas-run', ...listen],
    ]);
    const args = main?.Config['args'] as string[];
    expect(data).toBe('RUN');
    expect(args.slice(0, 2)).toEqual(['/fathom/modules/launcher/main.ts', 'run']);
    expect(args.slice(args.indexOf('--') + 1)).toEqual([
      ...['node', '/fathom/modules/runtime/main.ts', 'train'],
      ...['--work', '${NOMAD_ALLOC_DIR}/work'],
      ...['--deepaas', 'http://127.0.0.1:${NOMAD_PORT_module}', '--model', 'plants'],
      ...['--server-folder', folder, '--wait', '600'],
    ]);
    expect(server?.Env).toMatchObject({
      FATHOM_MODEL_FOLDER: '${NOMAD_ALLOC_DIR}/work/out/.unfinished-model',
    });
  });

  test('gives the server what is the run’s, and the driver what is ours', () => {
    const texts = (task: typeof main) => JSON.stringify(task?.Templates);
    expect(texts(server)).toContain('PLAIN');
    expect(texts(server)).toContain('DEEPAAS_V2_MODEL');
    expect(texts(server)).not.toContain('FATHOM_DELIVERY');
    expect(texts(main)).toContain('FATHOM_DELIVERY_URL');
    expect(texts(main)).not.toContain('PLAIN');
    expect(variable?.Items).toEqual({
      environment: 'FATHOM_DELIVERY_TOKEN="hidden-token"\n',
      module: 'PASSWORD="hunter2"\n',
    });
  });

  test('has the node’s network when all containers have', () => {
    const host = parseSettings({ address, docker: { networkMode: 'host' }, deepaas, gpu: {} });
    const tasks = translateJob(workload, host, { ...order, kind: 'JOB', data }).job.TaskGroups[0];
    expect(tasks.Tasks.map(({ Config }) => Config['network_mode'])).toEqual(['host', 'host']);
  });

  test('is refused where that is not set up', () => {
    const bare = parseSettings({ address, docker: {}, gpu: {} });
    expect(() => translateJob(workload, bare, { ...order, kind: 'JOB', data })).toThrow(
      'not set up',
    );
  });
});

test('such an image is served by its own command, with its artifact brought before', () => {
  const data = dataPathOf('SERVICE', serve, settings, true);
  const served = service(serve, { artifactFolder: 'artifact' });
  const made = translateService(served, settings, { ...order, kind: 'SERVICE', data });
  const [main, fetch] = made.job.TaskGroups[0].Tasks;
  expect(main?.Config).toMatchObject({
    image: 'deephdc/plants:1',
    entrypoint: ['deepaas-run'],
    args: ['--listen-ip', '0.0.0.0', '--listen-port', '${NOMAD_PORT_module}'],
  });
  expect(main?.Config).not.toHaveProperty('work_dir');
  expect(main?.Env).toMatchObject({
    FATHOM_ARTIFACT_FOLDER: '${NOMAD_ALLOC_DIR}/work/artifact',
  });
  expect(fetch?.Config).toMatchObject({ image: 'ours/runtime:1', entrypoint: ['node'] });
});

describe('what Nomad says of such a training', () => {
  const ended = (code: number, more: object = {}) => ({
    State: 'dead',
    Failed: code !== 0,
    StartedAt: '2026-08-01T10:00:00Z',
    Events: [{ Type: 'Terminated', Details: { exit_code: String(code), signal: '0', ...more } }],
  });
  const exitOf = (main: object, module: object) => {
    const allocation = { ID: 'a', ClientStatus: 'failed', TaskStates: { main, module } };
    const tasks = [{ Name: 'main', Driver: 'docker' }];
    const native = { ID: 'j', Status: 'dead', TaskGroups: [{ Tasks: tasks }] };
    return observeJob({ job: native, allocations: [allocation], evaluations: [] }).exit;
  };
  const memory = ended(137, { oom_killed: 'true' });

  test('is its memory when the server used too much', () => {
    expect(exitOf(ended(1), memory)?.cause).toBe('OUT_OF_MEMORY');
  });

  test('is the end of the driver, however the server ended behind it', () => {
    expect(exitOf(ended(0), ended(143))).toMatchObject({ cause: 'EXITED', code: 0 });
    expect(exitOf(ended(0), memory)).toMatchObject({ cause: 'EXITED', code: 0 });
    expect(exitOf(ended(2), ended(0))).toMatchObject({ cause: 'EXITED', code: 2 });
  });

  test('is that the server’s image cannot be fetched, while the driver waits for it', () => {
    const event = { Type: 'Driver Failure', DisplayMessage: 'Failed to pull `x`: not found' };
    const TaskStates = {
      main: { State: 'pending', Events: [{ Type: 'Received' }] },
      module: { State: 'pending', Events: [event] },
    };
    expect(waitingInPlace({ ID: 'a', TaskStates }, 'main').code).toBe('IMAGE_UNAVAILABLE');
  });
});

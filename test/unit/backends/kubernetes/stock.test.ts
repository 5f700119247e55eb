import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../../backends/kubernetes/config.ts';
import type { V1Pod } from '../../../../backends/kubernetes/native.ts';
import { observeJob } from '../../../../backends/kubernetes/observe.ts';
import { planOf } from '../../../../backends/kubernetes/plan.ts';
import { translateJob, translateService } from '../../../../backends/kubernetes/translate.ts';
import { job, service } from '../../../contract/backend/under-test.ts';

const source = { kind: 'IMAGE', image: 'deephdc/plants:1', deepaas: { model: 'plants' } } as const;
const train = {
  kind: 'MODULE',
  module: { slug: 'plants', source },
  operation: 'train',
} as const;
const serve = { ...train, operation: 'serve' } as const;
const delivery = { url: 'https://fathom/deliveries/1', token: 'hidden-token' };
const naming = { name: 'fathom-run', key: 'run', delivery } as const;
const deepaas = { image: 'ours/runtime:1' };
const launcher = { image: 'the/launcher:1' };
const settings = parseSettings({ deepaas, launcher, stopGraceSeconds: 5, gpu: {} });
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
  const { job: manifest, belongings } = translateJob(workload, settings, naming);
  const pod = manifest.spec?.template.spec;
  const [server, ...others] = pod?.initContainers ?? [];
  const [main] = pod?.containers ?? [];
  const variables = (of: typeof main): Record<string, string | undefined> =>
    Object.fromEntries((of?.env ?? []).map(({ name, value }) => [name, value]));

  test('has its server as a sidecar with the guard around it, on loopback alone', () => {
    expect(others).toEqual([]);
    expect(server).toMatchObject({
      name: 'module',
      image: 'deephdc/plants:1',
      restartPolicy: 'Always',
    });
    const command = server?.command ?? [];
    expect(command.slice(0, 2)).toEqual(['/bin/sh', '-c']);
    const folder = `${main?.workingDir}/.deepaas`;
    const listen = ['--listen-ip', '127.0.0.1', '--listen-port', '5000'];
    expect(command.slice(3)).toEqual(['deepaas', folder, 'deepaas-run', ...listen]);
    // Kubernetes would fill in $(…) of the script.
    expect(command[2]).toContain('$$(kills)');
  });

  test('gives the server what was asked for, and the driver enough for itself', () => {
    expect(server?.resources?.limits).toEqual({
      cpu: '2000m',
      memory: '900Mi',
      'nvidia.com/gpu': '1',
    });
    expect(main?.resources?.limits).toEqual({ cpu: '1', memory: '512Mi' });
  });

  test('tells the server of the training, and neither where the files come from', () => {
    const folder = main?.workingDir ?? '';
    expect(variables(server)).toMatchObject({
      PLAIN: 'as it is',
      DEEPAAS_V2_MODEL: 'plants',
      PYTHONUNBUFFERED: '1',
      FATHOM_WORK_FOLDER: folder,
      FATHOM_DATA_FOLDER: `${folder}/data`,
      FATHOM_MODEL_FOLDER: `${folder}/out/.unfinished-model`,
    });
    expect(Object.keys(variables(server))).toContain('PASSWORD');
    expect(JSON.stringify(server)).not.toContain('FATHOM_DELIVERY');
    expect(Object.keys(variables(main))).toEqual([
      'FATHOM_WORK_FOLDER',
      'FATHOM_DELIVERY_URL',
      'FATHOM_DELIVERY_TOKEN',
    ]);
    expect(JSON.stringify(manifest)).not.toMatch('hidden-token');
    expect(Object.keys(belongings.secret?.data ?? {})).toEqual(['secret-0', 'delivery-token']);
  });

  test('is driven by an image of ours, inside of our launcher, which keeps the time', () => {
    expect(main).toMatchObject({ name: 'main', image: 'ours/runtime:1' });
    const command = main?.command ?? [];
    const split = command.indexOf('--');
    expect(command.slice(0, 3)).toEqual(['node', '/fathom/modules/launcher/main.ts', 'run']);
    expect(command.slice(split + 1)).toEqual([
      ...['node', '/fathom/modules/runtime/main.ts', 'train', '--work', main?.workingDir],
      ...['--deepaas', 'http://127.0.0.1:5000', '--model', 'plants'],
      ...['--server-folder', `${main?.workingDir}/.deepaas`, '--wait', '600'],
    ]);
    expect(command[command.indexOf('--time-limit') + 1]).toBe('60');
    expect(pod?.activeDeadlineSeconds).toBe(60 + 5 + 300);
    expect(server?.volumeMounts).toEqual(main?.volumeMounts);
    expect(pod?.volumes).toEqual([{ name: 'work', emptyDir: {} }]);
  });

  test('is driven by the runtime alone where a folder is shared', () => {
    const sharedFolder = { path: '/srv', persistentVolumeClaim: 'data' };
    const shared = parseSettings({ deepaas, sharedFolder, gpu: {} });
    const made = translateJob(workload, shared, { ...naming, delivery: null }).job;
    const spec = made.spec?.template.spec;
    expect(spec?.containers[0]?.command?.slice(0, 3)).toEqual([
      'node',
      '/fathom/modules/runtime/main.ts',
      'train',
    ]);
    expect(spec?.initContainers?.map(({ name }) => name)).toEqual(['module']);
    expect(spec?.activeDeadlineSeconds).toBe(60);
  });

  test('is refused where that is not set up, and on several nodes', () => {
    const bare = parseSettings({ launcher });
    expect(() => translateJob(workload, bare, naming)).toThrow('`deepaas` in its settings');
    expect(() => planOf({ kind: 'JOB', workload }, 'run', bare)).toThrow('not set up');
    const shared = parseSettings({ deepaas, gpu: {} });
    const wide = { ...workload, resources: { ...workload.resources, nodes: 2 } };
    expect(() => translateJob(wide, shared, { ...naming, delivery: null })).toThrow('one node');
  });
});

describe('serving such an image', () => {
  const { deployment } = translateService(
    service(serve, { artifactFolder: 'artifact' }),
    settings,
    naming,
  );
  const spec = deployment.spec?.template.spec;

  test('is its own command, with the artifact brought before by an image of ours', () => {
    const [main] = spec?.containers ?? [];
    const listen = ['--listen-ip', '0.0.0.0', '--listen-port', '5000'];
    expect(main?.command).toEqual(['deepaas-run', ...listen]);
    expect(main).not.toHaveProperty('workingDir');
    expect(main?.env).toContainEqual({
      name: 'FATHOM_ARTIFACT_FOLDER',
      value: '/fathom/services/fathom-run/work/artifact',
    });
    expect(main?.env).toContainEqual({ name: 'DEEPAAS_V2_MODEL', value: 'plants' });
    expect(spec?.initContainers?.[0]).toMatchObject({
      name: 'fetch',
      image: 'ours/runtime:1',
      command: ['node', '/fathom/modules/launcher/main.ts'],
      args: ['fetch'],
    });
  });

  test('without an artifact serves what the image ships', () => {
    const made = translateService(service(serve), settings, naming).deployment;
    const text = JSON.stringify(made.spec?.template.spec?.containers);
    expect(text).not.toContain('FATHOM_ARTIFACT_FOLDER');
  });
});

describe('the end of such a training', () => {
  const failed = { status: { conditions: [{ type: 'Failed', status: 'True', reason: 'x' }] } };
  const end = (server: object, exitCode = 1) => {
    const main = { name: 'main', state: { terminated: { exitCode, reason: 'Error' } } };
    const pod = {
      status: {
        phase: 'Failed',
        containerStatuses: [main],
        initContainerStatuses: [{ name: 'module', ...server }],
      },
    };
    return observeJob({ job: failed, pods: [pod as V1Pod], events: [], queue: null }).exit;
  };
  const killed = { terminated: { exitCode: 137, reason: 'OOMKilled' } };

  test('is over memory when the server was, also if it was started again since', () => {
    expect(end({ state: killed })?.cause).toBe('OUT_OF_MEMORY');
    expect(end({ state: { running: {} }, lastState: killed })?.cause).toBe('OUT_OF_MEMORY');
  });

  test('is the exit code of the driver otherwise', () => {
    const stopped = { terminated: { exitCode: 0, reason: 'Completed' } };
    expect(end({ state: stopped })).toMatchObject({ cause: 'EXITED', code: 1 });
    expect(end({ state: stopped }, 2)).toMatchObject({ cause: 'EXITED', code: 2 });
  });
});

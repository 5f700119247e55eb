import { describe, expect, test } from 'vitest';
import type { JobWorkload } from '../../../../backends/contract/workload.ts';
import { parseSettings } from '../../../../backends/slurm/config.ts';
import { sbatchArguments } from '../../../../backends/slurm/cli/sbatch.ts';
import { submitBody } from '../../../../backends/slurm/rest/codec.ts';
import { launchFile, nativeName, translateJob } from '../../../../backends/slurm/translate.ts';

const place = { name: 'run-1', mark: 'abc', folder: '/shared/jobs/run-1' };

const settings = (more: object = {}) =>
  parseSettings({ transport: { kind: 'cli' }, sharedFolder: '/shared', ...more });

const workload = (more: Partial<JobWorkload> = {}): JobWorkload => ({
  title: 'a title; $(id)',
  program: { kind: 'COMMAND', argv: ['/bin/echo', '$(id)', "it's"], image: null },
  environment: { LINE: 'a\nb' },
  secrets: {},
  inputs: [],
  resources: { cpus: 1.5, memoryMiB: 1000.2, gpus: null, timeLimitSeconds: 90 },
  labels: {},
  ...more,
});

const site = {
  partition: 'gpu,long',
  qos: 'normal',
  account: 'vo.ai4os',
  constraint: 'a100&nvlink',
  reservation: 'course',
  gpus: [
    { gres: 'v100', model: 'Tesla V100', memoryMiB: 16_000 },
    { gres: 'a100', model: 'NVIDIA A100', memoryMiB: 40_000 },
  ],
};

describe('what is asked of Slurm', () => {
  test('several nodes are one task each, and srun starts the program on all of them', () => {
    const resources = { cpus: 2, memoryMiB: 100, gpus: null, timeLimitSeconds: 60, nodes: 3 };
    const { request, launch } = translateJob(workload({ resources }), settings(site), place);
    expect(sbatchArguments(request)).toEqual(
      expect.arrayContaining(['--nodes=3', '--ntasks=3', '--ntasks-per-node=1']),
    );
    expect(submitBody(request, 'v0.0.38')).toMatchObject({
      job: { nodes: 3, tasks: 3, tasks_per_node: 1 },
    });
    expect(submitBody(request, 'v0.0.42')).toMatchObject({ job: { nodes: '3', tasks: 3 } });
    expect(launch.argv.slice(0, 5)).toEqual([
      'srun',
      '--nodes=3',
      '--ntasks=3',
      '--ntasks-per-node=1',
      '--cpus-per-task=2',
    ]);
    expect(launch.environment['FATHOM_NODES']).toBe('3');
    expect(launch.environment).not.toHaveProperty('FATHOM_NODE_RANK');
  });

  test('resources and the site’s settings are the options of sbatch', () => {
    const gpus = { count: 2, model: null, memoryMiB: 20_000 };
    const resources = { cpus: 3, memoryMiB: 4000, gpus, timeLimitSeconds: 3600 };
    const { request } = translateJob(workload({ resources }), settings(site), place);
    expect(sbatchArguments(request)).toEqual([
      '--parsable',
      '--no-requeue',
      '--export=NIL',
      '--job-name=run-1',
      '--comment=fathom:abc',
      '--chdir=/shared/jobs/run-1',
      '--output=/shared/jobs/run-1/slurm.out',
      '--error=/shared/jobs/run-1/slurm.out',
      '--nodes=1',
      '--ntasks=1',
      '--cpus-per-task=3',
      '--mem=4000M',
      '--time=62',
      '--partition=gpu,long',
      '--qos=normal',
      '--account=vo.ai4os',
      '--constraint=a100&nvlink',
      '--reservation=course',
      '--gres=gpu:a100:2',
    ]);
  });

  test('fractions are rounded up, and the limit leaves the supervisor time to end it itself', () => {
    const { request, launch } = translateJob(workload(), settings(), place);
    expect(request).toMatchObject({ cpus: 2, memoryMiB: 1001, timeLimitMinutes: 3, gpus: null });
    expect(launch.timeLimitMs).toBe(90_000);
  });

  test('a GPU is asked for by the name that the site gives it', () => {
    const typed = (model: string | null, memoryMiB: number | null) => {
      const resources = { ...workload().resources, gpus: { count: 1, model, memoryMiB } };
      return translateJob(workload({ resources }), settings(site), place).request.gpus;
    };
    expect(typed(null, null)).toEqual({ type: null, count: 1 });
    expect(typed('nvidia a100', null)).toEqual({ type: 'a100', count: 1 });
    expect(typed('V100', 16_000)).toEqual({ type: 'v100', count: 1 });
    expect(() => typed('H100', null)).toThrow('there are: Tesla V100 (16000 MiB)');
    expect(() => typed('V100', 32_000)).toThrow('no such GPU');
  });

  test('old servers are sent what they know, new ones what they do not ignore', () => {
    const resources = {
      ...workload().resources,
      gpus: { count: 1, model: 'a100', memoryMiB: null },
    };
    const { request } = translateJob(workload({ resources }), settings(site), place);
    expect(submitBody(request, 'v0.0.38')).toMatchObject({
      script: request.script,
      job: {
        nodes: 1,
        memory_per_node: 1001,
        time_limit: 3,
        no_requeue: true,
        gres: 'gpu:a100:1',
        environment: { PATH: expect.any(String) as string },
      },
    });
    const set = (number: number) => ({ set: true, infinite: false, number });
    for (const version of ['v0.0.40', 'v0.0.43']) {
      const { job } = submitBody(request, version) as { job: object };
      expect(job).toMatchObject({
        script: request.script,
        nodes: '1',
        memory_per_node: set(1001),
        time_limit: set(3),
        requeue: false,
        tres_per_node: 'gres/gpu:a100:1',
        environment: [expect.stringMatching(/^PATH=/)],
      });
      expect(Object.keys(job)).not.toContain('gres');
    }
    expect(submitBody(request, 'v0.0.39')).toMatchObject({ script: request.script });
  });

  test('nothing of the workload stands in the script, the options or the name', () => {
    const wild = workload({ secrets: { TOKEN: 'hush' } });
    const { request, launch } = translateJob(wild, settings(), place);
    const all = JSON.stringify([request, sbatchArguments(request), submitBody(request, 'v0.0.42')]);
    for (const text of ['$(id)', "it's", 'a\\nb', 'hush', 'TOKEN']) expect(all).not.toContain(text);
    expect(JSON.stringify(launch)).not.toContain('hush');
    expect(launchFile(launch)).not.toContain('hush');
  });

  test('the folder is one word of the script, whatever its name', () => {
    const folder = "/shared/it's $(touch x) `y`/jobs/run-1";
    const { request } = translateJob(workload(), settings(), { ...place, folder });
    expect(request.script).toContain(`cd '/shared/it'\\''s $(touch x) \`y\`/jobs/run-1' || exit`);
  });

  test('the same key gives the same name, other keys others', () => {
    expect(nativeName('run_01 / 1')).toBe(nativeName('run_01 / 1'));
    expect(nativeName('run_01 / 1')).not.toBe(nativeName('run_01 / 2'));
    expect(nativeName('A')).not.toBe(nativeName('a'));
    expect(nativeName('--; rm -rf ~')).toMatch(/^[a-z0-9-]+$/);
  });
});

describe('what runs on the node', () => {
  const module = (source: object, more: object): readonly string[] => {
    const program = { kind: 'MODULE', module: { slug: 'm', source }, operation: 'train' };
    const wild = { ...workload(), program } as JobWorkload;
    return translateJob(wild, settings(more), place).launch.argv;
  };

  test('a module’s folder by the runtime of the site', () => {
    const source = { kind: 'FOLDER', path: '/modules/m' };
    expect(module(source, { runtime: ['node', '/fathom/main.ts'] })).toEqual([
      ...['node', '/fathom/main.ts', 'train', '--module', '/modules/m'],
      ...['--work', '/shared/jobs/run-1/work'],
    ]);
    expect(() => module(source, {})).toThrow('No module runtime is configured');
  });

  test('an image by apptainer, with the work folder at the same place', () => {
    const source = { kind: 'IMAGE', image: 'an/image:1' };
    const work = '/shared/jobs/run-1/work';
    expect(module(source, { container: { kind: 'apptainer', options: ['--cleanenv'] } })).toEqual([
      ...[
        'apptainer',
        'exec',
        '--no-eval',
        '--bind',
        `${work}:${work}`,
        '--pwd',
        work,
        '--cleanenv',
      ],
      ...['docker://an/image:1', 'fathom-module', 'train', '--work', work],
    ]);
    expect(() => module(source, {})).toThrow('No container program is configured');
  });

  test('an image that has DEEPaaS alone by our driver, which starts its server in the container', () => {
    const source = { kind: 'IMAGE', image: 'deephdc/plants:1', deepaas: { model: 'plants' } };
    const work = '/shared/jobs/run-1/work';
    const runtime = ['node', '/fathom/main.ts'];
    expect(module(source, { runtime, container: { kind: 'apptainer' } })).toEqual([
      ...['node', '/fathom/main.ts', 'train', '--work', work, '--model', 'plants'],
      ...['--deepaas-command', 'apptainer', 'exec', '--no-eval', '--bind'],
      ...[`${work}:${work}`, '--pwd', work],
      ...['docker://deephdc/plants:1', 'deepaas-run'],
    ]);
    expect(() => module(source, { container: { kind: 'apptainer' } })).toThrow('No module runtime');
    expect(() => module(source, { runtime })).toThrow('No container program is configured');
  });

  test('who asked for no GPU sees none', () => {
    const { launch } = translateJob(workload(), settings(), place);
    expect(launch.environment).toMatchObject({ CUDA_VISIBLE_DEVICES: '' });
  });

  test('the launch file holds every argument and variable as it is', () => {
    const { launch } = translateJob(workload(), settings(), place);
    const fields = launchFile(launch).split('\0');
    expect(fields.slice(5, 9)).toEqual(['3', '/bin/echo', '$(id)', "it's"]);
    expect(fields).toContain('LINE=a\nb');
    expect(fields.at(-1)).toBe('');
  });
});

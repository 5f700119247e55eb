import { describe, expect, test } from 'vitest';
import type { JobWorkload } from '../../../../backends/contract/workload.ts';
import { parseSettings } from '../../../../backends/slurm/config.ts';
import { launchFile, translateJob } from '../../../../backends/slurm/translate.ts';

const work = '/shared/jobs/run-1/work';
const place = { name: 'run-1', mark: 'abc', folder: '/shared/jobs/run-1' };
const resources = { cpus: 1, memoryMiB: 100, gpus: null, timeLimitSeconds: 60 };

const launchOf = (container: object, more: Partial<JobWorkload> = {}) => {
  const settings = parseSettings({
    transport: { kind: 'cli' },
    sharedFolder: '/shared',
    gpus: [{ model: 'A100', memoryMiB: 40_000 }],
    container,
  });
  const workload: JobWorkload = {
    title: 'a job',
    program: { kind: 'COMMAND', argv: ['train', '-e', '2'], image: 'an/image:1' },
    environment: { PLAIN: 'as it is' },
    secrets: { TOKEN: 'hush' },
    inputs: [],
    resources,
    labels: {},
    ...more,
  };
  return translateJob(workload, settings, place).launch;
};
const withGpu = { resources: { ...resources, gpus: { count: 1, model: null, memoryMiB: null } } };
const withEmptyWord = {
  program: { kind: 'COMMAND', argv: ['train', '', "it's"], image: 'an/image:1' },
} as const;

describe('an image runs', () => {
  test('by charliecloud in a folder that every image has, and the program knows it', () => {
    const { argv, environment } = launchOf({ kind: 'charliecloud', options: ['--storage=/s'] });
    expect(argv).toEqual([
      ...['ch-run', `--bind=${work}:/mnt`, '--cd=/mnt', '--storage=/s', 'an/image:1', '--'],
      ...['train', '-e', '2'],
    ]);
    expect(environment).toMatchObject({ FATHOM_WORK_FOLDER: '/mnt', PLAIN: 'as it is' });
  });

  test('by charliecloud as a module that is told that folder', () => {
    const source = { kind: 'IMAGE', image: 'docker://an/image:1' } as const;
    const program = { kind: 'MODULE', module: { slug: 'm', source }, operation: 'train' } as const;
    expect(launchOf({ kind: 'charliecloud' }, { program }).argv.slice(-6)).toEqual([
      ...['an/image:1', '--', 'fathom-module', 'train', '--work', '/mnt'],
    ]);
  });

  test('by udocker with names of variables only, which win over those of the image', () => {
    const { argv, environment } = launchOf({ kind: 'udocker', command: '/opt/udocker' });
    expect(argv.slice(0, 6)).toEqual([
      ...['/opt/udocker', '--quiet', 'run', '--rm', '--nobanner', '--entrypoint='],
    ]);
    expect(argv).toEqual(expect.arrayContaining(['--hostenv', '--env=PLAIN', '--env=TOKEN']));
    expect(argv.slice(-6)).toEqual([
      ...[`--volume=${work}:${work}`, `--workdir=${work}`, 'an/image:1', 'train', '-e', '2'],
    ]);
    // Its container is in the folder of the job, and goes with it, wherever that is.
    expect(environment).toMatchObject({ UDOCKER_CONTAINERS: `${work}/.udocker` });
  });

  test('by udocker, which drops empty arguments, with all of them', () => {
    expect(launchOf({ kind: 'udocker' }, withEmptyWord).argv.slice(-3)).toEqual([
      ...['/bin/sh', '-c', String.raw`exec train '' 'it'\''s'`],
    ]);
  });

  test.each([
    [
      'apptainer',
      [
        ...['/bin/sh', '-c', 'export APPTAINERENV_TOKEN="$TOKEN"; exec "$0" "$@"'],
        ...['apptainer', 'exec', '--no-eval', '--nv'],
      ],
    ],
    ['charliecloud', ['ch-run', `--bind=${work}:/mnt`]],
    ['udocker', ['/bin/sh', '-c', expect.stringContaining('setup --nvidia') as string, 'udocker']],
  ])('by %s with the GPUs of the node for who asked for some', (kind, start) => {
    const { argv, environment } = launchOf({ kind }, withGpu);
    expect(argv.slice(0, start.length)).toEqual(start);
    expect(environment).not.toHaveProperty('CUDA_VISIBLE_DEVICES');
    expect(argv.slice(-3)).toEqual(['train', '-e', '2']);
  });

  test('by apptainer with variables that win over those of the image, evaluated by nobody', () => {
    const environment = { PLAIN: '$(id)', HOME: '/h' };
    const launch = launchOf({ kind: 'apptainer' }, { environment, secrets: {} });
    expect(launch.argv).toEqual([
      ...['apptainer', 'exec', '--no-eval', '--bind', `${work}:${work}`, '--pwd', work],
      ...['docker://an/image:1', 'train', '-e', '2'],
    ]);
    expect(launch.environment).toMatchObject({
      PLAIN: '$(id)',
      APPTAINERENV_PLAIN: '$(id)',
      APPTAINERENV_FATHOM_WORK_FOLDER: work,
      HOME: '/h',
    });
    expect(launch.environment).not.toHaveProperty('APPTAINERENV_HOME');
    const older = launchOf({ kind: 'apptainer', command: '/opt/bin/singularity' });
    expect(older.environment).toMatchObject({ SINGULARITYENV_PLAIN: 'as it is' });
    expect(older.argv[2]).toContain('SINGULARITYENV_TOKEN="$TOKEN"');
  });

  test('by apptainer with secrets whose names are code, which is not run', () => {
    const { argv } = launchOf({ kind: 'apptainer' }, { secrets: { 'A;touch x': 'hush' } });
    expect(argv.slice(0, 2)).toEqual(['apptainer', 'exec']);
  });

  test.each(['apptainer', 'udocker', 'charliecloud'])('by %s without telling a secret', (kind) => {
    for (const more of [{}, withGpu, withEmptyWord]) {
      const launch = launchOf({ kind }, more);
      expect(launch.secretNames).toEqual(['TOKEN']);
      expect(launchFile(launch)).not.toContain('hush');
    }
  });
});

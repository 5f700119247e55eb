import { shellCommand } from './cli/shell-words.ts';
import type { ContainerSettings } from './config.ts';

interface Contained {
  readonly image: string;
  readonly argv: readonly string[];
  readonly environment: { readonly [name: string]: string };
  readonly secretNames: readonly string[];
  /** On the node. */
  readonly workFolder: string;
  readonly wantsGpus: boolean;
}

interface Command {
  readonly argv: readonly string[];
  readonly environment: Contained['environment'];
}

/**
 * The command that runs `argv` inside of the image. Neither argv nor environment of the result holds a secret. `argv` and
 * `environment` name the work folder as `folderInside` says.
 */
export function inContainer(settings: ContainerSettings, program: Contained): Command {
  switch (settings.kind) {
    case 'apptainer':
      return inApptainer(settings, program);
    case 'udocker':
      return inUdocker(settings, program);
    case 'charliecloud':
      return inCharliecloud(settings, program);
  }
}

/** Where the program finds its work folder. ch-run makes no folder in an image, and every system has this one. */
export function folderInside({ kind }: ContainerSettings, workFolder: string): string {
  return kind === 'charliecloud' ? '/mnt' : workFolder;
}

/**
 * apptainer passes the caller's environment on (secrets too), but what an image sets wins over that, unless it is said once
 * more with a prefix. `--no-eval` since it would let a shell evaluate those.
 */
function inApptainer(settings: ContainerSettings, program: Contained): Command {
  const { image, argv, environment, secretNames, workFolder, wantsGpus } = program;
  const reference = /^([a-z][a-z0-9+-]*:\/\/|\/)/.test(image) ? image : `docker://${image}`;
  const command = settings.command ?? 'apptainer';
  const prefix = /(^|\/)singularity$/.test(command) ? 'SINGULARITYENV_' : 'APPTAINERENV_';
  // Its home is apptainer's to say.
  const prefixed = Object.entries(environment)
    .filter(([name]) => name !== 'HOME')
    .map(([name, value]) => [prefix + name, value] as const);
  const exec = [
    command,
    'exec',
    '--no-eval',
    ...(wantsGpus ? ['--nv'] : []),
    '--bind',
    `${workFolder}:${workFolder}`,
    '--pwd',
    workFolder,
    ...settings.options,
    reference,
    ...argv,
  ];
  return {
    argv: [...sayingAgain(secretNames, prefix), ...exec],
    environment: { ...environment, ...Object.fromEntries(prefixed) },
  };
}

/** Values of secrets are known on the node only. A name that no shell can say, no image sets. */
function sayingAgain(names: readonly string[], prefix: string): readonly string[] {
  const sayable = names.filter((name) => /^[A-Za-z_]\w*$/.test(name) && name !== 'HOME');
  if (sayable.length === 0) return [];
  const words = sayable.map((name) => `${prefix}${name}="$${name}"`);
  return ['/bin/sh', '-c', `export ${words.join(' ')}; exec "$0" "$@"`];
}

/** ch-run passes the caller's environment on and replaces itself by the program. Devices are there as they are outside. */
function inCharliecloud(settings: ContainerSettings, program: Contained): Command {
  const { image, argv, environment, workFolder } = program;
  const inside = folderInside(settings, workFolder);
  return {
    argv: [
      settings.command ?? 'ch-run',
      `--bind=${workFolder}:${inside}`,
      `--cd=${inside}`,
      ...settings.options,
      image.replace(/^docker:\/\//, ''),
      '--',
      ...argv,
    ],
    environment,
  };
}

/**
 * A container of udocker is a copy of the image: it is made in the work folder, with which it goes also when nobody
 * could remove it. `--hostenv` takes what Slurm set, but what an image sets wins over that: `--env=NAME` is for what has to
 * arrive, and shows no value in a process list.
 */
function inUdocker(settings: ContainerSettings, program: Contained): Command {
  const { argv, environment, secretNames, workFolder, wantsGpus } = program;
  const udocker = settings.command ?? 'udocker';
  const image = program.image.replace(/^docker:\/\//, '');
  const names = [...new Set([...Object.keys(environment), ...secretNames])];
  const run = [
    '--quiet',
    'run',
    '--rm',
    '--nobanner',
    '--entrypoint=',
    '--hostenv',
    ...names.map((name) => `--env=${name}`),
    `--volume=${workFolder}:${workFolder}`,
    `--workdir=${workFolder}`,
    ...settings.options,
  ];
  const words = withoutEmptyWords(argv);
  return {
    argv: wantsGpus
      ? ['/bin/sh', '-c', withGpus, udocker, image, ...run, gpuContainer, ...words]
      : [udocker, ...run, image, ...words],
    environment: { ...environment, UDOCKER_CONTAINERS: `${workFolder}/.udocker` },
  };
}

const gpuContainer = 'fathom';

/** The libraries of the node's GPUs are copied into the container before it runs. Several nodes share the folder. */
const withGpus = `UDOCKER_CONTAINERS="$UDOCKER_CONTAINERS/\${FATHOM_NODE_RANK:-0}"; export UDOCKER_CONTAINERS
image=$1; shift
"$0" --quiet create --name=${gpuContainer} "$image" > /dev/null && "$0" --quiet setup --nvidia --force ${gpuContainer} >&2 && exec "$0" "$@"`;

/** udocker drops empty arguments. */
function withoutEmptyWords(argv: readonly string[]): readonly string[] {
  if (!argv.includes('')) return argv;
  return ['/bin/sh', '-c', `exec ${shellCommand(argv)}`];
}

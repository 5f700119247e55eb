import { BackendError } from '../contract/error.ts';
import type { Program } from '../contract/workload.ts';
import type { GpuRequest, Resources } from '../../domain/resources.ts';
import { stockOf } from '../deepaas-images/program.ts';
import type { GpuSettings, NomadSettings } from './config.ts';
import { literal } from './literal.ts';
import type { DataPath, Kind } from './names.ts';
import type { TaskRequest } from './native.ts';
import { serverTaskName, stockLaunch } from './stock.ts';
import type { Launch, Word } from './words.ts';
import { nativeText, portLabel, portText } from './words.ts';

export interface Place {
  readonly name: string;
  readonly kind: Kind;
  readonly data: DataPath;
}

/** Inside of containers. */
const folderInContainer = '/fathom/work';

/** Pure: the program of a workload as a command on a node. */
export function launchOf(program: Program, settings: NomadSettings, place: Place): Launch {
  const image = imageOf(program, settings);
  const stock = stockOf(program);
  if (stock !== null) {
    return stockLaunch(stock, settings, workFolderOf(settings, place, 'docker', true));
  }
  const driver = image === null ? 'raw_exec' : 'docker';
  const workFolder = workFolderOf(settings, place, driver);
  return { driver, image, workFolder, argv: argumentsOf(program, settings, workFolder) };
}

/** How the data of such a program come and go. */
export function dataPathOf(
  kind: Kind,
  program: Program,
  settings: NomadSettings,
  hasDeliveries: boolean,
): DataPath {
  if (settings.sharedFolder !== null) return 'FOLDER';
  if (!hasDeliveries) return 'NONE';
  if (stockOf(program)?.operation === 'train') return 'RUN';
  // Servers leave nothing.
  return imageOf(program, settings) === null && kind === 'JOB' ? 'RUN' : 'BESIDE';
}

/** Below the shared folder. */
export function sharedPlace({ name, kind }: Pick<Place, 'name' | 'kind'>): string {
  return `${kind === 'JOB' ? 'jobs' : 'services'}/${name}`;
}

export function driverConfig(
  { driver, image, argv, workFolder, stock }: Launch,
  settings: NomadSettings,
  place: Place,
  { gpus, timeLimitSeconds }: Resources,
): TaskRequest['Config'] {
  const words = argv.map(nativeText);
  const around = (command: readonly string[]): readonly string[] =>
    place.data === 'RUN'
      ? launched(command, settings, { workFolder, limitSeconds: timeLimitSeconds }, words)
      : words;
  if (driver === 'raw_exec') {
    const wrapped = around(settings.launcher.command);
    const [command, ...args] = gpus !== null ? [...onlyItsGpus, ...wrapped] : wrapped;
    // Where nothing makes the folder before, the program begins in Nomad's own.
    const isThere = place.data === 'FOLDER' || place.data === 'BESIDE';
    const folder = isThere ? { work_dir: nativeText(workFolder) } : {};
    return { command, args, ...folder };
  }
  const isDriver = stock === 'DRIVER' && settings.deepaas !== null;
  const [entrypoint, ...args] = isDriver ? around(settings.deepaas.launcher) : words;
  // A server of somebody else's works where its image says; for a training the folder is made on the way.
  const isPlaced = stock === undefined || (stock !== 'SERVICE' && place.data === 'FOLDER');
  return {
    image: literal(image ?? ''),
    entrypoint: [entrypoint],
    args,
    ...(isPlaced ? { work_dir: nativeText(workFolder) } : {}),
    ...(place.data === 'FOLDER' ? { mount: [sharedMount(settings, place)] } : {}),
    ...(place.kind === 'SERVICE' ? { ports: [portLabel] } : {}),
    ...(stock === 'DRIVER' ? besideServer(settings.docker) : networkOf(settings.docker)),
  };
}

/** Of every container of a job: what its program can reach, its launcher can. */
export function networkOf(docker: NomadSettings['docker']): { readonly network_mode?: string } {
  const networkMode = docker?.networkMode ?? null;
  return networkMode === null ? {} : { network_mode: networkMode };
}

/** A driver has the network of the server, which is reached on loopback alone. Containers are named by task and allocation. */
function besideServer(docker: NomadSettings['docker']): { readonly network_mode?: string } {
  const isHost = docker?.networkMode === 'host';
  const network_mode = isHost ? 'host' : `container:${serverTaskName}-\${NOMAD_ALLOC_ID}`;
  return { network_mode };
}

/** Fetches the data, runs the program, sends lines, files and the exit code. */
function launched(
  command: readonly string[],
  { launcher, stopGraceSeconds }: NomadSettings,
  { workFolder, limitSeconds }: { readonly workFolder: Word; readonly limitSeconds: number },
  words: readonly string[],
): readonly string[] {
  const options = [
    ...['--work', nativeText(workFolder)],
    ...['--time-limit', String(limitSeconds)],
    ...['--grace', String(stopGraceSeconds)],
    ...['--give-up', String(launcher.returnSeconds)],
  ];
  return [...command.map(literal), 'run', ...options, '--', ...words];
}

export function deviceRequests(
  request: GpuRequest | null,
  settings: GpuSettings | null,
): Pick<TaskRequest['Resources'], 'Devices'> {
  if (request === null) return {};
  if (settings === null) {
    throw new BackendError('Unsupported', 'translate', 'No GPUs are configured here.');
  }
  const constraints = [
    ...(request.model === null ? [] : [modelConstraint(request.model)]),
    ...(request.memoryMiB === null
      ? []
      : [
          {
            LTarget: '${device.attr.memory}',
            Operand: '>=',
            RTarget: `${Math.ceil(request.memoryMiB)} MiB`,
          },
        ]),
  ];
  return {
    Devices: [{ Name: settings.device, Count: request.count, Constraints: constraints }],
  };
}

/** Plugins name models as the driver does; people do not mind their case. */
function modelConstraint(model: string) {
  const escaped = model.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return { LTarget: '${device.model}', Operand: 'regexp', RTarget: `(?i)^${escaped}$` };
}

/** The plugin tells which devices a task has in a variable that only container runtimes heed. */
const onlyItsGpus = [
  '/bin/sh',
  '-c',
  'CUDA_VISIBLE_DEVICES="$NVIDIA_VISIBLE_DEVICES" exec "$@"',
  'sh',
] as const;

function imageOf(program: Program, settings: NomadSettings): string | null {
  const { docker } = settings;
  const named =
    program.kind === 'COMMAND'
      ? (program.image ?? docker?.commandImage ?? null)
      : program.module.source.kind === 'IMAGE'
        ? program.module.source.image
        : null;
  if (named !== null && docker === null) {
    throw new BackendError(
      'Unsupported',
      'translate',
      'No images run here: docker is not configured.',
    );
  }
  if (named === null && !settings.processes) {
    const message = 'Only images run here, and this is none.';
    throw new BackendError('Unsupported', 'translate', message);
  }
  return named;
}

/** `isShared`: by several tasks. */
function workFolderOf(
  settings: NomadSettings,
  place: Place,
  driver: Launch['driver'],
  isShared = false,
): Word {
  if (place.data === 'FOLDER') {
    return driver === 'docker' ? folderInContainer : `${folderOnNodes(settings, place)}/work`;
  }
  if (place.data === 'NONE' && !isShared) return { native: '${NOMAD_TASK_DIR}' };
  return { native: '${NOMAD_ALLOC_DIR}/work' };
}

function folderOnNodes({ sharedFolder }: NomadSettings, place: Place): string {
  const root = sharedFolder?.pathOnNodes ?? sharedFolder?.path ?? '';
  return `${root.replace(/\/+$/, '')}/${sharedPlace(place)}`;
}

/** The job's own folder and nothing else. */
function sharedMount(settings: NomadSettings, place: Place) {
  const source = literal(`${folderOnNodes(settings, place)}/work`);
  return { type: 'bind', source, target: folderInContainer, readonly: false };
}

function argumentsOf(program: Program, settings: NomadSettings, workFolder: Word): readonly Word[] {
  if (program.kind === 'COMMAND') return program.argv;
  const { source } = program.module;
  if (source.kind === 'FOLDER' && settings.runtime.length === 0) {
    throw new BackendError('Unsupported', 'translate', 'No module runtime is configured here.');
  }
  const start: readonly Word[] =
    source.kind === 'IMAGE'
      ? [...(settings.docker?.imageRuntime ?? []), program.operation]
      : [...settings.runtime, program.operation, '--module', source.path];
  if (program.operation === 'train') return [...start, '--work', workFolder];
  return [...start, '--host', '0.0.0.0', '--port', { native: portText }];
}

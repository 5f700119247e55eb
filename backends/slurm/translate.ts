import { createHash } from 'node:crypto';
import { BackendError } from '../contract/error.ts';
import type { JobWorkload, Program } from '../contract/workload.ts';
import type { GpuRequest } from '../../domain/resources.ts';
import { shellWord } from './cli/shell-words.ts';
import { stockOf, supported } from '../deepaas-images/program.ts';
import type { SlurmSettings } from './config.ts';
import { folderInside, inContainer } from './containers.ts';
import type { BatchRequest } from './native.ts';
import { nodeVariables, onEachNode } from './several-nodes.ts';

/** What the supervisor on the node is told; names of secrets only. */
export interface Launch {
  /** Of the folder; a late job of a released folder must not take the one that was made anew. */
  readonly mark: string;
  readonly argv: readonly string[];
  readonly workFolder: string;
  readonly environment: { readonly [name: string]: string };
  readonly secretNames: readonly string[];
  readonly timeLimitMs: number;
  readonly stopGraceMs: number;
  readonly logLimitBytes: number;
}

/** The same key gives the same name, for ever; other keys give other names. */
export function nativeName(key: string): string {
  const readable = key
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase()
    .slice(0, 40);
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return `${readable.replaceAll(/^-|-$/g, '')}-${digest}`;
}

export function isNativeName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z0-9-]{1,80}$/.test(name);
}

/** Tells a job of a folder from one of an earlier folder of that name. */
export function commentOf(mark: string): string {
  return `fathom:${mark}`;
}

/** Pure: what is asked of Slurm and of the supervisor, shown to people as the dry run. `folder` is the job's, as nodes see it. */
export function translateJob(
  workload: JobWorkload,
  settings: SlurmSettings,
  job: { readonly name: string; readonly mark: string; readonly folder: string },
): { readonly request: BatchRequest; readonly launch: Launch } {
  const { resources } = workload;
  const workFolder = `${job.folder}/work`;
  const request: BatchRequest = {
    name: job.name,
    comment: commentOf(job.mark),
    script: batchScript(job.folder, job.mark),
    folder: job.folder,
    output: `${job.folder}/slurm.out`,
    partition: settings.partition,
    qos: settings.qos,
    account: settings.account,
    constraint: settings.constraint,
    reservation: settings.reservation,
    nodes: resources.nodes ?? 1,
    cpus: Math.ceil(resources.cpus),
    memoryMiB: Math.ceil(resources.memoryMiB),
    // The supervisor keeps the exact limit; Slurm's, in whole minutes, is there for the supervisor.
    timeLimitMinutes: Math.ceil((resources.timeLimitSeconds + settings.stopGraceSeconds + 60) / 60),
    gpus: resources.gpus === null ? null : gpusOf(resources.gpus, settings),
  };
  const { argv, environment } = commandOf(workload, settings, workFolder);
  const launch: Launch = {
    argv: onEachNode(argv, { ...request, folder: job.folder }, settings),
    environment,
    mark: job.mark,
    workFolder,
    secretNames: Object.keys(workload.secrets).toSorted(),
    timeLimitMs: Math.round(resources.timeLimitSeconds * 1000),
    stopGraceMs: Math.round(settings.stopGraceSeconds * 1000),
    logLimitBytes: Math.round(settings.logLimitMiB * 1024 * 1024),
  };
  checkLaunch(workload, { ...launch, argv });
  return { request, launch };
}

/** Fields ended by NUL, which no argument and no variable can hold: nothing to quote, nothing to escape. */
export function launchFile(launch: Launch): string {
  const environment = Object.entries(launch.environment);
  const fields = [
    launch.mark,
    launch.workFolder,
    launch.timeLimitMs,
    launch.stopGraceMs,
    launch.logLimitBytes,
    launch.argv.length,
    ...launch.argv,
    environment.length,
    ...environment.map(([name, value]) => `${name}=${value}`),
    launch.secretNames.length > 0 ? 1 : 0,
  ];
  return fields.map((field) => `${field}\0`).join('');
}

export function secretsFile(secrets: JobWorkload['secrets']): string {
  return Object.entries(secrets)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
}

/** Holds the folder and its mark; all other values are data in files. */
function batchScript(folder: string, mark: string): string {
  return `#!/bin/sh
cd ${shellWord(folder)} || exit 74
mark=${shellWord(mark)}
${superviseScript}`;
}

/** Of every element: which job it is, the file says. Names and marks have no spaces. */
export function arrayScript(folder: string): string {
  return `#!/bin/sh
cd ${shellWord(folder)} && [ -n "$SLURM_ARRAY_TASK_ID" ] || exit 74
line=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" members)
mark=\${line#* }
[ -n "$mark" ] && cd "../../jobs/\${line% *}" || exit 74
${superviseScript}`;
}

const superviseScript = `if ! command -v perl > /dev/null 2>&1; then
  mkdir claim || exit 75
  printf '%s' '{"cause":"NOT_STARTED","job":"","code":null,"signal":null,"stop":null,"startedAt":null,"endedAt":null,"lines":["There is no perl on the node."]}' > exit.json.draft && mv exit.json.draft exit.json
  exit 69
fi
exec perl ./supervise.pl "$mark"
`;

function commandOf(
  workload: JobWorkload,
  settings: SlurmSettings,
  workFolder: string,
): Pick<Launch, 'argv' | 'environment'> {
  const gpus: Readonly<Record<string, string>> =
    // Empty hides all, also where the site does not confine devices: who asked for none gets none.
    workload.resources.gpus === null
      ? { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'none' }
      : {};
  const { container } = settings;
  const image = imageOf(workload.program);
  const inside =
    image !== null && container !== null ? folderInside(container, workFolder) : workFolder;
  const environment = {
    ...gpus,
    ...workload.environment,
    ...nodeVariables(workload.resources.nodes ?? 1),
    FATHOM_WORK_FOLDER: inside,
  };
  const stock = stockOf(workload.program);
  const argv = argumentsOf(workload.program, settings, inside);
  if (image === null) return { argv, environment };
  if (container === null) {
    throw new BackendError('Unsupported', 'translate', 'No container program is configured here.');
  }
  const wantsGpus = workload.resources.gpus !== null;
  const contained = inContainer(container, {
    image,
    argv,
    environment,
    secretNames: Object.keys(workload.secrets),
    workFolder,
    wantsGpus,
  });
  if (stock === null) return contained;
  supported(stock, workload.resources.nodes);
  if (inside !== workFolder) {
    const message = `A stock image does not run by ${container.kind}: its driver and its server would see different folders.`;
    throw new BackendError('Unsupported', 'translate', message);
  }
  const driver = [...runtimeOf(settings), 'train', '--work', workFolder, '--model', stock.model];
  return { ...contained, argv: [...driver, '--deepaas-command', ...contained.argv] };
}

function runtimeOf({ runtime }: SlurmSettings): readonly string[] {
  if (runtime.length > 0) return runtime;
  throw new BackendError('Unsupported', 'translate', 'No module runtime is configured here.');
}

function imageOf(program: Program): string | null {
  if (program.kind === 'COMMAND') return program.image;
  const { source } = program.module;
  return source.kind === 'IMAGE' ? source.image : null;
}

function argumentsOf(
  program: Program,
  settings: SlurmSettings,
  workFolder: string,
): readonly string[] {
  if (program.kind === 'COMMAND') return program.argv;
  if (program.operation === 'serve') {
    throw new BackendError('Unsupported', 'translate', 'A batch system runs no servers.');
  }
  const { source } = program.module;
  // The driver of such an image is on the node, and starts its server.
  if (source.kind === 'IMAGE' && source.deepaas !== undefined) {
    return ['deepaas-run'];
  }
  if (source.kind === 'IMAGE') {
    return [...settings.imageRuntime, program.operation, '--work', workFolder];
  }
  const start = [...runtimeOf(settings), program.operation, '--module', source.path];
  return [...start, '--work', workFolder];
}

/** The first kind of GPU that is what was asked for; Slurm cannot be asked for one kind or another. */
function gpusOf(request: GpuRequest, settings: SlurmSettings): BatchRequest['gpus'] {
  if (settings.gpus.length === 0) {
    throw new BackendError('Unsupported', 'translate', 'No GPUs are configured here.');
  }
  const wanted = request.model?.toLowerCase() ?? null;
  const kind = settings.gpus.find(
    ({ gres, model, memoryMiB }) =>
      (wanted === null || wanted === model.toLowerCase() || wanted === gres?.toLowerCase()) &&
      (request.memoryMiB === null || memoryMiB >= request.memoryMiB),
  );
  if (kind === undefined) {
    const there = settings.gpus.map(({ model, memoryMiB }) => `${model} (${memoryMiB} MiB)`);
    const message = `There is no such GPU here; there are: ${there.join(', ')}.`;
    throw new BackendError('Unsupported', 'translate', message);
  }
  const isAny = wanted === null && request.memoryMiB === null;
  return { type: isAny ? null : kind.gres, count: request.count };
}

function checkLaunch(workload: JobWorkload, launch: Launch): void {
  if (launch.argv.length === 0 || launch.argv[0] === '') {
    throw rejected('There is no command to run.');
  }
  if (launch.argv.some((argument) => argument.includes('\0'))) {
    throw rejected('An argument holds a NUL character, which no program can be given.');
  }
  for (const group of [workload.environment, workload.secrets]) {
    for (const [name, value] of Object.entries(group)) {
      if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
        throw rejected(`The environment variable "${name.replaceAll('\0', '')}" is malformed.`);
      }
    }
  }
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'translate', message);
}

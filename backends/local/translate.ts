import { createHash } from 'node:crypto';
import type { JobWorkload, Program, ServiceWorkload } from '../contract/workload.ts';
import { BackendError } from '../contract/error.ts';
import type { LocalSettings } from './config.ts';
import type { Launch, SupervisionPolicy } from './control/record.ts';

/** The same key gives the same name, for ever; other keys give other names, also where case is not told apart. */
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

/** What would be started, in which folder: pure, and shown to people as the dry run. */
export function translateJob(
  workload: JobWorkload,
  settings: LocalSettings,
  workFolder: string,
): Launch {
  return launch(workload, moduleCommand(workload.program, settings, workFolder, null), workFolder);
}

export function translateService(
  workload: ServiceWorkload,
  settings: LocalSettings,
  workFolder: string,
): Launch {
  const artifact =
    workload.artifactFolder === null ? null : `${workFolder}/${workload.artifactFolder}`;
  return launch(
    workload,
    moduleCommand(workload.program, settings, workFolder, artifact),
    workFolder,
  );
}

export function supervisionPolicy(settings: LocalSettings): SupervisionPolicy {
  return {
    stopGraceMs: settings.stopGraceSeconds * 1000,
    sampleMs: settings.sampleMs,
    logLimitBytes: Math.round(settings.logLimitMiB * 1024 * 1024),
    loadTimeoutMs: settings.loadTimeoutSeconds * 1000,
    restartDelayMs: settings.restart.delayMs,
    restartDelayMaximumMs: settings.restart.delayMaximumMs,
    giveUpAfter: settings.restart.giveUpAfter,
    passEnvironment: settings.passEnvironment,
  };
}

function moduleCommand(
  program: Program,
  settings: LocalSettings,
  workFolder: string,
  artifact: string | null,
): readonly string[] {
  if (program.kind === 'COMMAND') {
    if (program.image !== null) throw noImages();
    return program.argv;
  }
  const { source } = program.module;
  if (source.kind === 'IMAGE') throw noImages();
  if (settings.runtime.length === 0) {
    throw new BackendError('Unsupported', 'translate', 'No module runtime is configured here.');
  }
  const command = [...settings.runtime, program.operation, '--module', source.path];
  if (program.operation === 'train') return [...command, '--work', workFolder];
  const address = ['--host', '127.0.0.1', '--port', '0'];
  return [...command, ...address, ...(artifact === null ? [] : ['--artifact', artifact])];
}

function launch(workload: JobWorkload, argv: readonly string[], workFolder: string): Launch {
  if (argv.length === 0 || argv[0] === '') throw rejected('There is no command to run.');
  if (argv.some((argument) => argument.includes('\0'))) {
    throw rejected('An argument holds a NUL character, which no program can be given.');
  }
  for (const group of [workload.environment, workload.secrets]) {
    for (const [name, value] of Object.entries(group)) {
      if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
        throw rejected(`The environment variable "${name.replaceAll('\0', '')}" is malformed.`);
      }
    }
  }
  return {
    argv,
    folder: workFolder,
    environment: { ...workload.environment, FATHOM_WORK_FOLDER: workFolder },
    secretNames: Object.keys(workload.secrets).toSorted(),
  };
}

function noImages(): BackendError {
  return new BackendError('Unsupported', 'translate', 'This backend runs processes, not images.');
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'translate', message);
}

import { BackendError } from '../contract/error.ts';
import type { Delivery } from '../contract/delivery.ts';
import type { NomadSettings } from './config.ts';
import { environmentTemplates, fileTemplate, literal } from './literal.ts';
import { variablePath } from './names.ts';
import type { TaskRequest } from './native.ts';
import type { Place } from './task.ts';
import { networkOf } from './task.ts';
import type { Launch } from './words.ts';

/** What brings the files back when the program has ended. */
export const returnTaskName = 'return';
const fetchTaskName = 'fetch';
const tokenItemName = 'delivery';
const tokenFile = 'fathom-delivery-token';
/** Where the container that returns files finds the secrets of the one that fetched them. */
const fetchSecrets = '/fathom/fetch';

/** Started again it brings what is left: an engine that is busy, or a killed container, costs no files. */
const tryAgain = { Attempts: 2, Mode: 'fail', Interval: 24 * 3600e9, Delay: 2e9 } as const;

interface Delivered extends Place {
  readonly delivery: Delivery | null;
}

/** In the job's variable. */
export function tokenItem({ delivery }: Delivered): Readonly<Record<string, string>> {
  return delivery === null ? {} : { [tokenItemName]: delivery.token };
}

/**
 * Fetch the data before the program, and return what it left when it ended: not while it runs, since a helper beside a short
 * program can be told of the end before it listens. Once a program has failed Nomad takes the allocation for over, and shows
 * it no variable any more (with ACL): what returns reads the token where the one that fetched was given it.
 */
export function deliveryTasks(
  settings: NomadSettings,
  order: Delivered,
  { main, launch, environment }: Beside,
): readonly TaskRequest[] {
  const launcher = launcherFor(main, launch, settings);
  const work = ['--work', '${NOMAD_ALLOC_DIR}/work'];
  const helper = (name: string, hook: string, args: readonly string[]): TaskRequest => ({
    ...main,
    Name: name,
    Config: commandConfig(main.Driver, { ...settings, launcher }, [...args, ...work]),
    Resources: { CPU: Math.ceil(settings.mhzPerCpu / 10), MemoryMB: 256 },
    LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
    Lifecycle: { Hook: hook, Sidecar: false },
  });
  const told = environmentTemplates(environment.plain, 'fathom.env');
  const withTokenIn = (folder: string) => ({
    ...environment.filledIn,
    FATHOM_DELIVERY_TOKEN_FILE: `${folder}/${tokenFile}`,
  });
  const fetching = {
    ...helper(fetchTaskName, 'prestart', ['fetch']),
    Env: withTokenIn('${NOMAD_SECRETS_DIR}'),
    Templates: [...told, fileTemplate(variablePath(order.name), tokenItemName, tokenFile)],
  };
  if (order.kind === 'SERVICE') return [fetching];
  // The stop file is there from the start.
  const ending = ['return', '--stop-file', 'out', '--give-up', String(launcher.returnSeconds)];
  const returning = helper(returnTaskName, 'poststop', ending);
  const source = `../${fetchTaskName}/secrets`;
  const mount = [{ type: 'bind', source, target: fetchSecrets, readonly: true }];
  return [
    fetching,
    {
      ...returning,
      Config: { ...returning.Config, mount },
      Env: withTokenIn(fetchSecrets),
      Templates: told,
      RestartPolicy: tryAgain,
    },
  ];
}

interface Beside {
  /** The program. */
  readonly main: TaskRequest;
  readonly launch: Launch;
  /** Of the program, without secrets, and where to deliver. */
  readonly environment: {
    readonly plain: Readonly<Record<string, string>>;
    readonly filledIn: Readonly<Record<string, string>>;
  };
}

function launcherFor(
  main: TaskRequest,
  { stock }: Launch,
  { deepaas, launcher }: NomadSettings,
): NomadSettings['launcher'] {
  // Images that have DEEPaaS alone come with one that has the launcher.
  if (stock !== undefined && deepaas !== null) {
    return { ...launcher, image: deepaas.image, imageCommand: deepaas.launcher };
  }
  if (main.Driver === 'docker' && launcher.image === null) {
    const message =
      'No image with the launcher is configured here, and no shared folder: data cannot reach a container.';
    throw new BackendError('Unsupported', 'translate', message);
  }
  return launcher;
}

function commandConfig(
  driver: string,
  { launcher, docker }: NomadSettings,
  more: readonly string[],
): TaskRequest['Config'] {
  if (driver === 'raw_exec') {
    const [command, ...args] = launcher.command.map(literal);
    return { command, args: [...args, ...more] };
  }
  const [entrypoint, ...args] = launcher.imageCommand.map(literal);
  return {
    image: literal(launcher.image ?? ''),
    entrypoint: [entrypoint],
    args: [...args, ...more],
    ...networkOf(docker),
  };
}

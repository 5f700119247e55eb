import { BackendError } from '../contract/error.ts';
import type { Delivery } from '../contract/delivery.ts';
import type { JobWorkload, ServiceWorkload } from '../contract/workload.ts';
import { type StockProgram, stockOf } from '../deepaas-images/program.ts';
import { isInnerPath } from '../work-folder/inputs.ts';
import type { NomadSettings } from './config.ts';
import { deliveryTasks, tokenItem } from './delivery-tasks.ts';
import { environmentFile, environmentTemplates, secretTemplate } from './literal.ts';
import { meta, variablePath } from './names.ts';
import type { GroupRequest, JobRequest, TaskRequest, VariableRequest } from './native.ts';
import { driverMemoryMiB, serverLaunch, serverTaskName, stockVariables } from './stock.ts';
import type { Place } from './task.ts';
import { deviceRequests, driverConfig, launchOf } from './task.ts';
import type { Launch } from './words.ts';
import { below, portLabel, portText } from './words.ts';

export interface Order extends Place {
  readonly key: string;
  readonly mark: string;
  /** For data that come and go by the launcher; null for others. */
  readonly delivery: Delivery | null;
}

export interface Translation {
  readonly job: JobRequest;
  /** Holds the secrets; null when there are none. */
  readonly variable: VariableRequest | null;
}

/** Nomad keeps 64 KiB in a variable. */
const variableLimitBytes = 60 * 1024;
export const itemName = 'environment';
export const groupName = 'main';
export const taskName = 'main';
const seconds = 1e9;

/** Pure: what is asked of Nomad, shown to people as the dry run (without the items of the variable). */
export function translateJob(
  workload: JobWorkload,
  settings: NomadSettings,
  order: Order,
): Translation {
  const limits = limitsOf(workload, settings, order);
  const { task, variable, helpers } = tasksOf(workload, settings, order, {});
  const job: JobRequest = {
    ...common(settings, order),
    Type: 'batch',
    Meta: { ...metaOf(workload, order), [meta.timeLimit]: String(limits.ours) },
    TaskGroups: [
      {
        ...groupOf(settings, 1, [task, ...helpers]),
        // Another try is another attempt of the run, never a second start of this one.
        RestartPolicy: restartPolicy(0, 'fail', 60, 1),
        ReschedulePolicy: { Attempts: 0, Unlimited: false },
        Disconnect: { Replace: false },
        // The server of a training is reached there.
        ...(helpers.some(({ Name }) => Name === serverTaskName)
          ? { Networks: [{ DynamicPorts: [{ Label: portLabel, To: 0 }] }] }
          : {}),
        // Known since 2.0.3; older ones pass over it, and then we end what runs too long.
        MaxRunDuration: limits.native * 1e6,
      },
    ],
  };
  return { job, variable };
}

/** In milliseconds: after which the program is over time, and after which Nomad ends whatever there is of the job. */
function limitsOf(
  { resources }: JobWorkload,
  { stopGraceSeconds, launcher }: NomadSettings,
  { data }: Order,
): { readonly ours: number; readonly native: number } {
  const limit = resources.timeLimitSeconds;
  const after = stopGraceSeconds + launcher.returnSeconds;
  const milliseconds = (seconds: number): number => Math.round(seconds * 1000);
  // The launcher around a program keeps the limit itself, and has more time for what comes after.
  if (data === 'RUN')
    return { ours: milliseconds(limit + after), native: milliseconds(limit + after) };
  // Nomad's counts from before the data are fetched, and nothing is brought back after it: the program's is kept by us.
  const native = data === 'BESIDE' ? launcher.returnSeconds + limit + after : limit;
  return { ours: milliseconds(limit), native: milliseconds(native) };
}

export function translateService(
  workload: ServiceWorkload,
  settings: NomadSettings,
  order: Order,
): Translation {
  const { artifactFolder, program } = workload;
  if (artifactFolder !== null && !isInnerPath(artifactFolder)) {
    throw rejected(`The artifact folder ${JSON.stringify(artifactFolder)} is not allowed.`);
  }
  const isArtifact = program.kind === 'MODULE' && artifactFolder !== null;
  const { task, variable, helpers } = tasksOf(
    workload,
    settings,
    order,
    { PORT: portText },
    (launch) => ({
      ...launch,
      argv:
        isArtifact && launch.stock === undefined
          ? [...launch.argv, '--artifact', below(launch.workFolder, artifactFolder)]
          : launch.argv,
    }),
  );
  const job: JobRequest = {
    ...common(settings, order),
    Type: 'service',
    Meta: metaOf(workload, order),
    Update: updateOf(settings),
    TaskGroups: [
      {
        ...groupOf(settings, workload.replicas, [task, ...helpers]),
        RestartPolicy: restartPolicy(60, 'delay', 3600, settings.restartDelaySeconds),
        ReschedulePolicy: {
          Unlimited: true,
          Delay: 30 * seconds,
          DelayFunction: 'exponential',
          MaxDelay: 3600 * seconds,
        },
        // The same port inside of a container and outside.
        Networks: [{ DynamicPorts: [{ Label: portLabel, To: task.Driver === 'docker' ? -1 : 0 }] }],
        Services: servicesOf(settings, order.name),
      },
    ],
  };
  return { job, variable };
}

function common(settings: NomadSettings, { name }: Order) {
  return {
    ID: name,
    Name: name,
    Namespace: settings.namespace,
    ...(settings.region === null ? {} : { Region: settings.region }),
    Datacenters: settings.datacenters,
    ...(settings.nodePool === null ? {} : { NodePool: settings.nodePool }),
    ...(settings.priority === null ? {} : { Priority: settings.priority }),
    Constraints: settings.constraints.map(({ attribute, operator, value }) => ({
      LTarget: attribute,
      Operand: operator,
      RTarget: value,
    })),
  };
}

function metaOf(workload: JobWorkload, order: Order): Record<string, string> {
  return {
    [meta.managed]: 'true',
    [meta.kind]: order.kind,
    [meta.key]: order.key,
    [meta.mark]: order.mark,
    [meta.data]: order.data,
    [meta.title]: workload.title.slice(0, 1000),
    [meta.labels]: JSON.stringify(workload.labels),
  };
}

type GroupStart = Pick<GroupRequest, 'Name' | 'Count' | 'EphemeralDisk' | 'Tasks'>;

function groupOf(
  settings: NomadSettings,
  count: number,
  tasks: readonly TaskRequest[],
): GroupStart {
  const logs = tasks.reduce(
    (sum, { LogConfig }) => sum + 2 * LogConfig.MaxFiles * LogConfig.MaxFileSizeMB,
    0,
  );
  return {
    Name: groupName,
    Count: count,
    EphemeralDisk: { SizeMB: settings.diskMiB + logs },
    Tasks: tasks,
  };
}

/** Artifacts are for servers. */
type AnyWorkload = JobWorkload & Partial<Pick<ServiceWorkload, 'artifactFolder'>>;

interface Tasks {
  readonly task: TaskRequest;
  readonly variable: VariableRequest | null;
  readonly helpers: readonly TaskRequest[];
}

function tasksOf(
  workload: AnyWorkload,
  settings: NomadSettings,
  order: Order,
  native: Readonly<Record<string, string>>,
  amend: (launch: Launch) => Launch = (launch) => launch,
): Tasks {
  if ((workload.resources.nodes ?? 1) > 1) {
    const message = 'A job has one node here: Nomad places the parts of a job one by one.';
    throw new BackendError('Unsupported', 'translate', message);
  }
  const launch = amend(launchOf(workload.program, settings, order));
  checkProgram(workload, launch);
  checkInputs(workload);
  const stock = stockOf(workload.program);
  if (stock?.operation === 'train') {
    return driverAndServer(workload, settings, order, { stock, launch });
  }
  const own = stockEnvironment(workload, launch);
  const isBeside = order.data === 'BESIDE';
  // What others do with its files is no matter of the program.
  const shown = isBeside ? { ...order, delivery: null } : order;
  const { task, secrets } = taskOf(workload, settings, shown, launch, {
    name: taskName,
    item: itemName,
    plain: own.plain,
    native: { ...native, ...own.native },
  });
  const items = { [itemName]: environmentFile(secrets), ...(isBeside ? tokenItem(order) : {}) };
  const environment = environmentOf({ ...workload, secrets: {} }, order, launch, {});
  const helpers = isBeside
    ? deliveryTasks(settings, order, { main: task, launch, environment })
    : [];
  return { task, variable: variableOf(items, settings, order), helpers };
}

/** A training by an image that has DEEPaaS alone: what was asked for is the server's, and the files are the driver's matter. */
function driverAndServer(
  workload: JobWorkload,
  settings: NomadSettings,
  order: Order,
  { stock, launch }: { readonly stock: StockProgram; readonly launch: Launch },
): Tasks {
  const { resources } = workload;
  const small = { ...resources, cpus: 0.1, memoryMiB: driverMemoryMiB, gpus: null };
  const bare = { ...workload, environment: {}, secrets: {}, resources: small };
  const none = { plain: {}, native: {} };
  const driver = taskOf(bare, settings, order, launch, {
    name: taskName,
    item: itemName,
    ...none,
  });
  const server = taskOf(
    workload,
    settings,
    { ...order, delivery: null },
    serverLaunch(stock, settings, launch.workFolder),
    { name: serverTaskName, item: serverTaskName, ...stockEnvironment(workload, launch) },
  );
  const items = {
    [itemName]: environmentFile(driver.secrets),
    [serverTaskName]: environmentFile(server.secrets),
  };
  return {
    task: { ...driver.task, Leader: true },
    variable: variableOf(items, settings, order),
    helpers: [
      {
        ...server.task,
        // What it prints goes through the work folder into the driver's.
        LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
        Lifecycle: { Hook: 'prestart', Sidecar: true },
      },
    ],
  };
}

/** What the server of such an image is told, as data and as text for the node. */
function stockEnvironment({ program, artifactFolder = null }: AnyWorkload, { workFolder }: Launch) {
  const stock = stockOf(program);
  const plain: Record<string, string> = {};
  const native: Record<string, string> = {};
  const all = stock === null ? {} : stockVariables(stock, workFolder, artifactFolder);
  for (const [name, word] of Object.entries(all)) {
    if (typeof word === 'string') plain[name] = word;
    else native[name] = word.native;
  }
  return { plain, native };
}

function taskOf(
  workload: JobWorkload,
  settings: NomadSettings,
  order: Order,
  launch: Launch,
  own: {
    readonly name: string;
    /** Of the job's variable, where its secrets are. */
    readonly item: string;
    readonly plain: Readonly<Record<string, string>>;
    readonly native: Readonly<Record<string, string>>;
  },
): { readonly task: TaskRequest; readonly secrets: Readonly<Record<string, string>> } {
  const { cpus, memoryMiB, gpus } = workload.resources;
  const told = { ...workload, environment: { ...workload.environment, ...own.plain } };
  const { plain, filledIn, secrets } = environmentOf(told, order, launch, own.native);
  const path = variablePath(order.name);
  const hasSecrets = Object.keys(secrets).length > 0;
  const templates = [
    ...environmentTemplates(plain, 'fathom.env'),
    ...(hasSecrets ? [secretTemplate(path, own.item, 'fathom-secrets.env')] : []),
  ];
  // A launcher that is told to stop still has to bring back what there is; a node's max_kill_timeout may allow less.
  const returning = order.data === 'RUN' ? Math.min(settings.launcher.returnSeconds, 20) : 0;
  const task: TaskRequest = {
    Name: own.name,
    Driver: launch.driver,
    ...(settings.user === null || launch.driver !== 'raw_exec' ? {} : { User: settings.user }),
    Config: driverConfig(launch, settings, order, workload.resources),
    Env: filledIn,
    Templates: templates,
    Resources: {
      CPU: Math.max(1, Math.ceil(cpus * settings.mhzPerCpu)),
      MemoryMB: Math.max(10, Math.ceil(memoryMiB)),
      ...deviceRequests(gpus, settings.gpu),
    },
    LogConfig: logConfig(settings.logLimitMiB),
    KillTimeout: Math.round((settings.stopGraceSeconds + returning) * seconds),
    KillSignal: 'SIGTERM',
  };
  return { task, secrets };
}

function environmentOf(
  workload: JobWorkload,
  order: Order,
  { workFolder }: Launch,
  native: Readonly<Record<string, string>>,
) {
  // Images of CUDA show every device of the node: who asked for none gets none.
  const none: Record<string, string> =
    workload.resources.gpus === null
      ? { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'none' }
      : {};
  const secrets = {
    ...workload.secrets,
    ...(order.delivery === null ? {} : { FATHOM_DELIVERY_TOKEN: order.delivery.token }),
  };
  const all: Record<string, string> = {
    ...none,
    ...workload.environment,
    ...(typeof workFolder === 'string' ? { FATHOM_WORK_FOLDER: workFolder } : {}),
    ...(order.delivery === null ? {} : { FATHOM_DELIVERY_URL: order.delivery.url }),
  };
  const plain = Object.fromEntries(
    Object.entries(all).filter(([name]) => !Object.hasOwn(secrets, name)),
  );
  // What a template sets wins over these.
  const filledIn = {
    ...native,
    ...(typeof workFolder === 'string' ? {} : { FATHOM_WORK_FOLDER: workFolder.native }),
  };
  return { plain, filledIn, secrets };
}

function variableOf(
  texts: Readonly<Record<string, string>>,
  settings: NomadSettings,
  { name }: Order,
): VariableRequest | null {
  const items = Object.entries(texts).filter(([, text]) => text !== '');
  if (items.length === 0) return null;
  if (items.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0) > variableLimitBytes) {
    throw rejected(
      `The secrets are longer than ${variableLimitBytes} bytes, which is more than Nomad keeps.`,
    );
  }
  return {
    Namespace: settings.namespace,
    Path: variablePath(name),
    Items: Object.fromEntries(items),
  };
}

function logConfig(limitMiB: number): TaskRequest['LogConfig'] {
  const MaxFiles = Math.min(10, limitMiB);
  return { MaxFiles, MaxFileSizeMB: Math.floor(limitMiB / MaxFiles) };
}

function restartPolicy(
  attempts: number,
  mode: 'fail' | 'delay',
  intervalSeconds: number,
  delaySeconds: number,
) {
  const interval = Math.max(intervalSeconds, Math.ceil(attempts * delaySeconds) + 1);
  return {
    Attempts: attempts,
    Mode: mode,
    Interval: interval * seconds,
    Delay: Math.round(delaySeconds * seconds),
  };
}

function updateOf({ checks, loadTimeoutSeconds }: NomadSettings) {
  return {
    MaxParallel: 1,
    HealthCheck: checks === 'nomad' ? 'checks' : 'task_states',
    MinHealthyTime: 1e6,
    HealthyDeadline: loadTimeoutSeconds * seconds,
    ProgressDeadline: (loadTimeoutSeconds + 60) * seconds,
    AutoRevert: false,
    AutoPromote: false,
    Canary: 0,
  };
}

function servicesOf({ checks }: NomadSettings, name: string): GroupRequest['Services'] & object {
  if (checks === 'none') return [];
  const check = { Name: 'listening', Type: 'tcp', Interval: 2 * seconds, Timeout: 2 * seconds };
  return [{ Name: name, Provider: 'nomad', PortLabel: portLabel, Checks: [check] }];
}

function checkProgram(workload: JobWorkload, { argv }: Launch): void {
  if (argv.length === 0 || argv[0] === '') throw rejected('There is no command to run.');
  if (argv.some((word) => typeof word === 'string' && word.includes('\0'))) {
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

/** Where a folder is shared they are checked once more when they are written. */
function checkInputs({ inputs }: JobWorkload): void {
  const files = new Set<string>();
  for (const { path } of inputs) {
    if (!isInnerPath(path))
      throw rejected(`The input path ${JSON.stringify(path)} is not allowed.`);
    if (files.has(path)) throw rejected(`The input path ${JSON.stringify(path)} is there twice.`);
    files.add(path);
  }
  for (const path of files) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      if (!files.has(path.slice(0, end))) continue;
      throw rejected(`The input ${JSON.stringify(path.slice(0, end))} is a file and a folder.`);
    }
  }
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'translate', message);
}

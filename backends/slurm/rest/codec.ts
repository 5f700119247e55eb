import { afterOf, gresOf } from '../cli/sbatch.ts';
import { isJsonObject } from '../../../domain/json.ts';
import type { BatchRequest, NativeExit, NativeJob, NativeNode } from '../native.ts';
import { numberOf, objectsOf, textOf, timeOf, wordsOf } from './values.ts';

/** Newest first. What a server speaks is found out by asking. */
export const apiVersions = [44, 43, 42, 41, 40, 39, 38, 37].map((minor) => `v0.0.${minor}`);

/** Slurm requires an environment; the supervisor makes the one of the program. */
const path = '/usr/local/bin:/usr/bin:/bin';

/** The body of a submit. Up to v0.0.38 an unknown field is refused; later it is ignored, and a job would run without its GPU. */
export function submitBody(request: BatchRequest, version: string): object {
  const common = {
    name: request.name,
    comment: request.comment,
    current_working_directory: request.folder,
    standard_output: request.output,
    standard_error: request.output,
    tasks: request.nodes,
    ...(request.nodes === 1 ? {} : { tasks_per_node: 1 }),
    cpus_per_task: request.cpus,
    ...given('partition', request.partition),
    ...given('qos', request.qos),
    ...given('account', request.account),
    ...given('constraints', request.constraint),
    ...given('reservation', request.reservation),
    ...given('array', request.array?.tasks ?? null),
    ...given('dependency', afterOf(request)),
  };
  const gres = gresOf(request);
  if (minorOf(version) <= 38) {
    const job = {
      ...common,
      nodes: request.nodes,
      memory_per_node: request.memoryMiB,
      time_limit: request.timeLimitMinutes,
      // `requeue: false` is accepted there, and ignored.
      no_requeue: true,
      environment: { PATH: path },
      ...given('gres', gres),
    };
    return { script: request.script, job };
  }
  const job = {
    ...common,
    nodes: String(request.nodes),
    memory_per_node: set(request.memoryMiB),
    time_limit: set(request.timeLimitMinutes),
    requeue: false,
    environment: [`PATH=${path}`],
    ...given('tres_per_node', gres === null ? null : `gres/${gres}`),
  };
  return minorOf(version) === 39
    ? { script: request.script, job }
    : { job: { ...job, script: request.script } };
}

/** What waits of an array is one job, whose id says which elements: `17_[4-9%2]`. See `../elements.ts`. */
export function parseJobs(body: unknown): readonly NativeJob[] {
  return objectsOf(isJsonObject(body) ? body['jobs'] : null).flatMap((job) => {
    const id = idOf(job);
    if (id === null) return [];
    return [
      {
        id,
        name: textOf(job['name']),
        // The accounting has several comments.
        comment: isJsonObject(job['comment'])
          ? textOf(job['comment']['job'])
          : textOf(job['comment']),
        ...stateOf(job),
        reason: textOf(job['state_reason']),
        ...timesOf(job),
        exit: exitOf(job['exit_code']),
      },
    ];
  });
}

export function parseNodes(body: unknown): readonly NativeNode[] {
  return objectsOf(isJsonObject(body) ? body['nodes'] : null).map((node) => ({
    name: textOf(node['name']),
    states: [...wordsOf(node['state']), ...wordsOf(node['state_flags'])].map((state) =>
      state.toUpperCase(),
    ),
    partitions: wordsOf(node['partitions']),
    cpus: numberOf(node['cpus']) ?? 0,
    cpusInUse: numberOf(node['alloc_cpus']) ?? 0,
    memoryMiB: numberOf(node['real_memory']) ?? 0,
    memoryInUseMiB: numberOf(node['alloc_memory']) ?? 0,
    gres: textOf(node['gres']),
    gresInUse: textOf(node['gres_used']),
  }));
}

/** slurmctld has the array's fields in the job, the accounting in `array`. */
function idOf(job: { readonly [name: string]: unknown }): string | null {
  const { array } = job;
  const isAccounted = isJsonObject(array);
  const base = numberOf(isAccounted ? array['job_id'] : job['array_job_id']);
  const own = numberOf(job['job_id']);
  // 0 for a job by itself.
  if (base === null || base === 0) return own === null ? null : String(own);
  const task = numberOf(isAccounted ? array['task_id'] : job['array_task_id']);
  if (task !== null) return `${base}_${task}`;
  return `${base}_[${tasksOf(textOf(isAccounted ? array['task'] : job['array_task_string']))}]`;
}

/** The accounting tells the elements that were never split off as bits: `0xA` is 1 and 3. */
function tasksOf(text: string): string {
  if (!/^0x[0-9a-f]+$/i.test(text)) return text;
  const bits = BigInt(text).toString(2);
  const tasks = bits.split('').toReversed();
  return tasks.flatMap((bit, task) => (bit === '1' ? [task] : [])).join(',');
}

/** slurmctld says a wait status up to v0.0.38; others say what it means. */
function exitOf(told: unknown): NativeExit | null {
  if (typeof told === 'number') {
    const signal = told & 127;
    return signal === 0 ? { code: told >> 8, signal: null } : { code: null, signal };
  }
  if (!isJsonObject(told)) return null;
  const { signal } = told;
  const number = isJsonObject(signal) ? numberOf(signal['signal_id'] ?? signal['id']) : null;
  if (number !== null && number > 0) return { code: null, signal: number };
  const code = numberOf(told['return_code']);
  return code === null ? null : { code, signal: null };
}

/** slurmctld says `job_state`, the accounting `state.current`; flags stand beside the state since v0.0.40. */
function stateOf(job: { readonly [name: string]: unknown }): {
  readonly state: string;
  readonly completing: boolean;
} {
  const { state } = job;
  const words = wordsOf(isJsonObject(state) ? state['current'] : job['job_state']);
  // Of a record that another one follows the accounting says PENDING beside it.
  if (isJsonObject(state) && words.includes('REQUEUED')) {
    return { state: 'REQUEUED', completing: false };
  }
  const completing = words.includes('COMPLETING');
  const [first = completing ? 'COMPLETING' : ''] = words.filter((word) => word !== 'COMPLETING');
  return { state: words.includes('CONFIGURING') ? 'CONFIGURING' : first, completing };
}

function timesOf(job: {
  readonly [name: string]: unknown;
}): Pick<NativeJob, 'startedAt' | 'endedAt'> {
  const { time } = job;
  return isJsonObject(time)
    ? { startedAt: timeOf(time['start']), endedAt: timeOf(time['end']) }
    : { startedAt: timeOf(job['start_time']), endedAt: timeOf(job['end_time']) };
}

function minorOf(version: string): number {
  return Number(version.split('.').at(-1));
}

function set(number: number): object {
  return { set: true, infinite: false, number };
}

function given(name: string, value: string | null): object {
  return value === null ? {} : { [name]: value };
}

import type { FakeJob, FakeSubmission } from './cluster.ts';

/** What differs between versions of slurmrestd, as recorded: v0.0.38 of Slurm 22.05, v0.0.42 of 24.11. */
export interface RestShapes {
  readonly version: 'v0.0.38' | 'v0.0.42';
  readonly meta: object;
  /** The sentence and number of a refusal, or what to submit. */
  parseSubmit(body: Body): FakeSubmission | Refusal;
  submitted(id: number): object;
  /** `waiting`: the elements of an array that wait, for which this one stands. */
  job(job: FakeJob, waiting: string | null): object;
  /** `waiting`: the elements that were never split off, for which this one stands. */
  accounted(job: FakeJob, waiting: string | null): object;
  readonly unknownJob: Refusal;
  /** Beside an empty list of the accounting; later versions only warn. */
  readonly nothingFound: readonly object[];
  /** While slurmdbd is down. */
  readonly noDatabase: Refusal;
  /** Answers to a bad token, by operation. */
  badToken(operation: string): Refusal;
  node(running: number): object;
  readonly ping: object;
}

export interface Refusal {
  readonly status: number;
  readonly errors: readonly object[];
}

export type Body = { readonly [name: string]: unknown };

export const legacy: RestShapes = {
  version: 'v0.0.38',
  meta: {
    plugin: { type: 'openapi/v0.0.38', name: 'Slurm OpenAPI v0.0.38' },
    Slurm: { version: { major: 22, micro: 8, minor: 5 }, release: '22.05.8' },
  },
  parseSubmit: (body) => {
    const job = objectIn(body, 'job');
    const unknown = Object.keys(job).find((name) => !legacyFields.includes(name));
    if (unknown !== undefined) {
      return refusal(400, { error_code: 9001, error: `Unknown key "${unknown}"` });
    }
    const environment = job['environment'];
    if (!isObject(environment) || Object.keys(environment).length === 0) {
      return refusal(400, { error_code: 2127, error: 'environment must be set' });
    }
    return submission(body['script'], job);
  },
  submitted: (id) => ({ job_id: id, step_id: 'BATCH', job_submit_user_msg: '' }),
  job: (job, waiting) => ({
    ...identity(job),
    array_job_id: job.arrayId ?? 0,
    array_task_id: waiting === null ? job.task : null,
    array_task_string: waiting ?? '',
    job_state: job.state,
    exit_code: (job.exitCode << 8) | job.signal,
    start_time: job.start,
    // A forecast while it lives.
    end_time: job.end || 6_121_863_999,
    time_limit: 2,
    tres_per_node: '',
  }),
  accounted: (job, waiting) => ({
    ...accounted(job, job.state),
    comment: { administrator: null, job: job.comment || null, system: null },
    array: { job_id: job.arrayId ?? 0, task_id: waiting === null ? job.task : null, task: waiting },
    // The code of a job that failed is not told.
    exit_code:
      job.signal === 0
        ? { status: 'SUCCESS', return_code: 0 }
        : { status: 'SIGNALED', return_code: null, signal: { signal_id: job.signal, name: '' } },
  }),
  unknownJob: refusal(500, {
    error_number: 2017,
    error: 'Invalid job id specified',
    source: 'slurm_load_job',
    description: 'Failure during slurm_load_job',
  }),
  nothingFound: [{ error_number: 9003, error: 'Nothing found with query' }],
  noDatabase: refusal(200, noDatabase('Failed connecting to slurmdbd', 'slurmdb_jobs_get')),
  badToken: (operation) => {
    if (operation === 'submit') {
      return refusal(500, {
        error_code: 5005,
        error: 'Zero Bytes were transmitted or received',
      });
    }
    const error =
      operation === 'job' ? 'Unable to find JobId' : 'slurmctld config is unable to load';
    return refusal(500, { error_number: -1, error });
  },
  node: (running) => ({ ...node(running), state: 'mixed', state_flags: [] }),
  ping: { pings: [{ hostname: 'vm', ping: 'UP', status: 0, mode: 'primary' }] },
};

export const modern: RestShapes = {
  version: 'v0.0.42',
  meta: {
    plugin: { type: 'openapi/slurmctld', name: 'Slurm OpenAPI slurmctld' },
    slurm: { version: { major: '24', micro: '5', minor: '11' }, release: '24.11.5' },
  },
  parseSubmit: (body) => {
    const job = objectIn(body, 'job');
    if (!Array.isArray(job['environment'])) {
      return refusal(500, { error_number: 2127, error: 'environment must be set' });
    }
    return submission(job['script'] ?? body['script'], job);
  },
  submitted: (id) => ({ job_id: id, step_id: 'batch', job_submit_user_msg: '', warnings: [] }),
  job: (job, waiting) => ({
    ...identity(job),
    array_job_id: numbered(job.arrayId ?? 0),
    array_task_id: numbered(waiting === null ? job.task : null),
    array_task_string: waiting ?? '',
    job_state: job.state === 'COMPLETING' ? ['CANCELLED', 'COMPLETING'] : [job.state],
    exit_code: modernExit(job),
    start_time: { set: true, infinite: false, number: job.start },
    end_time: { set: true, infinite: false, number: job.end },
    time_limit: { set: true, infinite: false, number: 2 },
  }),
  accounted: (job, waiting) => ({
    ...accounted(job, job.state === 'REQUEUED' ? ['PENDING', 'REQUEUED'] : [job.state]),
    time: { submission: job.start, start: job.start || 4_294_967_294, end: job.end, elapsed: 1 },
    array: {
      job_id: job.arrayId ?? 0,
      task_id: numbered(waiting === null ? job.task : null),
      task: waiting ?? '',
    },
    exit_code: modernExit(job),
  }),
  unknownJob: refusal(404, { error_number: 2017, error: 'Invalid job id specified' }),
  nothingFound: [],
  noDatabase: refusal(502, noDatabase('Failed to open slurmdbd connection', 'openapi_get_db_conn')),
  badToken: () => refusal(511, { error_number: 1007, error: 'Protocol authentication error' }),
  node: (running) => ({ ...node(running), state: ['MIXED'] }),
  ping: { pings: [{ hostname: 'vm', pinged: 'UP', latency: 100, mode: 'primary' }] },
};

const legacyFields = [
  ...['name', 'comment', 'current_working_directory', 'standard_output', 'standard_error'],
  ...[
    'tasks',
    'tasks_per_node',
    'nodes',
    'cpus_per_task',
    'memory_per_node',
    'time_limit',
    'no_requeue',
    'gres',
  ],
  ...['array', 'dependency'],
  ...['environment', 'partition', 'qos', 'account', 'constraints', 'reservation'],
];

function submission(script: unknown, job: Body): FakeSubmission | Refusal {
  if (typeof script !== 'string' || script === '') {
    return refusal(500, { error_code: 2009, error: 'Job script not specified' });
  }
  return {
    script,
    name: textIn(job, 'name'),
    comment: textIn(job, 'comment'),
    folder: textIn(job, 'current_working_directory'),
    output: textIn(job, 'standard_output'),
    user: 'alice',
    array: textIn(job, 'array'),
    dependency: textIn(job, 'dependency'),
    asked: job,
  };
}

function identity(job: FakeJob): object {
  return {
    job_id: job.id,
    name: job.name,
    user_name: job.user,
    comment: job.comment,
    state_reason: job.reason,
    partition: 'main',
    current_working_directory: job.folder,
    standard_output: job.output,
  };
}

function numbered(number: number | null): object {
  return { set: number !== null, infinite: false, number: number ?? 0 };
}

function modernExit({ exitCode, signal }: FakeJob): object {
  const status = signal > 0 ? 'SIGNALED' : exitCode === 0 ? 'SUCCESS' : 'ERROR';
  return {
    status: [status],
    return_code: numbered(signal > 0 ? null : exitCode),
    signal: { id: numbered(signal === 0 ? null : signal), name: '' },
  };
}

function accounted(job: FakeJob, current: unknown): object {
  return {
    job_id: job.id,
    name: job.name,
    comment: { job: job.comment, administrator: '', system: '' },
    state: { current, reason: job.reason },
    time: { submission: job.start, start: job.start, end: job.end, elapsed: 1 },
  };
}

function node(running: number): object {
  return {
    name: 'fake1',
    cpus: 64,
    alloc_cpus: running,
    real_memory: 64_000,
    alloc_memory: running * 256,
    gres: 'gpu:a100:2(S:0)',
    gres_used: 'gpu:a100:0(IDX:N/A)',
    partitions: ['main', 'long'],
  };
}

function noDatabase(description: string, source: string): object {
  return { description, error_number: 7000, error: 'Unable to connect to database', source };
}

function refusal(status: number, error: object): Refusal {
  return { status, errors: [error] };
}

function textIn(body: Body, name: string): string {
  const value = body[name];
  return typeof value === 'string' ? value : '';
}

function objectIn(body: Body, name: string): Body {
  const value = body[name];
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

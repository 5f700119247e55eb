import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export interface FakeSubmission {
  readonly script: string;
  readonly name: string;
  readonly comment: string;
  readonly folder: string;
  readonly output: string;
  readonly user: string;
  /** As `0-4,7%2`; empty for one job. */
  readonly array: string;
  /** As `afterany:17`; empty for none. */
  readonly dependency: string;
  /** Everything that was asked for, as it came: what a listing shows. */
  readonly asked: unknown;
}

export interface FakeJob extends FakeSubmission {
  /** Of an element that waits, that of its array: it gets one of its own when it is split off. */
  readonly id: number;
  /** `17`, or `17_4`: how it is asked for. */
  readonly key: string;
  readonly arrayId: number | null;
  readonly task: number | null;
  readonly state: string;
  readonly reason: string;
  /** Seconds since 1970; 0 when unknown. */
  readonly start: number;
  readonly end: number;
  readonly exitCode: number;
  /** 0 for none. */
  readonly signal: number;
}

/** A record of the accounting beside those of the jobs that were submitted here. */
export type FakeRecord = Pick<FakeJob, 'key' | 'state' | 'start' | 'end'> & Partial<FakeJob>;

/** Beats what the job really does. */
export interface FakeOverride {
  readonly state: string;
  readonly reason?: string;
  readonly exitCode?: number;
  readonly signal?: number;
}

/**
 * A Slurm whose state is a folder, so that executables, a server and a test can share it. Its one node has room for
 * everything and really runs the scripts.
 */
export class FakeCluster {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    for (const name of ['jobs', 'forgotten', 'vanished', 'faults', 'ids']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
  }

  submit(submission: FakeSubmission): number {
    const id = this.#nextId();
    if (submission.array !== '') {
      this.#submitArray(id, submission);
      return id;
    }
    const folder = this.#make(String(id), id, submission);
    if (!existsSync(join(this.folder, 'busy'))) this.#run(folder);
    return id;
  }

  /** Waiting jobs wait until somebody starts them; elements of arrays until jobs are taken again. */
  holdNewJobs(): void {
    writeFileSync(join(this.folder, 'busy'), '');
  }

  takeNewJobs(): void {
    rmSync(join(this.folder, 'busy'), { force: true });
  }

  start(key: number | string): void {
    this.#run(join(this.folder, 'jobs', String(key)));
  }

  list(): readonly FakeJob[] {
    return this.#jobsIn('jobs');
  }

  /** What an accounting would know, the oldest first; null when there is none. */
  history(): readonly FakeJob[] | null {
    const path = join(this.folder, 'accounting');
    if (!existsSync(path)) return null;
    const more = JSON.parse(readFileSync(path, 'utf8')) as readonly FakeJob[];
    const all = [...more, ...this.#jobsIn('forgotten'), ...this.#jobsIn('jobs')];
    const order = ({ start, end }: FakeJob): number => start || end || Infinity;
    return all.toSorted((a, b) => order(a) - order(b));
  }

  keepAccounts(...more: readonly FakeRecord[]): void {
    const records = more.map((record) => ({
      ...{ ...noSubmission, ...noJob, id: Number(record.key) },
      ...record,
    }));
    writeFileSync(join(this.folder, 'accounting'), JSON.stringify(records));
  }

  override(key: number | string, override: FakeOverride): void {
    const path = join(this.folder, 'jobs', String(key), 'override.json');
    writeFileSync(path, JSON.stringify(override));
  }

  /** As after MinJobAge: what runs goes on. */
  forget(key: number | string): void {
    renameSync(join(this.folder, 'jobs', String(key)), join(this.folder, 'forgotten', String(key)));
  }

  /** Somebody's job that waits and has this number: that of a job that was forgotten. */
  newcomer(id: number): void {
    this.#make(String(id), id, noSubmission);
  }

  /** A job, an element of an array, or all of them. False when there is none. */
  cancel(key: string): boolean {
    const ours = readdirSync(join(this.folder, 'jobs')).filter(
      (name) => name === key || name.startsWith(`${key}_`),
    );
    for (const name of ours) this.#cancel(join(this.folder, 'jobs', name), name, name === key);
    // An element that is not there (any more) is no error while its array is.
    const [base = ''] = key.split('_');
    return ours.length > 0 || this.#isKnown(base);
  }

  /** The next `times` uses of a command (or operation of the server) go wrong in that way. */
  plant(operation: string, kind: string, times = 1): void {
    const path = join(this.folder, 'faults', operation);
    // Processes that use it at once find the one or the other, never a part.
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify({ kind, times }));
    renameSync(draft, path);
  }

  /** The kind of fault that this use has. */
  takeFault(operation: string): string | null {
    const path = join(this.folder, 'faults', operation);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return null;
    }
    const { kind, times } = JSON.parse(text) as { kind: string; times: number };
    if (times > 1) this.plant(operation, kind, times - 1);
    else rmSync(path, { force: true });
    return kind;
  }

  /** Kills whatever still runs, and removes everything. */
  destroy(): void {
    writeFileSync(join(this.folder, 'closed'), '');
    for (const place of ['jobs', 'forgotten']) {
      for (const id of readdirSync(join(this.folder, place))) {
        const folder = join(this.folder, place, id);
        if (!existsSync(join(folder, 'exit'))) {
          signalGroup(readNumber(join(folder, 'pid')), 'SIGKILL');
        }
      }
    }
    // Programs that were just killed may still be writing.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  #make(key: string, id: number, submission: FakeSubmission): string {
    const draft = join(this.folder, `draft-${key}`);
    mkdirSync(draft);
    writeFileSync(join(draft, 'job.json'), JSON.stringify({ ...submission, id }));
    writeFileSync(join(draft, 'script'), submission.script);
    const folder = join(this.folder, 'jobs', key);
    renameSync(draft, folder);
    return folder;
  }

  #submitArray(base: number, submission: FakeSubmission): void {
    const { numbers, atOnce } = parseTasks(submission.array);
    const keys = numbers.map((task, at) => {
      // The last one to be split off keeps the number of the whole.
      const id = at === numbers.length - 1 ? base : this.#nextId();
      const output = submission.output.replace('%a', String(task));
      this.#make(`${base}_${task}`, id, { ...submission, output });
      return `${base}_${task}`;
    });
    const after = /^afterany:(\d+)$/.exec(submission.dependency)?.[1] ?? '';
    for (let slot = 0; slot < Math.min(atOnce, keys.length); slot++) {
      const program = ['-c', slotScript, 'slot', this.folder, nodeScript, after, ...keys];
      spawn('/bin/sh', program, {
        detached: true,
        stdio: 'ignore',
        env: nodeEnvironment(),
      }).unref();
    }
  }

  #run(folder: string): void {
    const job = this.#read(folder);
    mkdirSync(join(folder, 'taken'));
    const runner = spawn('/bin/sh', ['-c', nodeScript, 'node', folder, job.folder, job.output], {
      detached: true,
      stdio: 'ignore',
      env: { ...nodeEnvironment(), SLURM_JOB_ID: String(job.id) },
    });
    writeFileSync(join(folder, 'pid'), String(runner.pid));
    runner.unref();
  }

  #cancel(folder: string, name: string, isAlone: boolean): void {
    if (existsSync(join(folder, 'exit'))) return;
    rmSync(join(folder, 'override.json'), { force: true });
    writeFileSync(join(folder, 'cancelled'), String(nowSeconds()));
    const isElement = name.includes('_');
    if (isElement && !takes(folder)) {
      // Between its being taken and its start there is no process yet.
      for (let look = 0; look < 1000 && !existsSync(join(folder, 'pid')); look++) {
        Atomics.wait(pause, 0, 0, 5);
      }
    } else if (isElement) {
      // What is cancelled before it is split off vanishes, by itself from the accounting too.
      renameSync(folder, join(this.folder, isAlone ? 'vanished' : 'forgotten', name));
      return;
    }
    signalGroup(readNumber(join(folder, 'pid')), 'SIGTERM');
  }

  #isKnown(base: string): boolean {
    return readdirSync(join(this.folder, 'jobs')).some((name) => name.startsWith(`${base}_`));
  }

  #nextId(): number {
    for (let id = readdirSync(join(this.folder, 'ids')).length + 1; ; id++) {
      try {
        mkdirSync(join(this.folder, 'ids', String(id)));
        return id;
      } catch {
        // Another process has it.
      }
    }
  }

  #jobsIn(place: string): readonly FakeJob[] {
    const order = (key: string): number =>
      Number(
        key.replace('_', '.').replace(/\.(\d+)$/, (_, task: string) => `.${task.padStart(6, '0')}`),
      );
    return readdirSync(join(this.folder, place))
      .toSorted((a, b) => order(a) - order(b))
      .map((key) => this.#look(key, join(this.folder, place, key)));
  }

  #look(key: string, folder: string): FakeJob {
    const { id: own, ...submission } = this.#read(folder);
    const [base, task] = key.split('_').map(Number);
    const arrayId = task === undefined ? null : (base ?? null);
    const id = arrayId === null || existsSync(join(folder, 'taken')) ? own : arrayId;
    const start = changedAt(join(folder, 'started'));
    const end = changedAt(join(folder, 'exit')) || changedAt(join(folder, 'cancelled'));
    // What a signal ends is told so by the shell that waits for it.
    const code = readNumber(join(folder, 'exit')) ?? 0;
    const exit = code > 128 ? { exitCode: 0, signal: code - 128 } : { exitCode: code, signal: 0 };
    const place = { id, key, arrayId, task: task ?? null };
    const job = { ...submission, ...place, start, end, ...exit, ...this.#stateOf(folder) };
    const override = join(folder, 'override.json');
    if (!existsSync(override)) return job;
    return { ...job, ...(JSON.parse(readFileSync(override, 'utf8')) as FakeOverride) };
  }

  #stateOf(folder: string): Pick<FakeJob, 'state' | 'reason'> {
    const code = readNumber(join(folder, 'exit'));
    const pid = readNumber(join(folder, 'pid'));
    const isAlive = code === null && pid !== null && existsSync(`/proc/${pid}`);
    if (existsSync(join(folder, 'cancelled'))) {
      return { state: isAlive ? 'COMPLETING' : 'CANCELLED', reason: 'None' };
    }
    if (code !== null) {
      return code === 0
        ? { state: 'COMPLETED', reason: 'None' }
        : { state: 'FAILED', reason: 'NonZeroExitCode' };
    }
    if (existsSync(join(folder, 'started'))) return { state: 'RUNNING', reason: 'None' };
    const isElement = this.#read(folder).array !== '' && !existsSync(join(this.folder, 'busy'));
    const reason = isElement ? 'JobArrayTaskLimit' : 'Resources';
    return { state: 'PENDING', reason: pid === null ? reason : 'None' };
  }

  #read(folder: string): FakeSubmission & { readonly id: number } {
    const text = readFileSync(join(folder, 'job.json'), 'utf8');
    return JSON.parse(text) as FakeSubmission & { readonly id: number };
  }
}

/** Of somebody else. */
const noSubmission: FakeSubmission = {
  ...{ script: '', name: 'somebody', comment: '', folder: '', output: '', user: 'bob' },
  ...{ array: '', dependency: '', asked: null },
};
const noJob = { arrayId: null, task: null, reason: 'None', exitCode: 0, signal: 0 };

const pause = new Int32Array(new SharedArrayBuffer(4));

/** `0-4,7%2` */
export function parseTasks(text: string): {
  readonly numbers: readonly number[];
  readonly atOnce: number;
} {
  const [list = '', limit] = text.split('%');
  const numbers = list.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
  return { numbers, atOnce: limit === undefined ? numbers.length : Number(limit) };
}

function nodeEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '', SLURMD_NODENAME: 'fake1' };
}

/** False when somebody else takes it. */
function takes(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'taken'));
    return true;
  } catch {
    return false;
  }
}

/** The node: its own folder, the job's folder and its output come as arguments. */
const nodeScript = `trap : TERM
: > "$1/started"
cd "$2" 2>/dev/null || cd /
/bin/sh "$1/script" > "$3" 2>&1 < /dev/null &
child=$!
code=143
while :; do wait "$child"; code=$?; kill -0 "$child" 2>/dev/null || break; done
echo "$code" > "$1/exit.draft"
mv "$1/exit.draft" "$1/exit"`;

/**
 * One of as many as may run at once: takes one element after the other, when jobs are taken and what it waits for is over.
 * The cluster's folder, the script of the node, the array before (or nothing) and the elements come as arguments.
 */
const slotScript = `cluster=$1 node=$2 after=$3
shift 3
busy() {
  [ -e "$cluster/busy" ] && return 0
  [ -n "$after" ] || return 1
  for before in "$cluster/jobs/$after" "$cluster/jobs/$after"_*; do
    if [ -e "$before/job.json" ] && ! [ -e "$before/exit" ]; then return 0; fi
  done
  return 1
}
field() { sed -n 's/.*"'"$2"'":"\\([^"]*\\)".*/\\1/p' "$1/job.json"; }
for element in "$@"; do
  while busy; do [ -e "$cluster/closed" ] && exit; sleep 0.1; done
  [ -e "$cluster/closed" ] && exit
  folder=$cluster/jobs/$element
  mkdir "$folder/taken" 2> /dev/null || continue
  SLURM_JOB_ID=$(sed -n 's/.*"id":\\([0-9]*\\)}$/\\1/p' "$folder/job.json")
  SLURM_ARRAY_JOB_ID=\${element%_*} SLURM_ARRAY_TASK_ID=\${element#*_}
  export SLURM_JOB_ID SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID
  setsid /bin/sh -c "$node" node "$folder" "$(field "$folder" folder)" "$(field "$folder" output)" &
  echo $! > "$folder/pid.draft"
  mv "$folder/pid.draft" "$folder/pid"
  wait $!
done`;

function signalGroup(pid: number | null, signal: NodeJS.Signals): void {
  try {
    if (pid !== null) process.kill(-pid, signal);
  } catch {
    // Gone.
  }
}

function readNumber(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function changedAt(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : Math.floor(found.mtimeMs / 1000);
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

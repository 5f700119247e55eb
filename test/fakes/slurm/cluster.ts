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
  /** Everything that was asked for, as it came: what a listing shows. */
  readonly asked: unknown;
}

export interface FakeJob extends FakeSubmission {
  readonly id: number;
  readonly state: string;
  readonly reason: string;
  /** Seconds since 1970; 0 when unknown. */
  readonly start: number;
  readonly end: number;
  readonly exitCode: number;
}

/** Beats what the job really does. */
export interface FakeOverride {
  readonly state: string;
  readonly reason?: string;
}

/**
 * A Slurm whose state is a folder, so that executables, a server and a test can share it. Its one node has room for
 * everything and really runs the scripts.
 */
export class FakeCluster {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    for (const name of ['jobs', 'forgotten', 'faults', 'ids']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
  }

  submit(submission: FakeSubmission): number {
    const id = this.#nextId();
    const draft = join(this.folder, `draft-${id}`);
    mkdirSync(draft);
    writeFileSync(join(draft, 'job.json'), JSON.stringify(submission));
    writeFileSync(join(draft, 'script'), submission.script);
    const folder = join(this.folder, 'jobs', String(id));
    renameSync(draft, folder);
    if (!existsSync(join(this.folder, 'busy'))) this.start(id);
    return id;
  }

  /** Waiting jobs wait until somebody starts them. */
  holdNewJobs(): void {
    writeFileSync(join(this.folder, 'busy'), '');
  }

  takeNewJobs(): void {
    rmSync(join(this.folder, 'busy'), { force: true });
  }

  start(id: number): void {
    const folder = join(this.folder, 'jobs', String(id));
    const job = this.#read(folder);
    const runner = spawn('/bin/sh', ['-c', nodeScript, 'node', folder, job.folder, job.output], {
      detached: true,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'] ?? '', SLURM_JOB_ID: String(id), SLURMD_NODENAME: 'fake1' },
    });
    writeFileSync(join(folder, 'pid'), String(runner.pid));
    runner.unref();
  }

  list(): readonly FakeJob[] {
    return this.#jobsIn('jobs');
  }

  /** What an accounting would know; null when there is none. */
  history(): readonly FakeJob[] | null {
    if (!existsSync(join(this.folder, 'accounting'))) return null;
    return [...this.#jobsIn('forgotten'), ...this.#jobsIn('jobs')];
  }

  keepAccounts(): void {
    writeFileSync(join(this.folder, 'accounting'), '');
  }

  override(id: number, override: FakeOverride): void {
    writeFileSync(join(this.folder, 'jobs', String(id), 'override.json'), JSON.stringify(override));
  }

  /** As after MinJobAge: what runs goes on. */
  forget(id: number): void {
    renameSync(join(this.folder, 'jobs', String(id)), join(this.folder, 'forgotten', String(id)));
  }

  /** False when there is no such job. */
  cancel(id: number): boolean {
    const folder = join(this.folder, 'jobs', String(id));
    if (!existsSync(folder)) return false;
    if (existsSync(join(folder, 'exit'))) return true;
    rmSync(join(folder, 'override.json'), { force: true });
    writeFileSync(join(folder, 'cancelled'), String(nowSeconds()));
    signalGroup(readNumber(join(folder, 'pid')), 'SIGTERM');
    return true;
  }

  /** The next `times` uses of a command (or operation of the server) go wrong in that way. */
  plant(operation: string, kind: string, times = 1): void {
    writeFileSync(join(this.folder, 'faults', operation), JSON.stringify({ kind, times }));
  }

  /** The kind of fault that this use has. */
  takeFault(operation: string): string | null {
    const path = join(this.folder, 'faults', operation);
    if (!existsSync(path)) return null;
    const { kind, times } = JSON.parse(readFileSync(path, 'utf8')) as {
      kind: string;
      times: number;
    };
    if (times > 1) writeFileSync(path, JSON.stringify({ kind, times: times - 1 }));
    else rmSync(path);
    return kind;
  }

  /** Kills whatever still runs, and removes everything. */
  destroy(): void {
    for (const place of ['jobs', 'forgotten']) {
      for (const id of readdirSync(join(this.folder, place))) {
        const folder = join(this.folder, place, id);
        if (!existsSync(join(folder, 'exit'))) {
          signalGroup(readNumber(join(folder, 'pid')), 'SIGKILL');
        }
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
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
    return readdirSync(join(this.folder, place))
      .map(Number)
      .toSorted((a, b) => a - b)
      .map((id) => this.#look(id, join(this.folder, place, String(id))));
  }

  #look(id: number, folder: string): FakeJob {
    const submission = this.#read(folder);
    const start = changedAt(join(folder, 'started'));
    const end = changedAt(join(folder, 'exit')) || changedAt(join(folder, 'cancelled'));
    const exitCode = readNumber(join(folder, 'exit')) ?? 0;
    const job = { ...submission, id, start, end, exitCode, ...this.#stateOf(folder) };
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
    return { state: 'PENDING', reason: pid === null ? 'Resources' : 'None' };
  }

  #read(folder: string): FakeSubmission {
    return JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as FakeSubmission;
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

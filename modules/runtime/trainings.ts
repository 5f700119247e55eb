import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecord, isUploadedFile, type ArgumentValues } from './arguments.ts';
import { layOutWorkload } from './lay-out-workload.ts';
import type { LoadedModule } from './load-module.ts';
import { localTime, timedelta } from './python-time.ts';

interface Training {
  readonly uuid: string;
  readonly started: Date;
  readonly values: ArgumentValues;
  status: 'running' | 'done' | 'error' | 'cancelled';
  message: string;
  output: unknown;
  finished: Date | null;
  folder: string | null;
  child: ChildProcess | null;
}

/**
 * The trainings of one server: a record in memory each, one child process at a time. As in the
 * reference implementation a training that waits for its turn already says `running`.
 */
export class Trainings {
  readonly #loaded: LoadedModule;
  readonly #clock: () => Date;
  readonly #newUuid: () => string;
  readonly #log: (text: string) => void;
  readonly #trainings = new Map<string, Training>();
  #turn: Promise<void> = Promise.resolve();

  constructor(
    loaded: LoadedModule,
    clock: () => Date,
    newUuid: () => string,
    log: (text: string) => void,
  ) {
    this.#loaded = loaded;
    this.#clock = clock;
    this.#newUuid = newUuid;
    this.#log = log;
  }

  /** Accepts a training and answers its record. */
  start(values: ArgumentValues): object {
    const training: Training = {
      uuid: this.#newUuid(),
      started: this.#clock(),
      values,
      status: 'running',
      message: '',
      output: null,
      finished: null,
      folder: null,
      child: null,
    };
    this.#trainings.set(training.uuid, training);
    this.#turn = this.#turn.then(() => this.#run(training));
    return describeTraining(training);
  }

  list(): object {
    return [...this.#trainings.values()].map(describeTraining);
  }

  get(uuid: string): object | null {
    const training = this.#trainings.get(uuid);
    return training ? describeTraining(training) : null;
  }

  /**
   * Cancels what still runs and forgets the record, which is answered a last time; null when there
   * is none.
   */
  async forget(uuid: string): Promise<object | null> {
    const training = this.#trainings.get(uuid);
    if (!training) return null;
    this.#trainings.delete(uuid);
    await this.#end(training);
    return describeTraining(training);
  }

  /** Ends every training and its process. */
  async close(): Promise<void> {
    await Promise.all([...this.#trainings.keys()].map((uuid) => this.forget(uuid)));
    await this.#turn;
  }

  async #end(training: Training): Promise<void> {
    if (training.status === 'running') {
      training.status = 'cancelled';
      training.finished = this.#clock();
    }
    const { child, folder } = training;
    if (child && child.exitCode === null && child.signalCode === null) {
      const exited = new Promise<void>((done) => child.once('exit', () => done()));
      child.kill('SIGKILL');
      await exited;
    }
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }

  async #run(training: Training): Promise<void> {
    if (training.status !== 'running') return;
    try {
      const output = await this.#train(training);
      if (training.status !== 'running') return;
      training.output = output;
      training.status = 'done';
    } catch (error) {
      if (training.status !== 'running') return;
      training.status = 'error';
      training.message = error instanceof Error ? error.message : String(error);
      this.#log(`Training ${training.uuid} failed: ${training.message}`);
    }
    training.finished = this.#clock();
  }

  async #train(training: Training): Promise<unknown> {
    const { module, folder } = this.#loaded;
    const data = await module.referenceData?.();
    if (!data) throw new Error(`Module ${module.name} has no reference data to train on.`);
    const work = await mkdtemp(join(tmpdir(), `${module.name}-training-`));
    training.folder = work;
    await layOutWorkload(work, { module: module.name, arguments: training.values, seed: 0, data });
    if (training.status !== 'running') {
      await rm(work, { recursive: true, force: true });
      return null;
    }
    await runChild(folder, work, (child) => {
      training.child = child;
    });
    const output: unknown = JSON.parse(await readFile(join(work, 'out', 'output.json'), 'utf8'));
    return isRecord(output) ? { ...output, folder: work } : output;
  }
}

/**
 * Resolves when the child left with code 0; otherwise rejects with the last line it wrote to
 * standard error.
 */
function runChild(
  module: string,
  work: string,
  started: (child: ChildProcess) => void,
): Promise<void> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'train', '--module', module, '--work', work], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started(child);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4096);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(new Error(errors.trim() || `The training ended with ${signal ?? `code ${code}`}.`));
    });
  });
}

function describeTraining(training: Training): object {
  const { uuid, started, status, finished } = training;
  const args = Object.entries(training.values).map(([name, value]) => [
    name,
    isUploadedFile(value) ? [name, value.contentType, value.filename] : value,
  ]);
  const record = { date: localTime(started), args: Object.fromEntries(args), uuid, status };
  if (status === 'error') return { ...record, message: training.message };
  if (status !== 'done' || finished === null) return record;
  return {
    ...record,
    result: {
      output: training.output,
      finish_date: localTime(finished),
      duration: timedelta(finished.getTime() - started.getTime()),
    },
  };
}

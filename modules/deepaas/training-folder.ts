import { chmod, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isRecord } from '../runtime/arguments.ts';
import { syncFolder, writeWhole } from '../runtime/durable-files.ts';
import { InputError } from '../runtime/input-error.ts';

/** The work folder of one training: what it is asked for, and what it leaves. */
export class TrainingFolder {
  /** Absolute. */
  readonly path: string;
  /** The arguments that it was asked for with. */
  readonly given: Readonly<Record<string, unknown>>;

  /** Throws InputError when there is no workload that can be read. */
  static async open(work: string): Promise<TrainingFolder> {
    const path = resolve(work);
    return new TrainingFolder(path, await readArguments(path));
  }

  private constructor(path: string, given: Readonly<Record<string, unknown>>) {
    this.path = path;
    this.given = given;
  }

  /** Where the module leaves its model while it trains. */
  get unfinished(): string {
    return unfinishedModel(this.path);
  }

  /** Whether a training in this folder has left everything it had to leave. */
  async isDone(): Promise<boolean> {
    return isThere(this.#output);
  }

  /** Takes away what an earlier training left. `isShared`: the module is another user, who has to write here. */
  async begin(isShared: boolean): Promise<void> {
    await rm(this.#output, { force: true });
    for (const folder of [join(this.path, 'out', 'model'), this.unfinished]) {
      await rm(folder, { recursive: true, force: true });
    }
    await this.open(isShared);
  }

  async open(isShared: boolean): Promise<void> {
    await mkdir(this.unfinished, { recursive: true });
    if (!isShared) return;
    for (const folder of [this.path, join(this.path, 'out'), this.unfinished]) {
      // Where it is somebody else's, they have opened it, or it is as they want it.
      await chmod(folder, 0o777).catch(() => undefined);
    }
  }

  /** Leaves `out/model`, if the module wrote one, and, last, `out/output.json`. May be done again. */
  async keep(output: unknown): Promise<void> {
    const out = join(this.path, 'out');
    const model = join(out, 'model');
    const isWritten = (await readdir(this.unfinished).catch(() => [])).length > 0;
    if (isWritten) {
      await syncFolder(this.unfinished);
      await rm(model, { recursive: true, force: true });
      await rename(this.unfinished, model);
      await syncFolder(out);
    }
    const hasModel = isWritten || (await isThere(model));
    await writeWhole(
      this.#output,
      JSON.stringify({
        metrics: metricsIn(output),
        artifacts: hasModel ? [{ name: 'model', kind: 'MODEL', path: 'out/model' }] : [],
        labels: isRecord(output) && Array.isArray(output['labels']) ? output['labels'] : [],
      }),
    );
  }

  /** What is left of an unfinished model. */
  async discard(): Promise<void> {
    // What another user made there may not be ours to remove; nobody takes it for a result.
    await rm(this.unfinished, { recursive: true, force: true }).catch(() => undefined);
  }

  get #output(): string {
    return join(this.path, 'out', 'output.json');
  }
}

/** Known beforehand to whoever starts the server of a module: what it is told of a training in `work`. */
export function trainingEnvironment(work: string): Readonly<Record<string, string>> {
  return {
    FATHOM_WORK_FOLDER: work,
    FATHOM_WORKLOAD: join(work, 'workload.json'),
    FATHOM_DATA_FOLDER: join(work, 'data'),
    FATHOM_MODEL_FOLDER: unfinishedModel(work),
  };
}

function unfinishedModel(work: string): string {
  return join(work, 'out', '.unfinished-model');
}

async function readArguments(folder: string): Promise<Readonly<Record<string, unknown>>> {
  let workload: unknown;
  try {
    workload = JSON.parse(await readFile(join(folder, 'workload.json'), 'utf8'));
  } catch {
    throw new InputError('workload.json cannot be read.');
  }
  const given = isRecord(workload) ? (workload['arguments'] ?? {}) : null;
  if (!isRecord(given)) throw new InputError('workload.json has no arguments.');
  return given;
}

/** The numbers under `metrics`, or those of the answer itself. */
function metricsIn(output: unknown): Readonly<Record<string, number>> {
  if (!isRecord(output)) return {};
  const source = isRecord(output['metrics']) ? output['metrics'] : output;
  const numbers = Object.entries(source).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && Number.isFinite(entry[1]),
  );
  return Object.fromEntries(numbers);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

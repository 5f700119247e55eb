import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './durable-files.ts';

export type RunPhase = 'PREPARING' | 'RUNNING' | 'EVALUATING';

/** How a training tells its watcher what happens: one JSON document a line on standard output. */
export interface RunReport {
  phase(phase: RunPhase): void;
  /** `done` never shrinks within a run and never exceeds `total`. */
  progress(done: number, total: number, unit: 'epoch' | 'batch'): void;
  /** `step` counts batches since the start of the run, resumed epochs included. */
  metrics(epoch: number, step: number, values: Readonly<Record<string, number>>): void;
  /** Runs `write` on an empty folder, makes it durable under its name, and only then reports it. */
  checkpoint(epoch: number, write: (folder: string) => Promise<void>): Promise<void>;
}

/** Thrown between two steps once the run was told to stop. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** A report that prints lines through `print` and keeps checkpoints in `out/checkpoints`. */
export function createRunReport(
  out: string,
  print: (line: string) => void,
  signal: AbortSignal,
): RunReport {
  const say = (document: Readonly<Record<string, unknown>>): void => {
    if (signal.aborted) throw new Stopped('The run was told to stop.');
    print(JSON.stringify(document));
  };
  return {
    phase: (phase) => say({ type: 'phase', phase }),
    progress: (done, total, unit) => say({ type: 'progress', done, total, unit }),
    metrics: (epoch, step, values) => say({ type: 'metrics', epoch, step, values }),
    checkpoint: async (epoch, write) => {
      const name = `epoch-${String(epoch).padStart(4, '0')}`;
      const folder = join(out, 'checkpoints', name);
      const unfinished = join(out, 'checkpoints', `.unfinished-${name}`);
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished, { recursive: true });
      try {
        await write(unfinished);
        await syncFolder(unfinished);
        await rm(folder, { recursive: true, force: true });
        await rename(unfinished, folder);
      } catch (error) {
        await rm(unfinished, { recursive: true, force: true });
        throw error;
      }
      await syncFolder(join(out, 'checkpoints'));
      say({ type: 'checkpoint', epoch, path: `checkpoints/${name}` });
    },
  };
}

import type { Backend } from '../../backends/contract/backend.ts';
import { isTerminal } from '../../domain/state.ts';
import { roomIn, type Sweep, sweepStates } from '../../domain/sweep.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import type { Transaction } from '../../store/contract/store.ts';
import type { Lease } from '../../store/contract/work.ts';
import { changedCode } from '../modules/unchanged-code.ts';
import type { Look } from '../reconciler/look.ts';
import type { Surroundings } from '../surroundings.ts';
import { place } from '../training/placement.ts';
import { placeOn } from '../training/placing.ts';
import { RunRecord } from '../training/run-record.ts';
import { trainingRunWork } from '../training/work-kinds.ts';
import { SweepRecord } from './sweep-record.ts';
import { sweepWork } from './work-kinds.ts';

/**
 * Lets the runs of a sweep on: as many as may run at the same time, or all at once where the backend keeps that limit
 * itself. From then on each goes its own way; this is asked again when one of them has ended.
 */
export class SweepLook implements Look {
  readonly kind = sweepWork;
  readonly #at: Pick<Surroundings, 'store' | 'backends' | 'ambient'>;

  constructor(at: Pick<Surroundings, 'store' | 'backends' | 'ambient'>) {
    this.#at = at;
  }

  async look(key: string, lease: Lease): Promise<null> {
    const sweep = await this.#at.store.sweeps.get(key);
    if (sweep === null || isTerminal(sweepStates, sweep.state) || roomIn(sweep) === 0) return null;
    const together = sweep.letOn === 0 ? await this.#takesArrays(sweep) : null;
    const now = this.#at.ambient.now();
    await this.#at.store.transaction(async (tx) => {
      await tx.assertLease(lease);
      const current = await tx.sweeps.get(key);
      if (current === null) return;
      await (together === null
        ? this.#letOn(tx, current, now)
        : this.#placeTogether(tx, current, together, now));
    });
    return null;
  }

  /** The backend that all runs would be placed on, if it takes them together. */
  async #takesArrays(sweep: Sweep): Promise<Backend | null> {
    const version = await this.#at.store.moduleVersions.get(sweep.moduleVersionId);
    // What is wrong with it is for each run to say.
    if (version === null || sweep.trials < 2 || (await changedCode(version)) !== null) return null;
    const { backend } = place(sweep, version, this.#at.backends);
    return backend?.capabilities.arrays === true ? backend : null;
  }

  async #letOn(tx: Transaction, sweep: Sweep, now: number): Promise<void> {
    const room = roomIn(sweep);
    if (room === 0) return;
    const runs = await unended(tx, sweep, room);
    for (const { id } of runs) await tx.enqueue(trainingRunWork, id, now);
    const last = runs.length < room ? undefined : runs.at(-1)?.sweepNumber;
    await letOn(tx, sweep, runs.length, { letOn: last ?? sweep.trials }, now);
  }

  /**
   * All are placed before the first is handed over, so that it can take the others along; and a cancel of any finds its
   * attempt from now on.
   */
  async #placeTogether(tx: Transaction, sweep: Sweep, to: Backend, now: number): Promise<void> {
    if (roomIn(sweep) === 0) return;
    const runs = await unended(tx, sweep, sweep.trials);
    for (const run of runs) {
      // Its own look ends one that was cancelled meanwhile.
      if (run.cancelRequestedAt !== null) continue;
      const record = new RunRecord(run, null, now);
      placeOn(record, to.name, this.#at.ambient, now);
      await record.save(tx);
      await tx.enqueue(trainingRunWork, run.id, now);
    }
    await letOn(tx, sweep, runs.length, { letOn: sweep.trials, arrayOn: to.name }, now);
  }
}

/** The next runs that were not let on and have not ended. */
function unended(tx: Transaction, sweep: Sweep, limit: number): Promise<readonly TrainingRun[]> {
  return tx.trainingRuns.list(
    {
      where: {
        sweepId: sweep.id,
        sweepNumber: { atLeast: sweep.letOn + 1 },
        state: { notIn: ['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'] },
      },
      orderBy: { column: 'sweepNumber', direction: 'ASC' },
    },
    limit,
  );
}

async function letOn(
  tx: Transaction,
  sweep: Sweep,
  runs: number,
  change: Pick<Sweep, 'letOn'> & Partial<Sweep>,
  now: number,
): Promise<void> {
  const record = new SweepRecord(sweep, now);
  record.patch({ ...change, underWay: sweep.underWay + runs });
  if (runs > 0) record.move('RUNNING', null);
  await record.save(tx);
}

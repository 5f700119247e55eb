import { localOwner } from '../../../domain/actor.ts';
import type { Sweep } from '../../../domain/sweep.ts';
import type { Sweeps } from '../../../services/sweeps/sweeps.ts';
import type { Store } from '../../../store/contract/store.ts';

export interface ToldOfSweep {
  readonly sameAnswer: boolean;
  readonly sweeps: number;
  readonly runs: readonly string[];
  /** Attempts of all its runs. */
  readonly attempts: number;
  readonly state: string;
  readonly underWay: number;
  readonly best: number | undefined;
  readonly sequences: readonly number[];
  /** Numbers of the runs whose end was told, in the order in which it was. */
  readonly ended: readonly number[];
  readonly lastEvent: string | undefined;
  readonly native: { readonly jobs: number; readonly arrays: number };
}

/** Accepts a sweep of two runs, one at the same time, and waits for its end. */
export async function toldOfSweep(
  store: Store,
  sweeps: Sweeps,
  versions: { readonly moduleVersionId: string; readonly datasetVersionId: string },
): Promise<Omit<ToldOfSweep, 'native'>> {
  const accept = (): Promise<Sweep> =>
    sweeps.create(localOwner, {
      ...versions,
      name: null,
      splitId: null,
      arguments: {},
      space: {
        strategy: 'GRID',
        parameters: [{ argument: 'n', values: [1, 2], range: null }],
        trials: null,
      },
      objective: { metric: 'accuracy', goal: 'MAXIMIZE' },
      atOnce: 1,
      seed: 7,
      resources: {},
      backend: null,
      resumeFrom: null,
      idempotencyKey: 'once',
    });
  const accepted = await accept();
  const finished = await untilFinished(store, accepted.id);
  const again = await accept();
  const events = await store.events.read(accepted.id, 0, 1_000);
  const runs = await store.trainingRuns.list(
    { orderBy: { column: 'number', direction: 'ASC' } },
    100,
  );
  return {
    sameAnswer: again.id === accepted.id && again.number === accepted.number,
    sweeps: await store.sweeps.count({}),
    runs: runs.map(({ sweepNumber = 0, state }) => `${sweepNumber} ${state}`),
    attempts: (await store.attempts.list({}, 100)).length,
    state: finished.state,
    underWay: finished.underWay,
    best: finished.best?.number,
    sequences: events.map(({ sequence }) => sequence),
    ended: events.flatMap(({ event }) => (event.type === 'sweep.runEnded' ? [event.number] : [])),
    lastEvent: events.at(-1)?.event.type,
  };
}

async function untilFinished(store: Store, id: string): Promise<Sweep> {
  for (;;) {
    const sweep = await store.sweeps.get(id);
    if (sweep !== null && sweep.finishedAt !== null) return sweep;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

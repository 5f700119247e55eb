import { FathomError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import type { Artifact } from '../../domain/training-run.ts';
import { LeaseLostError, type Transaction } from '../../store/contract/store.ts';
import type { Lease } from '../../store/contract/work.ts';
import type { Surroundings } from '../surroundings.ts';
import { type RunRecord, saveRecords } from './run-record.ts';
import { Together } from './together.ts';
import { logStream, metricStream, releaseWork } from './work-kinds.ts';

/** What a look at a run brought. */
export interface RunSave {
  readonly record: RunRecord;
  readonly lease: Lease;
  readonly now: number;
  /** No more will be printed, and what the attempt left at its backend can go. */
  readonly ends: boolean;
  readonly artifacts?: readonly Artifact[];
  readonly log?: readonly Json[];
  readonly metrics?: readonly Json[];
}

/**
 * Writes what looks brought: each under its lease, all of it or nothing. Those that come while one transaction is under way
 * share the next one, so that of many runs where something happened each costs little.
 */
export class RunSaves {
  readonly #saves: Together<RunSave, null>;

  constructor({ store }: Pick<Surroundings, 'store'>) {
    this.#saves = new Together(
      async (saves) => {
        const held = new Set(await store.transaction((tx) => saveAll(tx, saves)));
        return saves.map(({ lease }) =>
          held.has(lease) ? null : new LeaseLostError(lease.kind, lease.key),
        );
      },
      // When the store is in trouble, all are.
      (error) => !(error instanceof FathomError) || ofOne.includes(error.code),
    );
  }

  /** Rejects with LeaseLostError when the lease is no longer ours, and with VERSION_CONFLICT when somebody was faster. */
  async save(save: RunSave): Promise<void> {
    await this.#saves.add(save);
  }
}

const ofOne: readonly string[] = ['VERSION_CONFLICT', 'ALREADY_EXISTS', 'WRONG_STATE'];

/** Gives the leases that are still held; what was brought under another is not written. */
async function saveAll(tx: Transaction, all: readonly RunSave[]): Promise<readonly Lease[]> {
  const held = await tx.heldOf(all.map(({ lease }) => lease));
  const saves = all.filter(({ lease }) => held.includes(lease));
  await tx.artifacts.insertMany(saves.flatMap(({ artifacts = [] }) => artifacts));
  for (const { record, log = [], metrics = [] } of saves) {
    await tx.streams.append(logStream(record.run.id), log);
    await tx.streams.append(metricStream(record.run.id), metrics);
  }
  await saveRecords(
    tx,
    saves.map(({ record }) => record),
  );
  const ended = saves.filter(({ ends }) => ends);
  await tx.streams.endMany(
    ended.flatMap(({ record: { run } }) => [logStream(run.id), metricStream(run.id)]),
  );
  const left = ended.flatMap(({ record: { attempt } }) => (attempt?.handle ? [attempt.id] : []));
  await tx.enqueueMany(releaseWork, left, Math.max(0, ...ended.map(({ now }) => now)));
  return held;
}

import { setImmediate } from 'node:timers/promises';
import { FathomError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import type { Artifact } from '../../domain/training-run.ts';
import { LeaseLostError, type Transaction } from '../../store/contract/store.ts';
import type { Lease } from '../../store/contract/work.ts';
import type { Surroundings } from '../surroundings.ts';
import { type RunRecord, saveRecords } from './run-record.ts';
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

interface Waiting {
  readonly save: RunSave;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** More would make the first ones wait for the last. */
const most = 64;

/**
 * Writes what looks brought: each under its lease, all of it or nothing. Those that come while one transaction is under way
 * share the next one, so that of many runs where something happened each costs little.
 */
export class RunSaves {
  readonly #store: Surroundings['store'];
  readonly #waiting: Waiting[] = [];
  #isAtWork = false;

  constructor({ store }: Pick<Surroundings, 'store'>) {
    this.#store = store;
  }

  /** Rejects with LeaseLostError when the lease is no longer ours, and with VERSION_CONFLICT when somebody was faster. */
  save(save: RunSave): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ save, resolve, reject });
      if (!this.#isAtWork) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    // Looks that began together come to their ends in one turn of the event loop.
    await setImmediate();
    while (this.#waiting.length > 0) await this.#together(this.#waiting.splice(0, most));
    this.#isAtWork = false;
  }

  async #together(batch: readonly Waiting[]): Promise<void> {
    try {
      const saves = batch.map(({ save }) => save);
      const held = new Set(await this.#store.transaction((tx) => saveAll(tx, saves)));
      for (const { save, resolve, reject } of batch) {
        if (held.has(save.lease)) resolve();
        else reject(new LeaseLostError(save.lease.kind, save.lease.key));
      }
    } catch (error) {
      // One that cannot be written must not take others with it; when the store is in trouble, all are.
      if (batch.length > 1 && !isOfTheStore(error)) {
        for (const one of batch) await this.#together([one]);
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}

const ofOne: readonly string[] = ['VERSION_CONFLICT', 'ALREADY_EXISTS', 'WRONG_STATE'];

function isOfTheStore(error: unknown): boolean {
  return error instanceof FathomError && !ofOne.includes(error.code);
}

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

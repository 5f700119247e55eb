import { describe, expect, test } from 'vitest';
import type { TrainingRun } from '../../../../domain/training-run.ts';
import { RunRecord } from '../../../../services/training/run-record.ts';
import type { Transaction } from '../../../../store/contract/store.ts';

describe('a run record', () => {
  test('keeps since when the same reason holds and tells of it once', async () => {
    const written = recorder();
    const first = new RunRecord(run, null, 10);
    const reason = {
      code: 'RESOURCES_BUSY',
      message: 'busy',
      nextAttemptAt: null,
      raw: null,
    } as const;
    first.wait(reason);
    await first.save(written.tx);
    const second = new RunRecord(written.run(), null, 20);
    second.wait(reason);
    expect(second.changed).toBe(false);
    await second.save(written.tx);
    expect(written.run()).toMatchObject({ version: 2, waiting: { since: 10 } });
    expect(written.types()).toEqual(['trainingRun.waitingChanged']);
  });

  test('keeps since when only the words for it change, and tells of them', async () => {
    const written = recorder();
    const reason = { code: 'RESOURCES_BUSY', nextAttemptAt: null, raw: null } as const;
    const first = new RunRecord(run, null, 10);
    first.wait({ ...reason, message: 'ten are before it' });
    await first.save(written.tx);
    const second = new RunRecord(written.run(), null, 20);
    second.wait({ ...reason, message: 'nine are before it' });
    await second.save(written.tx);
    expect(written.run().waiting).toMatchObject({ since: 10, message: 'nine are before it' });
    expect(written.events).toHaveLength(2);
  });

  test('writes the outcome with the last state only', async () => {
    const written = recorder();
    const record = new RunRecord({ ...run, state: 'RUNNING' }, null, 10);
    const outcome = { code: 'OK', message: 'Done.', exitCode: 0, signal: null } as const;
    record.move('SUCCEEDED', null, outcome);
    await record.save(written.tx);
    expect(written.events).toMatchObject([
      { to: 'EVALUATING', outcome: null },
      { to: 'SUCCEEDED', outcome: { code: 'OK' } },
    ]);
    expect(written.run()).toMatchObject({ state: 'SUCCEEDED', version: 2, updatedAt: 10 });
  });

  test('that only was seen is not taken for updated', async () => {
    const written = recorder();
    const record = new RunRecord(run, null, 10);
    record.saw();
    expect(record.changed).toBe(false);
    await record.save(written.tx);
    expect(written.run()).toEqual({ ...run, version: 2, observedAt: 10 });
    const moved = new RunRecord(written.run(), null, 20);
    moved.saw();
    moved.move('PLACED', null);
    await moved.save(written.tx);
    expect(written.run()).toMatchObject({ state: 'PLACED', observedAt: 20, updatedAt: 20 });
  });

  test('writes nothing when nothing changed', async () => {
    const written = recorder();
    const record = new RunRecord({ ...run, state: 'RUNNING' }, null, 10);
    record.move('PENDING', 'too late');
    record.wait(null);
    expect(record.changed).toBe(false);
    await record.save(written.tx);
    expect(written.writes).toBe(0);
  });
});

const run = {
  id: 'run_1',
  version: 1,
  state: 'QUEUED',
  stateSince: 1,
  waiting: null,
  updatedAt: 1,
} as unknown as TrainingRun;

/** Notes what a record writes; the real store has its own suite. */
function recorder() {
  let latest = run;
  const events: { readonly type: string }[] = [];
  const state = { writes: 0 };
  const tx = {
    trainingRuns: {
      updateMany: async (changes: readonly { readonly entity: TrainingRun }[]) => {
        state.writes += changes.length;
        latest = changes.at(-1)?.entity ?? latest;
      },
    },
    attempts: { updateMany: async () => undefined, insertMany: async () => undefined },
    events: {
      appendAll: async (_at: number, logs: readonly { readonly events: typeof events }[]) => {
        state.writes += logs.flatMap((log) => log.events).length;
        events.push(...logs.flatMap((log) => log.events));
      },
    },
  } as unknown as Transaction;
  return {
    tx,
    events,
    run: () => latest,
    types: () => events.map((event) => event.type),
    get writes() {
      return state.writes;
    },
  };
}

import { describe, expect, test } from 'vitest';
import type { JobExit } from '../../../../backends/contract/job-runner.ts';
import type { NativeJob } from '../../../../backends/slurm/native.ts';
import type { DeliveredFacts } from '../../../../backends/slurm/observe-delivered.ts';
import { judgeDelivered } from '../../../../backends/slurm/observe-delivered.ts';

const job = (state: string, completing = false): NativeJob => ({
  id: '1',
  name: 'n',
  comment: '',
  state,
  completing,
  reason: 'None',
  startedAt: 1000,
  endedAt: 9000,
  exit: null,
});

const nothing: DeliveredFacts = {
  exit: null,
  heardAt: null,
  heardAgeMs: null,
  startedAt: null,
  cancel: null,
  native: null,
  accounting: null,
  overForMs: 0,
  visibilityMs: 100,
};

const heard = { heardAt: 5000, heardAgeMs: 10, startedAt: 1000 } as const;
const left = (cause: JobExit['cause'], more: Partial<JobExit> = {}): JobExit => ({
  cause,
  code: null,
  signal: null,
  message: `It was ${cause}.`,
  ...more,
});

function statusOf(facts: Partial<DeliveredFacts>) {
  const judgement = judgeDelivered({ ...nothing, ...facts });
  return judgement.kind === 'STATUS' ? judgement.status : judgement.kind;
}

describe('a job whose launcher speaks to us', () => {
  test('waits, starts and runs as Slurm and its launcher say', () => {
    expect(statusOf({ native: job('PENDING') })).toMatchObject({ phase: 'PENDING' });
    expect(statusOf({ native: job('RUNNING') })).toMatchObject({ phase: 'PREPARING' });
    const running = { phase: 'RUNNING', startedAt: 1000, exit: null };
    expect(statusOf({ ...heard, native: job('RUNNING') })).toMatchObject(running);
    expect(statusOf({ native: job('ENTANGLED') })).toMatchObject({ phase: 'UNKNOWN' });
  });

  test('what ended by itself needs no word of Slurm', () => {
    const exit = left('EXITED', { code: 3 });
    for (const native of [null, job('RUNNING'), job('FAILED')]) {
      const status = statusOf({ ...heard, exit, native });
      expect(status).toMatchObject({ phase: 'ENDED', exit, startedAt: 1000, endedAt: 5000 });
    }
    for (const cause of ['TIME_LIMIT', 'OUT_OF_MEMORY', 'NOT_STARTED'] as const) {
      expect(statusOf({ ...heard, exit: left(cause) })).toMatchObject({ exit: { cause } });
    }
    expect(statusOf({ ...heard, exit: left('NOT_STARTED') })).toMatchObject({ startedAt: null });
  });

  test('a signal, or a stop that the program obeyed, is explained by Slurm once it is over', () => {
    const killed = left('SIGNALLED', { signal: 'SIGKILL' });
    const stopped = left('EXITED', {
      code: 0,
      message: 'It ended with exit code 0. It had been told to stop (SIGTERM).',
    });
    for (const exit of [killed, stopped]) {
      expect(statusOf({ ...heard, exit, native: job('RUNNING') })).toMatchObject({ exit: null });
      const completing = job('CANCELLED', true);
      expect(statusOf({ ...heard, exit, native: completing })).toMatchObject({ exit: null });
      for (const [state, cause] of [
        ['CANCELLED', 'CANCELLED'],
        ['TIMEOUT', 'TIME_LIMIT'],
        ['OUT_OF_MEMORY', 'OUT_OF_MEMORY'],
        ['PREEMPTED', 'UNKNOWN'],
        ['NODE_FAIL', 'UNKNOWN'],
        ['FAILED', exit.cause],
      ] as const) {
        const status = statusOf({ ...heard, exit, native: job(state) });
        expect(status).toMatchObject({ exit: { cause, code: exit.code, signal: exit.signal } });
      }
    }
    const cancel = { at: 1 };
    const byItself = { ...heard, exit: left('EXITED', { code: 0 }), cancel };
    expect(statusOf({ ...byItself, native: job('COMPLETED') })).toMatchObject({
      exit: { cause: 'EXITED' },
    });
    expect(statusOf({ ...byItself, native: job('CANCELLED') })).toMatchObject({
      exit: { cause: 'CANCELLED' },
    });
    const gone = { ...heard, exit: killed, native: null, overForMs: 100 };
    expect(statusOf({ ...gone, cancel })).toMatchObject({ exit: { cause: 'CANCELLED' } });
    expect(statusOf(gone)).toMatchObject({ exit: { cause: 'SIGNALLED' } });
  });

  test('without a word of its launcher no job has succeeded', () => {
    for (const [state, cause] of [
      ['COMPLETED', 'NOT_STARTED'],
      ['FAILED', 'NOT_STARTED'],
      ['CANCELLED', 'CANCELLED'],
      ['NODE_FAIL', 'UNKNOWN'],
      ['TIMEOUT', 'TIME_LIMIT'],
    ] as const) {
      expect(statusOf({ native: job(state) })).toMatchObject({ exit: { cause, code: null } });
    }
    const status = statusOf({ ...heard, native: job('COMPLETED') });
    expect(status).toMatchObject({ exit: { cause: 'UNKNOWN', code: null } });
  });

  test('a job that Slurm does not know is gone only when its launcher is silent too', () => {
    expect(statusOf({ ...heard, overForMs: 1e9 })).toMatchObject({ phase: 'RUNNING' });
    const silent = { ...heard, heardAgeMs: 1e9 };
    expect(statusOf(silent)).toMatchObject({ phase: 'RUNNING' });
    expect(statusOf({})).toMatchObject({ phase: 'UNKNOWN' });
    expect(statusOf({ ...silent, overForMs: 100 })).toBe('VANISHED');
    expect(statusOf({ overForMs: 100 })).toBe('VANISHED');
    expect(statusOf({ overForMs: 100, cancel: {} })).toMatchObject({
      exit: { cause: 'CANCELLED' },
      startedAt: null,
    });
  });

  test('an accounting that may lag behind is waited for, to explain a signal and before a job is lost', () => {
    const accounting = { alive: 'RUNNING', lagMs: 1000 };
    const killed = { ...heard, exit: left('SIGNALLED', { signal: 'SIGKILL' }) };
    const silent = { ...heard, heardAgeMs: 1e9 };
    for (const given of [killed, silent]) {
      expect(statusOf({ ...given, accounting, overForMs: 500 })).toMatchObject({
        phase: 'RUNNING',
        native: expect.stringContaining('accounting') as string,
      });
    }
    expect(statusOf({ ...killed, accounting, overForMs: 1000 })).toMatchObject({
      exit: { cause: 'SIGNALLED', signal: 'SIGKILL' },
    });
    expect(statusOf({ ...silent, accounting, overForMs: 1000 })).toBe('VANISHED');
    const cancel = { at: 1 };
    expect(statusOf({ ...killed, accounting, cancel, overForMs: 500 })).toMatchObject({
      exit: { cause: 'CANCELLED' },
    });
  });
});

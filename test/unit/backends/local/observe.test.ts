import { describe, expect, test } from 'vitest';
import { observeJob, observeService } from '../../../../backends/local/observe.ts';

const nothing = { grant: null, program: null, exit: null, queued: null };
const strange = [0, '', 'text', true, [], {}, [null], { cause: 1 }, { at: 'x' }, { cause: 'NEW' }];

describe('observation of a job', () => {
  test('is total: any content of any file gives a status', () => {
    for (const value of strange) {
      for (const file of ['grant', 'program', 'exit'] as const) {
        const status = observeJob({ ...nothing, [file]: value });
        expect(['PREPARING', 'RUNNING', 'UNKNOWN']).toContain(status.phase);
        expect(status.native).not.toBe('');
      }
    }
  });

  test('says PENDING with the reason, PREPARING, RUNNING and ENDED in turn', () => {
    const queued = { code: 'RESOURCES_BUSY', message: 'Others.', raw: null } as const;
    expect(observeJob({ ...nothing, queued })).toMatchObject({ phase: 'PENDING', waiting: queued });
    const begun = { ...nothing, grant: { gpus: [] } };
    expect(observeJob(begun)).toMatchObject({ phase: 'PREPARING', waiting: { code: 'STARTING' } });
    const running = { ...begun, program: { pid: 7, at: 5 } };
    expect(observeJob(running)).toMatchObject({ phase: 'RUNNING', startedAt: 5, waiting: null });
    const exit = { cause: 'EXITED', code: 3, signal: null, message: 'm', startedAt: 5, endedAt: 9 };
    expect(observeJob({ ...running, exit })).toEqual({
      phase: 'ENDED',
      native: 'exited 3',
      waiting: null,
      exit: { cause: 'EXITED', code: 3, signal: null, message: 'm' },
      startedAt: 5,
      endedAt: 9,
    });
  });

  test('reports a cause that it does not know as data', () => {
    const status = observeJob({ ...nothing, exit: { cause: 'PREEMPTED', by: 'x' } });
    expect(status).toMatchObject({ phase: 'UNKNOWN', exit: null });
    expect(status.native).toContain('PREEMPTED');
  });
});

describe('observation of a service', () => {
  const identity = { pid: 1, startTime: '1', bootId: 'b' };
  const replica = (phase: string, slot = 0) => ({
    id: `${slot}-x`,
    slot,
    phase,
    process: null,
    port: phase === 'READY' ? 1 : null,
    nextStartAt: null,
  });
  const facts = (replicas: readonly ReturnType<typeof replica>[], more: object = {}) => ({
    wish: { replicas: 2, evicted: [], released: false },
    grant: { slots: [0, 1].map((slot) => ({ slot, gpus: [] })) },
    state: { supervisor: identity, replicas, restarts: 0, failure: null },
    supervisorAlive: true,
    stranded: null,
    queued: { code: 'RESOURCES_BUSY', message: 'Others.', raw: null } as const,
    ...more,
  });
  const phaseOf = (...phases: readonly string[]) =>
    observeService(facts(phases.map((phase, slot) => replica(phase, slot)))).phase;

  test('is READY with one ready server, FAILED only when all were given up', () => {
    expect(phaseOf('READY', 'LOADING')).toBe('READY');
    expect(phaseOf('READY', 'FAILED')).toBe('READY');
    expect(phaseOf('FAILED', 'LOADING')).toBe('LOADING');
    expect(phaseOf('FAILED', 'FAILED')).toBe('FAILED');
    expect(phaseOf('LOADING', 'BACKING_OFF')).toBe('LOADING');
    expect(phaseOf('SOMETHING_NEW', 'STOPPING')).toBe('LOADING');
  });

  test('trusts no record of servers whose supervisor is gone', () => {
    const status = observeService(facts([replica('READY')], { supervisorAlive: false }));
    expect(status).toMatchObject({ phase: 'LOADING', replicas: [] });
  });

  test('is PENDING without a grant, and says what is lacking of a pool that is not complete', () => {
    expect(observeService(facts([], { grant: null }))).toMatchObject({
      phase: 'PENDING',
      waiting: { code: 'RESOURCES_BUSY' },
    });
    const partly = { grant: { slots: [{ slot: 0, gpus: [] }] } };
    expect(observeService(facts([replica('READY')], partly))).toMatchObject({
      phase: 'READY',
      waiting: { code: 'RESOURCES_BUSY' },
    });
  });

  test('is STOPPED when it was released or nothing is wanted', () => {
    const released = { wish: { replicas: 2, evicted: [], released: true } };
    expect(observeService(facts([replica('STOPPING')], released)).phase).toBe('STOPPED');
    const none = { wish: { replicas: 0, evicted: [], released: false } };
    expect(observeService(facts([], none)).phase).toBe('STOPPED');
  });
});

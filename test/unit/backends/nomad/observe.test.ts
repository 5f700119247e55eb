import { describe, expect, test } from 'vitest';
import type {
  NativeAllocation,
  NativeJob,
  NativeTaskState,
} from '../../../../backends/nomad/native.ts';
import { isOverTime, isToBeStopped, observeJob } from '../../../../backends/nomad/observe.ts';
import { meta } from '../../../../backends/nomad/names.ts';

const startedAt = '2026-08-23T10:00:00.5Z';
const finishedAt = '2026-08-23T10:00:07Z';
const never = '0001-01-01T00:00:00Z';
const start = Date.parse(startedAt);

const batch = (more: Partial<NativeJob> = {}): NativeJob => ({
  ID: 'fathom-a',
  Status: 'running',
  Stop: false,
  TaskGroups: [{ Count: 1, MaxRunDuration: 60e9, Tasks: [{ Name: 'main', Driver: 'raw_exec' }] }],
  Meta: { [meta.timeLimit]: '60000' },
  ...more,
});

type Step = readonly [type: string, details?: Record<string, string>, atMs?: number];

const state = (
  State: string,
  events: readonly Step[],
  more: Partial<NativeTaskState> = {},
): NativeTaskState => ({
  State,
  StartedAt: events.some(([type]) => type === 'Started') ? startedAt : never,
  FinishedAt: State === 'dead' ? finishedAt : never,
  Events: events.map(([Type, Details = {}, at = start]) => ({
    Type,
    Details,
    Time: at * 1e6,
    DisplayMessage: Details['message'] ?? '',
  })),
  ...more,
});

const alloc = (
  ClientStatus: string,
  main: NativeTaskState | null,
  more: Partial<NativeAllocation> = {},
): NativeAllocation => ({
  ID: 'a1',
  ClientStatus,
  DesiredStatus: 'run',
  CreateIndex: 10,
  TaskStates: main === null ? null : { main },
  ...more,
});

const look = (allocation: NativeAllocation, job: NativeJob = batch()) =>
  observeJob({ job, allocations: [allocation], evaluations: [] });

const ran: readonly Step[] = [['Received'], ['Task Setup'], ['Started']];
const exited = (code: number, more: Record<string, string> = {}): Step => [
  'Terminated',
  { exit_code: String(code), signal: '0', oom_killed: 'false', ...more },
];

describe('observed sequences', () => {
  test.each([
    ['complete', [...ran, exited(0)], { cause: 'EXITED', code: 0 }],
    ['failed', [...ran, exited(3), ['Not Restarting']], { cause: 'EXITED', code: 3 }],
    [
      'failed',
      [...ran, exited(137, { signal: '9' })],
      { cause: 'SIGNALLED', signal: 'SIGKILL', code: null },
    ],
    [
      'failed',
      [...ran, exited(137, { oom_killed: 'true', signal: '9' })],
      { cause: 'OUT_OF_MEMORY', code: null },
    ],
    [
      'failed',
      [...ran, exited(255, { signal: '77' })],
      { cause: 'SIGNALLED', signal: 'signal 77' },
    ],
    [
      'complete',
      [...ran, ['Killing'], exited(143, { signal: '15' }), ['Killed']],
      { cause: 'CANCELLED' },
    ],
  ] as const)('%s after %j', (status, events, exit) => {
    const seen = look(alloc(status, state('dead', events)));
    expect(seen).toMatchObject({ phase: 'ENDED', waiting: null, exit, startedAt: start });
    expect(seen.endedAt).toBe(Date.parse(finishedAt));
  });

  test('a program that never started says why, in the words of the node', () => {
    const message = 'failed to launch command with executor: /no/such/program could not be found';
    const events: Step[] = [['Received'], ['Driver Failure', { message }], ['Not Restarting']];
    const seen = look(alloc('failed', state('dead', events, { Failed: true })));
    expect(seen).toMatchObject({ phase: 'ENDED', startedAt: null, exit: { cause: 'NOT_STARTED' } });
    expect(seen.exit?.message).toContain('/no/such/program could not be found');
  });

  test('the limit of time is told although Nomad calls it complete', () => {
    const events: Step[] = [...ran, ['Killing'], exited(0), ['Killed']];
    const ClientDescription = 'allocation exceeded max_run_duration';
    const seen = look(alloc('complete', state('dead', events), { ClientDescription }));
    expect(seen.exit).toMatchObject({ cause: 'TIME_LIMIT' });
  });

  test('who was stopped later than its limit was stopped for it', () => {
    const killed = (afterMs: number): Step[] => [
      ...ran,
      ['Killing', {}, start + afterMs],
      exited(143, { signal: '15' }),
    ];
    const stopped = batch({ Stop: true });
    const end = (afterMs: number) =>
      look(alloc('complete', state('dead', killed(afterMs)), { DesiredStatus: 'stop' }), stopped)
        .exit?.cause;
    expect(end(59_000)).toBe('CANCELLED');
    expect(end(60_000)).toBe('TIME_LIMIT');
  });

  test('a program that ended before it could be stopped has ended by itself', () => {
    const stopped = batch({ Stop: true, Status: 'dead' });
    const seen = look(
      alloc('complete', state('dead', [...ran, exited(5)]), { DesiredStatus: 'stop' }),
      stopped,
    );
    expect(seen.exit).toMatchObject({ cause: 'EXITED', code: 5 });
  });

  test('container engines tell signals as codes', () => {
    const job = batch({ TaskGroups: [{ Tasks: [{ Name: 'main', Driver: 'docker' }] }] });
    const seen = look(alloc('failed', state('dead', [...ran, exited(137)])), job);
    expect(seen.exit).toMatchObject({ cause: 'SIGNALLED', signal: 'SIGKILL' });
    expect(look(alloc('failed', state('dead', [...ran, exited(137)]))).exit).toMatchObject({
      cause: 'EXITED',
      code: 137,
    });
  });

  test('a lost node and a preemption are ends that nobody here caused', () => {
    const running = state('running', ran);
    expect(look(alloc('lost', running)).exit?.cause).toBe('UNKNOWN');
    const DesiredDescription = 'preempted by job "other"';
    const evicted = look(
      alloc('complete', state('dead', [...ran, ['Killing'], exited(143)]), {
        DesiredStatus: 'evict',
        DesiredDescription,
      }),
    );
    expect(evicted.exit).toMatchObject({
      cause: 'UNKNOWN',
      message: expect.stringContaining('preempted') as string,
    });
  });

  test('data that could not be fetched, and results that could not be brought back, are told', () => {
    const main = state('dead', [['Received'], ['Sibling Task Failed']]);
    const fetching = state('dead', [...ran, exited(1)], { Failed: true });
    const before = look(alloc('failed', null, { TaskStates: { main, fetch: fetching } }));
    expect(before.exit).toMatchObject({ cause: 'NOT_STARTED' });
    const done = state('dead', [...ran, exited(0)]);
    const lost = state('dead', [...ran, exited(75)], { Failed: true });
    const after = look(alloc('failed', null, { TaskStates: { main: done, return: lost } }));
    expect(after.exit).toMatchObject({ cause: 'UNKNOWN' });
    expect(after.exit?.message).toContain('could not be brought back');
    const still = look(
      alloc('failed', null, { TaskStates: { main: done, return: state('running', ran) } }),
    );
    expect(still.phase).toBe('RUNNING');
  });

  test('a cancelled program whose files could not be brought back was cancelled, and says so', () => {
    const main = state('dead', [...ran, ['Killing'], exited(143), ['Killed']]);
    const lost = state('dead', [['Received'], ['Driver Failure', { message: 'no room' }]], {
      Failed: true,
    });
    const TaskStates = { main, return: lost };
    const seen = look(
      alloc('failed', null, { TaskStates, DesiredStatus: 'stop' }),
      batch({ Stop: true }),
    );
    expect(seen.exit).toMatchObject({
      cause: 'CANCELLED',
      message: expect.stringMatching(
        /cancelled while it ran\. .*brought back: .*no room/,
      ) as string,
    });
  });

  test('one that was cancelled before it started was cancelled, whatever came of its files', () => {
    const lost = state('dead', [['Received'], ['Driver Failure', { message: 'no room' }]], {
      Failed: true,
    });
    const TaskStates = { main: state('dead', [['Received'], ['Killing']]), return: lost };
    const stopped = alloc('failed', null, { TaskStates, DesiredStatus: 'stop' });
    const { exit, startedAt } = look(stopped, batch({ Stop: true }));
    expect(exit).toMatchObject({ cause: 'CANCELLED', code: null });
    expect(startedAt).toBeNull();
  });

  test('what ended and waits to be brought back is not being prepared again', () => {
    const done = state('dead', [...ran, exited(0)]);
    // With nothing that runs and something that is pending, Nomad calls all of it pending.
    const waiting = alloc('pending', null, {
      TaskStates: { main: done, return: state('pending', []) },
    });
    expect(look(waiting)).toMatchObject({ phase: 'RUNNING', waiting: null, startedAt: start });
    const stopped = look({ ...waiting, DesiredStatus: 'stop' }, batch({ Stop: true }));
    expect(stopped).toMatchObject({ phase: 'RUNNING', waiting: null });
  });
});

describe('before the end', () => {
  test('a prestart task that runs is not the program', () => {
    const TaskStates = { main: state('pending', [['Received']]), fetch: state('running', ran) };
    const seen = look(alloc('running', null, { TaskStates }));
    expect(seen).toMatchObject({ phase: 'PREPARING', waiting: { code: 'TRANSFERRING_DATA' } });
  });

  test('an image that is fetched is told', () => {
    const events: Step[] = [['Received'], ['Driver', { message: 'Downloading image' }]];
    const seen = look(alloc('pending', state('pending', events)));
    expect(seen).toMatchObject({ phase: 'PREPARING', waiting: { code: 'PULLING_IMAGE' } });
  });

  test('a job that was stopped before it was placed was cancelled', () => {
    const seen = observeJob({
      job: batch({ Stop: true, Status: 'dead' }),
      allocations: [],
      evaluations: [],
    });
    expect(seen).toMatchObject({ phase: 'ENDED', exit: { cause: 'CANCELLED' }, startedAt: null });
    // An evaluation from before may still place it.
    const job = batch({ Stop: true, Status: 'pending' });
    const still = observeJob({ job, allocations: [], evaluations: [] });
    expect(still).toMatchObject({ phase: 'PENDING', exit: null });
  });

  test('what nobody knows is UNKNOWN, verbatim', () => {
    expect(look(alloc('hibernating', null))).toMatchObject({ phase: 'UNKNOWN' });
    expect(look(alloc('hibernating', null)).native).toContain('hibernating');
    const strange = observeJob({
      job: batch({ Status: 'dreaming' }),
      allocations: [],
      evaluations: [],
    });
    expect(strange).toMatchObject({ phase: 'UNKNOWN', native: 'dreaming, not placed' });
    expect(observeJob({ job: { ID: '' }, allocations: [], evaluations: [] }).phase).toBe('UNKNOWN');
  });
});

describe('the first allocation is the job', () => {
  test('others are stopped, and change nothing', () => {
    const first = alloc('lost', state('running', ran));
    const second = alloc('running', state('running', ran), {
      ID: 'a2',
      CreateIndex: 20,
      PreviousAllocation: 'a1',
    });
    const facts = { job: batch(), allocations: [second, first], evaluations: [] };
    const seen = observeJob(facts);
    expect(seen.exit?.cause).toBe('UNKNOWN');
    expect(isToBeStopped(facts, seen)).toBe(true);
    expect(isToBeStopped({ ...facts, job: batch({ Stop: true }) }, seen)).toBe(false);
    const alone = {
      ...facts,
      allocations: [alloc('complete', state('dead', [...ran, exited(0)]))],
    };
    expect(isToBeStopped(alone, observeJob(alone))).toBe(false);
  });

  test('its limit is kept by us only where Nomad does not', () => {
    const allocations = [alloc('running', state('running', ran))];
    const over = (job: NativeJob, afterMs: number) => {
      const facts = { job, allocations, evaluations: [] };
      return isOverTime(facts, observeJob(facts), start + afterMs);
    };
    const old = batch({ TaskGroups: [{ Tasks: [{ Name: 'main' }] }] });
    expect([over(old, 60_000), over(old, 60_001)]).toEqual([false, true]);
    expect([over(batch(), 60_001), over(batch(), 80_000)]).toEqual([false, true]);
    expect(over(batch({ Meta: null }), 1e9)).toBe(false);
    const longer = batch({ TaskGroups: [{ MaxRunDuration: 900e9, Tasks: [{ Name: 'main' }] }] });
    expect([over(longer, 60_000), over(longer, 60_001)]).toEqual([false, true]);
    const returning = alloc('running', state('dead', [...ran, exited(0)]));
    const facts = { job: longer, allocations: [returning], evaluations: [] };
    const seen = { ...observeJob(facts), phase: 'RUNNING' } as const;
    expect(isOverTime(facts, seen, start + 1e9)).toBe(false);
  });
});

import { describe, expect, test } from 'vitest';
import { accountedOf } from '../../../../backends/slurm/accounting.ts';
import { recordsWithIds } from '../../../../backends/slurm/elements.ts';
import type { NativeJob } from '../../../../backends/slurm/native.ts';
import { parseJobs } from '../../../../backends/slurm/rest/codec.ts';

const record = (state: string, startedAt: number | null, more: Partial<NativeJob> = {}) => ({
  id: '10',
  name: 'n',
  comment: '',
  state,
  completing: false,
  reason: '',
  startedAt,
  endedAt: startedAt,
  exit: null,
  ...more,
});

const hour = 3_600_000;

describe('what the accounting says of a job', () => {
  test('one that it does not know, one that it calls alive, and an end', () => {
    expect(accountedOf([], null)).toEqual({ end: null, alive: null });
    expect(accountedOf([record('RUNNING', hour)], 0)).toEqual({ end: null, alive: 'RUNNING' });
    const failed = record('FAILED', hour);
    expect(accountedOf([failed], 0)).toEqual({ end: failed, alive: null });
  });

  test('a job that was requeued ended as its program did, not as what came after it', () => {
    const first = record('REQUEUED', hour);
    const second = record('FAILED', hour + 1000, { exit: { code: 75, signal: null } });
    const ended = { end: { ...first, superseded: true }, alive: null };
    expect(accountedOf([first, second], 0)).toEqual(ended);
    expect(accountedOf([first, second], 1)).toEqual({ end: second, alive: null });
    for (const restarts of [null, 2]) {
      expect(accountedOf([first, second], restarts)).toEqual({ end: second, alive: null });
    }
    // Cancelled while it waited to run again.
    expect(accountedOf([first, record('CANCELLED', null)], 0)).toEqual(ended);
    const waiting = record('PENDING', null);
    expect(accountedOf([first, waiting], 0)).toEqual({ end: null, alive: 'PENDING' });
  });

  test('all records of a number are told, and elements that were never split off stand together', () => {
    const rest = record('CANCELLED', null, { id: '11_[1,3%1]' });
    const jobs = [record('FAILED', 1), record('COMPLETED', 2), rest];
    const found = recordsWithIds(jobs, ['10', '11_1', '11_2', '12']);
    const states = [...found].map(([id, records]) => [id, ...records.map(({ state }) => state)]);
    expect(states).toEqual([
      ['10', 'FAILED', 'COMPLETED'],
      ['11_1', 'CANCELLED'],
      ['11_2'],
      ['12'],
    ]);
  });

  test('slurmdb of v0.0.38 as recorded: signals, codes and elements', () => {
    const told = (job_id: number, state: string, exit_code: object, array: object) => ({
      job_id,
      name: 'n',
      comment: { administrator: null, job: 'fathom:abc', system: null },
      array: { job_id: 0, task: null, task_id: null, ...array },
      state: { current: state, reason: 'None' },
      time: { start: 1_795_996_031, end: 1_795_996_035, submission: 1_795_996_030 },
      exit_code,
    });
    const success = { status: 'SUCCESS', return_code: 0 };
    const signal = { signal_id: 11, name: 'Segmentation fault' };
    const killed = { status: 'SIGNALED', return_code: null, signal };
    const jobs = parseJobs({
      jobs: [
        told(3, 'FAILED', killed, {}),
        told(5, 'COMPLETED', success, {}),
        told(11, 'CANCELLED', success, { job_id: 11, task: '0x1A', task_id: null }),
        told(12, 'NODE_FAIL', success, { job_id: 11, task_id: 0 }),
      ],
    });
    expect(jobs).toMatchObject([
      { id: '3', comment: 'fathom:abc', exit: { code: null, signal: 11 } },
      { id: '5', exit: { code: 0, signal: null }, startedAt: 1_795_996_031_000 },
      { id: '11_[1,3,4]' },
      { id: '11_0' },
    ]);
  });

  test('slurmdb of v0.0.42 as recorded: what was requeued, and elements that never started', () => {
    const number = (value: number, set: boolean) => ({ set, infinite: false, number: value });
    const told = (state: readonly string[], array: object, start: number) => ({
      job_id: 5,
      name: 'n',
      comment: { administrator: '', job: 'fathom:abc', system: '' },
      array: { job_id: 0, task_id: number(0, false), task: '', ...array },
      state: { current: state, reason: 'None' },
      time: { start, end: 1_796_000_331 },
    });
    const jobs = parseJobs({
      jobs: [
        told(['PENDING', 'REQUEUED'], {}, 1_796_000_319),
        told(['CANCELLED'], { job_id: 6, task: '0xA' }, 4_294_967_294),
        told(['CANCELLED'], { job_id: 6, task_id: number(0, true) }, 1_796_000_319),
      ],
    });
    expect(jobs).toMatchObject([
      { id: '5', state: 'REQUEUED', startedAt: 1_796_000_319_000, comment: 'fathom:abc' },
      { id: '6_[1,3]', state: 'CANCELLED', startedAt: null, endedAt: 1_796_000_331_000 },
      { id: '6_0', startedAt: 1_796_000_319_000 },
    ]);
  });

  test('exit codes as both generations of slurmrestd tell them', () => {
    const number = (value: number, set = true) => ({ set, infinite: false, number: value });
    const modern = (code: object, id: object) => ({
      status: ['ERROR'],
      return_code: code,
      signal: { id, name: '' },
    });
    for (const [exit_code, exit] of [
      [3 << 8, { code: 3, signal: null }],
      [11, { code: null, signal: 11 }],
      [modern(number(3), number(0, false)), { code: 3, signal: null }],
      [modern(number(0, false), number(9)), { code: null, signal: 9 }],
      [undefined, null],
      ['3', null],
    ] as const) {
      expect(parseJobs({ jobs: [{ job_id: 1, exit_code }] })).toMatchObject([{ exit }]);
    }
  });
});

import { describe, expect, test } from 'vitest';
import type { V1Pod } from '../../../../backends/kubernetes/native.ts';
import { observeJob } from '../../../../backends/kubernetes/observe.ts';
import { waitingOfPod } from '../../../../backends/kubernetes/reasons.ts';

const startedAt = '2026-08-01T10:00:00Z';
const finishedAt = '2026-08-01T10:01:00Z';

function look(job: object, pod: object | null) {
  const pods = pod === null ? [] : [pod as V1Pod];
  return observeJob({ job, pods, events: [], queue: null });
}

function failed(reason: string) {
  return { status: { conditions: [{ type: 'Failed', status: 'True', reason }] } };
}

function ended(terminated: object, status: object = {}) {
  const state = { terminated: { startedAt, finishedAt, ...terminated } };
  return { status: { phase: 'Failed', containerStatuses: [{ name: 'main', state }], ...status } };
}

describe('observation of a Job', () => {
  test.each([
    ['Error', 3, { cause: 'EXITED', code: 3, signal: null }],
    ['Error', 143, { cause: 'SIGNALLED', code: null, signal: 'SIGTERM' }],
    ['OOMKilled', 137, { cause: 'OUT_OF_MEMORY' }],
    ['StartError', 128, { cause: 'NOT_STARTED', code: null }],
  ])('says how a program ended with %s %i', (reason, exitCode, exit) => {
    const status = look(failed('BackoffLimitExceeded'), ended({ reason, exitCode }));
    expect(status).toMatchObject({ phase: 'ENDED', exit, endedAt: Date.parse(finishedAt) });
  });

  test('tells a time limit and an eviction from an end of the program itself', () => {
    const terminated = { reason: 'Error', exitCode: 137 };
    const late = ended(terminated, { reason: 'DeadlineExceeded' });
    expect(look(failed('BackoffLimitExceeded'), late).exit?.cause).toBe('TIME_LIMIT');
    const conditions = [{ type: 'DisruptionTarget', status: 'True', message: 'preempted by x' }];
    const exit = look(failed('PodFailurePolicy'), ended(terminated, { conditions })).exit;
    expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null });
    expect(exit?.message).toContain('preempted by x');
  });

  test('never calls a failure without a pod a success, nor its code known', () => {
    const { exit } = look(failed('BackoffLimitExceeded'), null);
    expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null });
  });

  test('does not end before the Job itself says so, and passes over conditions that are False', () => {
    const over = ended({ reason: 'Completed', exitCode: 0 }, { phase: 'Succeeded' });
    expect(look({}, over)).toMatchObject({ phase: 'RUNNING', exit: null });
    const resumed = { status: { conditions: [{ type: 'Failed', status: 'False' }] } };
    expect(look(resumed, over).phase).toBe('RUNNING');
  });

  test('is total: what nobody knows is UNKNOWN, with its own text', () => {
    expect(look({}, { status: { phase: 'Unknown' } })).toMatchObject({
      phase: 'UNKNOWN',
      native: 'Unknown',
    });
    for (const pod of [{}, { status: {} }, { status: { containerStatuses: [] } }]) {
      expect(look({}, pod).phase).toBe('PENDING');
    }
  });
});

describe('why a pod waits', () => {
  const unscheduled = (message: string) =>
    waitingOfPod(
      {
        status: {
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
        },
      },
      [],
    );

  test.each([
    ['0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', 'RESOURCES_BUSY'],
    [
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
      'NO_ACCELERATOR',
    ],
    ['0/2 nodes are available: 2 node(s) were unschedulable.', 'NODE_UNAVAILABLE'],
    ['a sentence of the year 2040', 'UNSCHEDULABLE'],
  ])('%s', (message, code) => {
    expect(unscheduled(message)).toMatchObject({ code, raw: `Unschedulable: ${message}` });
  });
});

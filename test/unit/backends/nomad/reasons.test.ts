import { expect, test } from 'vitest';
import type {
  NativeEvaluation,
  NativePlacementFailure,
} from '../../../../backends/nomad/native.ts';
import { waitingInPlace, waitingWithoutPlace } from '../../../../backends/nomad/reasons.ts';
import { waitingCodes } from '../../../../domain/waiting.ts';

const evaluated = (failure: NativePlacementFailure): readonly NativeEvaluation[] => [
  {
    ID: 'e1',
    Status: 'complete',
    TriggeredBy: 'job-register',
    FailedTGAllocs: { main: failure },
    BlockedEval: 'e2',
    CreateIndex: 5,
  },
  { ID: 'e2', Status: 'blocked', TriggeredBy: 'queued-allocs', CreateIndex: 6 },
];
const node = { NodesEvaluated: 1, NodesAvailable: { dc1: 1 } };

test.each([
  [{ ...node, NodesFiltered: 1, ConstraintFiltered: { 'missing devices': 1 } }, 'NO_ACCELERATOR'],
  [{ ...node, NodesFiltered: 1, ConstraintFiltered: { 'missing drivers': 1 } }, 'UNSCHEDULABLE'],
  [{ ...node, NodesFiltered: 1, ConstraintFiltered: { '${meta.rack} = r1': 1 } }, 'UNSCHEDULABLE'],
  [{ ...node, NodesExhausted: 1, DimensionExhausted: { memory: 1 } }, 'RESOURCES_BUSY'],
  [{ ...node, NodesExhausted: 1, DimensionExhausted: { devices: 1 } }, 'RESOURCES_BUSY'],
  [{ ...node, QuotaExhausted: ['cpu exhausted (4000 needed > 1000 limit)'] }, 'QUOTA'],
  [{ NodesEvaluated: 0, NodesAvailable: { dc1: 0 } }, 'NODE_UNAVAILABLE'],
  [{}, 'NODE_UNAVAILABLE'],
] as const)('a placement that failed like %j is %s', (failure, code) => {
  const waiting = waitingWithoutPlace(evaluated(failure));
  expect(waiting.code).toBe(code);
  expect(waiting.message).toMatch(/\w+ .*\.$/);
  expect(waiting.raw).toContain('nodes evaluated');
});

test('some nodes lack what is asked for and others are full: it waits for the full ones', () => {
  const failure = {
    NodesEvaluated: 2,
    NodesFiltered: 1,
    NodesExhausted: 1,
    ConstraintFiltered: { 'missing devices': 1 },
    DimensionExhausted: { memory: 1 },
  };
  const waiting = waitingWithoutPlace(evaluated(failure));
  expect(waiting.code).toBe('RESOURCES_BUSY');
  expect(waiting.raw).toContain('filtered by missing devices: 1');
});

test.each([
  [[], 'STARTING'],
  [[{ Status: 'pending', TriggeredBy: 'job-register' }], 'STARTING'],
  [
    [{ Status: 'failed', TriggeredBy: 'job-register', StatusDescription: 'max-plan-attempts' }],
    'BACKING_OFF',
  ],
  [[{ Status: 'blocked', QuotaLimitReached: 'small' }], 'QUOTA'],
  [[{ Status: 'contemplating' }], 'UNKNOWN'],
  [[{}], 'UNKNOWN'],
] as const)('evaluations %j are %s', (evaluations, code) => {
  const waiting = waitingWithoutPlace(evaluations);
  expect(waiting.code).toBe(code);
  expect(Object.keys(waitingCodes)).toContain(waiting.code);
});

const pulling = { Type: 'Driver', DisplayMessage: 'Downloading image' };
const notPulled = {
  Type: 'Driver Failure',
  DisplayMessage:
    'Failed to pull `registry/no/image:1`: Error response from daemon: Get "http://registry/v2/": connection refused',
};
const again = { Type: 'Restarting', DisplayMessage: 'Task restarting in 3.7s' };
const ended = { Type: 'Terminated', DisplayMessage: 'Exit Code: 1' };

// As Nomad 2.0.5 with Docker tells it.
test.each([
  [[pulling], 'PULLING_IMAGE', 'Downloading'],
  [[pulling, notPulled], 'IMAGE_UNAVAILABLE', 'registry/no/image:1'],
  [[pulling, notPulled, again], 'IMAGE_UNAVAILABLE', 'registry/no/image:1'],
  [[pulling, notPulled, again, pulling], 'PULLING_IMAGE', 'Downloading'],
  [[ended, again], 'BACKING_OFF', 'restarting'],
] as const)('a task whose events are %j waits because of %s', (Events, code, raw) => {
  const allocation = { ID: 'a', TaskStates: { main: { State: 'pending', Events } } };
  const waiting = waitingInPlace(allocation, 'main');
  expect(waiting.code).toBe(code);
  expect(waiting.raw).toContain(raw);
});

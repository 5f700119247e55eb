import { expect, test } from 'vitest';
import type { JobStatus } from '../../../../backends/contract/job-runner.ts';
import type { ServiceStatus } from '../../../../backends/contract/service-runner.ts';
import { observeService } from '../../../../backends/nomad/observe-service.ts';
import { observeJob } from '../../../../backends/nomad/observe.ts';
import { mutated, seeded } from '../mutations.ts';

const at = '2026-08-01T10:00:00Z';
const event = (Type: string, Details: object = {}) => ({
  Type,
  Time: 1.7e18,
  DisplayMessage: 'm',
  Details,
});
const main = {
  State: 'dead',
  Failed: true,
  Restarts: 2,
  StartedAt: at,
  FinishedAt: at,
  Events: [
    event('Started'),
    event('Terminated', { exit_code: '3', signal: '0' }),
    event('Killing'),
  ],
};
const allocation = {
  ID: 'a',
  Name: 'j.main[0]',
  ClientStatus: 'failed',
  DesiredStatus: 'run',
  TaskStates: { main, fetch: { ...main, State: 'running' } },
  DeploymentStatus: { Healthy: false },
  CreateIndex: 5,
  CreateTime: 1.7e18,
};
const failure = {
  NodesEvaluated: 1,
  NodesAvailable: { dc1: 1 },
  DimensionExhausted: { memory: 1 },
};
const evaluation = {
  ID: 'e',
  Status: 'blocked',
  FailedTGAllocs: { main: failure },
  CreateIndex: 4,
};
const job = {
  ID: 'j',
  Status: 'running',
  Stop: false,
  Version: 1,
  Meta: { fathom_time_limit_ms: '1000' },
  TaskGroups: [{ Count: 2, MaxRunDuration: 1e9, Tasks: [{ Name: 'main', Driver: 'docker' }] }],
};
const deployment = { JobVersion: 1, Status: 'failed', StatusDescription: 'd' };
const samples = [
  { job, allocations: [allocation], evaluations: [] },
  {
    job: { ...job, Stop: true },
    allocations: [allocation, { ...allocation, ClientStatus: 'lost' }],
    evaluations: [],
  },
  { job, allocations: [], evaluations: [evaluation], deployment },
  {
    job,
    allocations: [{ ...allocation, ClientStatus: 'running', TaskStates: null }],
    evaluations: [],
    deployment,
  },
];

test('whatever Nomad says, however strange, gives a status and no error', () => {
  const random = seeded(20_261_123);
  const wrong: string[] = [];
  for (let round = 0; round < 4000; round++) {
    const said = mutated(samples[round % samples.length], random, true) as object;
    const facts = { job: { ID: 'j' }, allocations: [], evaluations: [], ...said };
    const finding =
      findingOf(() => observeJob(facts)) ??
      findingOf(() =>
        observeService({ deployment: null, ...facts, listening: new Set(), giveUpAfter: 3 }),
      );
    if (finding !== null) wrong.push(`${finding}: ${JSON.stringify(said)}`);
  }
  expect(wrong.slice(0, 3)).toEqual([]);
});

function findingOf(observe: () => JobStatus | ServiceStatus): string | null {
  try {
    const status = observe();
    if (typeof status.native !== 'string') return 'no native text';
    if (status.waiting !== null && !/\w/.test(status.waiting.message)) return 'no message';
    if (!('exit' in status)) return null;
    return (status.exit !== null) === (status.phase === 'ENDED') ? null : 'an exit and no end';
  } catch (error) {
    return `it threw ${String(error)}`;
  }
}

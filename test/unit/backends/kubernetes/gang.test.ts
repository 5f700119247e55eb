import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../../backends/kubernetes/config.ts';
import type { V1Job, V1Pod } from '../../../../backends/kubernetes/native.ts';
import { observeJob } from '../../../../backends/kubernetes/observe.ts';
import { translateJob } from '../../../../backends/kubernetes/translate.ts';
import { job } from '../../../contract/backend/under-test.ts';

const settings = parseSettings({ nodesApart: 'required' });
const program = { kind: 'COMMAND', argv: ['run'], image: 'an/image:1' } as const;
const resources = { cpus: 1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60, nodes: 3 };
const naming = { name: 'fathom-run', key: 'run', delivery: null } as const;

describe('a job on several nodes', () => {
  const { job: manifest, belongings } = translateJob(job(program, { resources }), settings, naming);
  const pod = manifest.spec?.template.spec;

  test('is one Indexed Job whose pods find the first one by its name', () => {
    expect(manifest.spec).toMatchObject({
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      backoffLimit: 0,
    });
    expect(pod?.subdomain).toBe('fathom-run');
    expect(belongings.service?.spec).toMatchObject({
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: { 'fathom/name': 'fathom-run' },
    });
    const env = pod?.containers[0]?.env ?? [];
    const of = (name: string) => env.find((one) => one.name === name);
    expect(of('FATHOM_NODES')?.value).toBe('3');
    expect(of('FATHOM_HEAD_ADDRESS')?.value).toBe('fathom-run-0.fathom-run');
    expect(of('FATHOM_NODE_RANK')?.valueFrom?.fieldRef?.fieldPath).toContain('completion-index');
  });

  test('waits for nodes that differ where that is required', () => {
    const terms = pod?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    expect(terms).toMatchObject([{ topologyKey: 'kubernetes.io/hostname' }]);
  });

  test('has neither a Service nor an index when it has one node', () => {
    const one = translateJob(job(program), settings, naming);
    expect(one.belongings.service).toBeNull();
    expect(one.job.spec).not.toHaveProperty('completionMode');
    const env = one.job.spec?.template.spec?.containers[0]?.env ?? [];
    expect(env).toContainEqual({ name: 'FATHOM_NODE_RANK', value: '0' });
  });
});

describe('observation of a job on several nodes', () => {
  const at = (second: number): string => `2026-08-01T10:00:${String(second).padStart(2, '0')}Z`;
  const pod = (rank: number, phase: string, state: object, more: object = {}): V1Pod => ({
    metadata: { labels: { 'batch.kubernetes.io/job-completion-index': String(rank) }, ...more },
    spec: { nodeName: 'n', containers: [] },
    status: {
      phase,
      containerStatuses: [
        { name: 'main', image: '', imageID: '', ready: true, restartCount: 0, state },
      ],
    },
  });
  const running = (rank: number): V1Pod =>
    pod(rank, 'Running', { running: { startedAt: at(rank) } });
  const starting = (rank: number): V1Pod =>
    pod(rank, 'Pending', { waiting: { reason: 'ContainerCreating' } });
  const look = (pods: readonly V1Pod[], conditions: object[] = []) => {
    const native = { spec: { completions: 2, parallelism: 2 }, status: { conditions } };
    return observeJob({ job: native as unknown as V1Job, pods, events: [], queue: null });
  };
  const failed = { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' };

  test('is RUNNING when every program started, since the first of them did', () => {
    expect(look([running(0), starting(1)])).toMatchObject({
      phase: 'PREPARING',
      waiting: { code: 'STARTING' },
    });
    expect(look([running(0)]).phase).toBe('PENDING');
    const status = look([running(1), running(0)]);
    expect(status).toMatchObject({ phase: 'RUNNING', startedAt: Date.parse(at(0)) });
  });

  test('is over by the first that failed, not by those that were ended for it', () => {
    const culprit = pod(1, 'Failed', {
      terminated: { exitCode: 7, reason: 'Error', startedAt: at(0), finishedAt: at(9) },
    });
    const victim = pod(
      0,
      'Failed',
      { terminated: { exitCode: 143, reason: 'Error', startedAt: at(0), finishedAt: at(8) } },
      { deletionTimestamp: at(7) },
    );
    const { exit, endedAt } = look([victim, culprit], [failed]);
    expect(exit).toMatchObject({ cause: 'EXITED', code: 7 });
    expect(exit?.message).toMatch(/^Node 1: /);
    expect(endedAt).toBe(Date.parse(at(9)));
  });

  test('does not go back to waiting while the others are being ended', () => {
    const target = { ...failed, type: 'FailureTarget' };
    expect(look([running(0)], [target]).phase).toBe('RUNNING');
    expect(look([], [target]).phase).toBe('RUNNING');
  });
});

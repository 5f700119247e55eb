import { describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { JobStatus } from '../../../backends/contract/job-runner.ts';
import type { ServiceStatus } from '../../../backends/contract/service-runner.ts';
import * as kubernetesServices from '../../../backends/kubernetes/observe-service.ts';
import * as kubernetesJobs from '../../../backends/kubernetes/observe.ts';
import * as local from '../../../backends/local/observe.ts';
import { limitsOf } from '../../../backends/openwhisk/limits.ts';
import { logLine } from '../../../backends/openwhisk/log-lines.ts';
import { actionOf, answerOf } from '../../../backends/openwhisk/observe.ts';
import * as slurm from '../../../backends/slurm/observe.ts';
import { parseSacct, parseSqueue } from '../../../backends/slurm/cli/parse.ts';
import { parseJobs } from '../../../backends/slurm/rest/codec.ts';
import { mutated, seeded } from './mutations.ts';

/** What a backend of ours reads (what is ours to vouch for stands beside it), and how it is judged. */
interface Observer {
  readonly name: string;
  readonly samples: readonly unknown[];
  /** Whether who says it keeps the types of its fields. */
  readonly typed: boolean;
  observe(sample: unknown): readonly (JobStatus | ServiceStatus)[];
}

const exit = { cause: 'ENDED', code: 1, signal: null, stop: null, startedAt: 1, endedAt: 2 };
const slurmJob = {
  job_id: 7,
  name: 'n',
  comment: { job: 'fathom:1' },
  job_state: ['RUNNING', 'COMPLETING'],
  state: { current: 'FAILED', reason: 'None' },
  state_reason: 'Resources',
  start_time: { set: true, number: 5 },
  end_time: 9,
  time: { start: 5, end: 9 },
};
const at = '2026-08-01T10:00:00Z';
const pod = {
  metadata: { name: 'p', uid: 'u', creationTimestamp: at, labels: {}, annotations: {} },
  spec: { nodeName: 'node-0', containers: [{ name: 'main', image: 'i' }] },
  status: {
    phase: 'Failed',
    startTime: at,
    message: 'm',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'x' }],
    containerStatuses: [
      {
        name: 'main',
        ready: false,
        restartCount: 2,
        state: { terminated: { reason: 'Error', exitCode: 3, startedAt: at, finishedAt: at } },
        lastState: { terminated: { reason: 'OOMKilled', exitCode: 137, message: 'last' } },
      },
    ],
  },
};
const waitingPod = {
  ...pod,
  status: {
    phase: 'Pending',
    containerStatuses: [{ name: 'main', state: { waiting: { reason: 'ImagePullBackOff' } } }],
  },
};
const event = { type: 'Warning', reason: 'FailedScheduling', message: 'm', lastTimestamp: at };
const job = {
  metadata: { name: 'j', annotations: {}, creationTimestamp: at },
  spec: { completions: 1, parallelism: 1, suspend: false },
  status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] },
};
const deployment = {
  metadata: { name: 'd', generation: 2 },
  spec: { replicas: 2 },
  status: {
    observedGeneration: 2,
    replicas: 2,
    readyReplicas: 1,
    conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
  },
};

const observers: readonly Observer[] = [
  {
    name: 'local: the control files of a job',
    typed: false,
    samples: [
      { grant: null, program: null, exit: { ...exit, cause: 'EXITED', message: 'm' } },
      { grant: { gpus: [0] }, program: { pid: 1, at: 2 }, exit: null },
    ],
    observe: (files) => {
      const { grant = null, program = null, exit = null } = files as Record<string, unknown>;
      return [local.observeJob({ grant, program, exit, queued: null })];
    },
  },
  {
    name: 'slurm: the files of a job and what slurmrestd says',
    typed: false,
    samples: [
      { started: { at: 1 }, exit: { ...exit, lines: ['a'] }, cancel: null, jobs: [slurmJob] },
      { started: { at: 1 }, exit: null, cancel: { at: 1 }, jobs: [slurmJob, slurmJob] },
    ],
    observe: (said) => {
      const { started = null, exit = null, cancel = null, ...body } = said as Fields;
      return judged({ started, exit, cancel }, parseJobs(body));
    },
  },
  {
    name: 'slurm: what squeue and sacct print',
    typed: false,
    samples: [
      ['7', 'RUNNING', 'None', 'fathom:1', '5', 'N/A', 'n'],
      ['7', 'PENDING', '(null)', '', '', '', ''],
    ],
    observe: (words) => {
      const text = [
        Object.values(words as Fields)
          .map(word)
          .join('\u001f'),
        '',
      ].join('\n');
      const table = Object.values(words as Fields)
        .map(word)
        .join('|');
      const files = { started: null, exit: null, cancel: null };
      return judged(files, [...parseSqueue(text), ...parseSacct(table)]);
    },
  },
  {
    name: 'kubernetes: a Job, its pods and events',
    typed: true,
    samples: [
      { job, pods: [pod], events: [event] },
      { job: { ...job, status: {} }, pods: [waitingPod, pod], events: [event] },
      { job: { ...job, status: { conditions: [] } }, pods: [], events: [event] },
    ],
    observe: (facts) => {
      const said = { job: {}, pods: [], events: [], ...(facts as Fields), queue: null };
      return [kubernetesJobs.observeJob(said)];
    },
  },
  {
    name: 'kubernetes: a Deployment, its pods and events',
    typed: true,
    samples: [
      { deployment, pods: [pod, waitingPod], events: [event] },
      { deployment: { ...deployment, status: {} }, pods: [], events: [] },
    ],
    observe: (facts) => {
      const said = { deployment: {}, pods: [], events: [], ...(facts as Fields), giveUpAfter: 3 };
      return [kubernetesServices.observeService(said)];
    },
  },
];

type Fields = { readonly [name: string]: unknown };

describe('what a backend says of itself, however strange, gives a status and no error', () => {
  test.each(observers)('$name', (observer) => {
    const random = seeded(20_261_122);
    const wrong: string[] = [];
    for (let round = 0; round < 3000; round++) {
      const sample = observer.samples[round % observer.samples.length];
      const said =
        round < observer.samples.length ? sample : mutated(sample, random, observer.typed);
      const finding = findingOf(() => observer.observe(said));
      if (finding !== null) wrong.push(`${finding}: ${JSON.stringify(said)}`);
    }
    expect(wrong.slice(0, 3)).toEqual([]);
  });
});

const annotations = [
  { key: 'waitTime', value: 12 },
  { key: 'initTime', value: 700 },
  { key: 'fathom-key', value: 'k' },
];
const headers = { 'Content-Type': 'application/json', many: ['a', 'b'] };
const answer = { statusCode: 200, headers, body: '{"a":1}' };
const activation = { activationId: 'a', duration: 40, annotations };

/** What OpenWhisk says, and what is wrong with what we make of it; null when nothing is. */
const functionObservers: readonly {
  readonly name: string;
  readonly samples: readonly unknown[];
  readonly finding: (sample: unknown) => string | null;
}[] = [
  {
    name: 'an activation: an answer of HTTP, or one of our errors',
    samples: [
      { ...activation, response: { status: 'success', result: answer } },
      { ...activation, response: { status: 'action developer error', result: { error: 'no' } } },
    ],
    finding: (sample) => {
      try {
        const { response, start } = answerOf('invoke', sample);
        const { status, body } = response;
        if (!(Number.isInteger(status) && status >= 200 && status <= 599)) return 'no status';
        if (!Object.values(response.headers).every(isText)) return 'a header that is no text';
        if (!(body instanceof Uint8Array)) return 'no body';
        return Object.values(start).every(isFiniteOrUnknown) ? null : 'no time';
      } catch (error) {
        return error instanceof BackendError && /\w/.test(error.message) ? null : String(error);
      }
    },
  },
  {
    name: 'an action: what we need of it, or none',
    samples: [
      {
        ...{ version: '0.0.1', updated: 5, annotations, limits: { timeout: 60_000 } },
        exec: { kind: 'blackbox', image: 'a:1' },
      },
    ],
    finding: (sample) => {
      const seen = actionOf(sample);
      if (seen === null) return null;
      const { key, version, image, updated, timeoutMs } = seen;
      const isWhole = [version, image].every(isText) && isFiniteOrUnknown(timeoutMs);
      return isWhole && (key === null || isText(key)) && Number.isFinite(updated) ? null : 'odd';
    },
  },
  {
    name: 'limits: numbers, or unknown',
    samples: [
      {
        own: { invocationsPerMinute: 60, minActionMemory: 128, maxActionMemory: 512 },
        info: { limits: { concurrent_actions: 30, max_action_duration: 300_000 } },
      },
    ],
    finding: (sample) => {
      const { own = null, info = null } = sample as Fields;
      const { callsPerMinute, callsAtOnce, memoryMiB, timeoutMs } = limitsOf(own, info);
      const ranges = [memoryMiB, timeoutMs].flatMap((range) => Object.values(range ?? {}));
      return [callsPerMinute, callsAtOnce, ...ranges].every(isFiniteOrUnknown) ? null : 'odd';
    },
  },
  {
    name: 'a line of a log: a line',
    samples: [{ raw: '2026-08-01T10:00:00.123Z stderr: text' }, { raw: '2026-08-01T10:00:00Z x' }],
    finding: (sample) => {
      const { at, text } = logLine(word((sample as Fields)['raw']), 7);
      return Number.isFinite(at) && isText(text) ? null : 'odd';
    },
  },
];

describe('what OpenWhisk says, however strange, is understood or refused, and never a crash', () => {
  test.each(functionObservers)('$name', ({ samples, finding }) => {
    const random = seeded(20_261_129);
    const wrong: string[] = [];
    for (let round = 0; round < 3000; round++) {
      const sample = samples[round % samples.length];
      const said = round < samples.length ? sample : mutated(sample, random, false);
      const found = attempt(() => finding(said));
      if (found !== null) wrong.push(`${found}: ${JSON.stringify(said)}`);
    }
    expect(wrong.slice(0, 3)).toEqual([]);
  });
});

function attempt(find: () => string | null): string | null {
  try {
    return find();
  } catch (error) {
    return `it threw ${String(error)}`;
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isFiniteOrUnknown(value: unknown): boolean {
  return value === null || typeof value === 'boolean' || Number.isFinite(value);
}

const phases = ['PENDING', 'PREPARING', 'PULLING', 'LOADING', 'READY', 'RUNNING', 'ENDED'].concat([
  ...['FAILED', 'STOPPED', 'UNKNOWN'],
]);

/** What is wrong with the answer; null when nothing is. */
function findingOf(observe: () => ReturnType<Observer['observe']>): string | null {
  try {
    return observe().map(wrongIn).find(Boolean) ?? null;
  } catch (error) {
    return `it threw ${String(error)}`;
  }
}

function wrongIn(status: JobStatus | ServiceStatus): string | null {
  if (!phases.includes(status.phase)) return `phase ${status.phase}`;
  if (typeof status.native !== 'string') return 'no native text';
  if (status.waiting !== null && !/\w/.test(status.waiting.message)) return 'waiting, no message';
  if (!('exit' in status)) return null;
  if ((status.exit !== null) !== (status.phase === 'ENDED')) return 'an exit and no end';
  const times = [status.startedAt, status.endedAt];
  return times.every((time) => time === null || Number.isFinite(time)) ? null : 'no time';
}

function judged(
  files: Pick<slurm.JobFacts, 'started' | 'exit' | 'cancel'>,
  jobs: readonly NonNullable<slurm.JobFacts['native']>[],
): readonly JobStatus[] {
  return [null, ...jobs].flatMap((native) => {
    const facts = { ...files, native, accounting: null, scriptOutput: '', beatAgeMs: null };
    const judgement = slurm.judge({ ...facts, overForMs: 60_000, visibilityMs: 30_000 });
    return judgement.kind === 'STATUS' ? [judgement.status] : [];
  });
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

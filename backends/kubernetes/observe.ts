import { constants } from 'node:os';
import type { CoreV1Event, V1ContainerStateTerminated, V1Job, V1Pod } from './native.ts';
import type { JobExit, JobStatus } from '../contract/job-runner.ts';
import { annotations } from './names.ts';
import type { Waiting } from './reasons.ts';
import { waitingOfPod, waitingWithoutPod } from './reasons.ts';
import { timeOf } from './times.ts';

/** Everything that the cluster says of a job. */
export interface JobFacts {
  readonly job: V1Job;
  /** Of this Job, newest first. */
  readonly pods: readonly V1Pod[];
  /** Of the newest pod, or of the Job when it has none; empty when nobody asked. */
  readonly events: readonly CoreV1Event[];
  /** What a queue (Kueue) says of a suspended Job. */
  readonly queue: Waiting | null;
}

/**
 * Total: whatever is said, there is a status. Only the Job itself says that it is over, and cancel is written into the Job
 * under a check of its version: so there is one end, whoever looks and whenever.
 */
export function observeJob(facts: JobFacts): JobStatus {
  const { job, pods } = facts;
  const cancelled = cancelMark(job);
  if (cancelled !== null) return cancelledStatus(cancelled, pods);
  const [pod] = pods;
  const terminated = mainState(pod)?.terminated;
  const failed = condition(job, 'Failed');
  if (failed !== null) {
    const exit = exitOf(failed, pod, terminated);
    return ended(exit, `Failed: ${failed.reason ?? ''}`, pod, job);
  }
  if (condition(job, 'Complete') !== null) {
    const exit: JobExit = {
      cause: 'EXITED',
      code: 0,
      signal: null,
      message: 'It ended with exit code 0.',
    };
    return ended(exit, 'Complete', pod, job);
  }
  return alive(facts, pod);
}

/** What cancel wrote into the Job; null when it was not cancelled. */
export function cancelMark(
  job: V1Job,
): { readonly at: number; readonly startedAt: number | null } | null {
  const text = job.metadata?.annotations?.[annotations.cancelled];
  if (text === undefined) return null;
  try {
    const { at, startedAt } = JSON.parse(text) as { at?: unknown; startedAt?: unknown };
    return {
      at: typeof at === 'number' ? at : 0,
      startedAt: typeof startedAt === 'number' ? startedAt : null,
    };
  } catch {
    return { at: 0, startedAt: null };
  }
}

export function isOver(job: V1Job): boolean {
  return ['Failed', 'Complete', 'FailureTarget', 'SuccessCriteriaMet'].some(
    (type) => condition(job, type) !== null,
  );
}

export function startOf(pod: V1Pod | undefined): number | null {
  const state = mainState(pod);
  return timeOf(state?.running?.startedAt ?? state?.terminated?.startedAt);
}

/** Whether something of it may still run. */
export function isAlive(pod: V1Pod): boolean {
  const phase = pod.status?.phase;
  return phase !== 'Succeeded' && phase !== 'Failed';
}

/** Of a container that ended. The code of one that was killed by a signal is 128 and more, on every runtime. */
export function endOf(terminated: V1ContainerStateTerminated): JobExit {
  const { exitCode, reason, message } = terminated;
  const printed = (message ?? '') === '' ? '' : ` Its last lines:\n${message?.trimEnd()}`;
  if (reason === 'StartError' || reason === 'ContainerCannotRun') {
    const text = `The program could not be started: ${message ?? reason}.`;
    return { cause: 'NOT_STARTED', code: null, signal: null, message: text };
  }
  if (reason === 'OOMKilled') {
    const text = `It used more memory than it asked for.${printed}`;
    return { cause: 'OUT_OF_MEMORY', code: null, signal: 'SIGKILL', message: text };
  }
  const signal = signalOf(exitCode);
  if (signal !== null) {
    const text = `It was ended by ${signal}, which did not come from here.${printed}`;
    return { cause: 'SIGNALLED', code: null, signal, message: text };
  }
  const text = `It ended with exit code ${exitCode}.${exitCode === 0 ? '' : printed}`;
  return { cause: 'EXITED', code: exitCode, signal: null, message: text };
}

function alive(facts: JobFacts, pod: V1Pod | undefined): JobStatus {
  const { job, events, queue } = facts;
  const common = { exit: null, startedAt: startOf(pod), endedAt: null };
  if (job.metadata?.deletionTimestamp !== undefined) {
    return { ...common, phase: 'UNKNOWN', native: 'being deleted', waiting: null };
  }
  if (pod === undefined) {
    if (job.spec?.suspend === true) {
      const message = 'It is suspended, by a queue or by somebody.';
      const held = queue ?? { code: 'HELD' as const, message, raw: 'spec.suspend: true' };
      return { ...common, phase: 'PENDING', native: 'Suspended', waiting: held };
    }
    const waiting = waitingWithoutPod(events);
    return { ...common, phase: 'PENDING', native: 'no pod yet', waiting };
  }
  const state = mainState(pod);
  const phase = pod.status?.phase ?? 'Pending';
  if (state?.running !== undefined) {
    return { ...common, phase: 'RUNNING', native: phase, waiting: null };
  }
  if (state?.terminated !== undefined || phase === 'Succeeded' || phase === 'Failed') {
    // The Job will say so itself in a moment, and until then it may still be cancelled.
    const native = `${phase}: ${pod.status?.reason ?? state?.terminated?.reason ?? ''}`;
    return { ...common, phase: 'RUNNING', native, waiting: null };
  }
  if (phase !== 'Pending' && phase !== 'Running') {
    return { ...common, phase: 'UNKNOWN', native: phase, waiting: null };
  }
  const isPlaced = pod.spec?.nodeName !== undefined;
  const waiting = waitingOfPod(pod, events);
  const native = state?.waiting?.reason ?? phase;
  return { ...common, phase: isPlaced ? 'PREPARING' : 'PENDING', native, waiting };
}

function cancelledStatus(
  { at, startedAt }: { readonly at: number; readonly startedAt: number | null },
  pods: readonly V1Pod[],
): JobStatus {
  if (pods.some(isAlive)) {
    const common = { native: 'being cancelled', waiting: null, exit: null, endedAt: null };
    return { ...common, phase: 'RUNNING', startedAt };
  }
  const message = `It was cancelled ${startedAt === null ? 'before it started' : 'while it ran'}.`;
  return {
    phase: 'ENDED',
    native: 'cancelled',
    waiting: null,
    exit: { cause: 'CANCELLED', code: null, signal: null, message },
    startedAt,
    endedAt: at,
  };
}

function exitOf(
  failed: { readonly reason?: string; readonly message?: string },
  pod: V1Pod | undefined,
  terminated: V1ContainerStateTerminated | undefined,
): JobExit {
  const none = { code: null, signal: null };
  const said = [failed.reason, failed.message].filter(Boolean).join(': ');
  const printed =
    (terminated?.message ?? '') === '' ? '' : ` Its last lines:\n${terminated?.message}`;
  if (pod?.status?.reason === 'DeadlineExceeded') {
    return { ...none, cause: 'TIME_LIMIT', message: `It exceeded its time limit.${printed}` };
  }
  if (failed.reason === 'DeadlineExceeded') {
    const message = `It waited and ran longer than the cluster was told to let it (${said}).`;
    return { ...none, cause: 'TIME_LIMIT', message };
  }
  const disrupted = pod?.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  if (disrupted !== undefined || pod?.status?.reason === 'Evicted') {
    const why = disrupted?.message ?? pod?.status?.message ?? disrupted?.reason ?? said;
    const message = `The cluster took it off its node: ${why}`;
    return { ...none, cause: 'UNKNOWN', message };
  }
  if (terminated !== undefined) return endOf(terminated);
  if (pod !== undefined) {
    const why = [pod.status?.reason, pod.status?.message].filter(Boolean).join(': ') || said;
    return { ...none, cause: 'NOT_STARTED', message: `No program was started: ${why}` };
  }
  const message = `The cluster says that it failed, and its pod is gone (${said}).`;
  return { ...none, cause: 'UNKNOWN', message };
}

function ended(exit: JobExit, native: string, pod: V1Pod | undefined, job: V1Job): JobStatus {
  const terminated = mainState(pod)?.terminated;
  const startedAt = exit.cause === 'NOT_STARTED' ? null : startOf(pod);
  const over = condition(job, 'Failed') ?? condition(job, 'Complete');
  const endedAt =
    timeOf(terminated?.finishedAt) ??
    timeOf(job.status?.completionTime) ??
    timeOf(over?.lastTransitionTime);
  return { phase: 'ENDED', native, waiting: null, exit, startedAt, endedAt };
}

function mainState(pod: V1Pod | undefined) {
  return pod?.status?.containerStatuses?.find(({ name }) => name === 'main')?.state;
}

/** Conditions stay in the list when they are over: only `True` counts. */
function condition(job: V1Job, type: string) {
  return job.status?.conditions?.find((one) => one.type === type && one.status === 'True') ?? null;
}

function signalOf(exitCode: number): string | null {
  if (exitCode <= 128) return null;
  const found = Object.entries(constants.signals).find(([, value]) => value === exitCode - 128);
  return found?.[0] ?? null;
}

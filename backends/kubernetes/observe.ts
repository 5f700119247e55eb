import { constants } from 'node:os';
import type { CoreV1Event, V1ContainerStateTerminated, V1Job, V1Pod } from './native.ts';
import type { JobExit, JobStatus } from '../contract/job-runner.ts';
import { rankOf } from './gang.ts';
import { annotations } from './names.ts';
import type { Waiting } from './reasons.ts';
import { isOutOfSight, waitingOfPod, waitingWithoutPod } from './reasons.ts';
import { isServerOutOfMemory } from './stock.ts';
import { timeOf } from './times.ts';

/** Everything that the cluster says of a job. */
export interface JobFacts {
  readonly job: V1Job;
  /** Of this Job, newest first. */
  readonly pods: readonly V1Pod[];
  /** Of the pod that is furthest from running, or of the Job when there is none; empty when nobody asked. */
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
  const failed = condition(job, 'Failed');
  if (failed !== null) {
    const pod = firstToFail(pods);
    const told = exitOf(failed, pod, mainState(pod)?.terminated);
    const isOne = (job.spec?.completions ?? 1) === 1;
    const exit =
      isOne || pod === undefined
        ? told
        : { ...told, message: `Node ${rankOf(pod)}: ${told.message}` };
    return ended(exit, `Failed: ${failed.reason ?? ''}`, pods, job);
  }
  if (condition(job, 'Complete') !== null) {
    const exit: JobExit = {
      cause: 'EXITED',
      code: 0,
      signal: null,
      message: 'It ended with exit code 0.',
    };
    return ended(exit, 'Complete', pods, job);
  }
  return alive(facts);
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

/** When the first of its programs started; null when none did. */
export function firstStart(pods: readonly V1Pod[]): number | null {
  const starts = pods.flatMap((pod) => startOf(pod) ?? []);
  return starts.length === 0 ? null : Math.min(...starts);
}

/** Of those whose program did not start yet, the one that is furthest from it; undefined when all did. */
export function lastToRun(pods: readonly V1Pod[]): V1Pod | undefined {
  const waiting = pods.filter((pod) => !hasBegun(pod));
  return waiting.find(({ spec }) => spec?.nodeName === undefined) ?? waiting[0];
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
  if (reason === 'ContainerStatusUnknown') {
    const text = `Its node was started again and knows nothing of it (${message ?? reason}).`;
    return { cause: 'UNKNOWN', code: null, signal: null, message: text };
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

/** RUNNING when every program of it started: one alone waits for the others. */
function alive({ job, pods, events, queue }: JobFacts): JobStatus {
  const common = { exit: null, startedAt: firstStart(pods), endedAt: null };
  if (job.metadata?.deletionTimestamp !== undefined) {
    return { ...common, phase: 'UNKNOWN', native: 'being deleted', waiting: null };
  }
  const [newest] = pods;
  if (isOver(job)) {
    return { ...common, phase: 'RUNNING', native: 'ending', waiting: null };
  }
  if (newest === undefined) {
    if (job.spec?.suspend === true) {
      const message = 'It is suspended, by a queue or by somebody.';
      const held = queue ?? { code: 'HELD' as const, message, raw: 'spec.suspend: true' };
      return { ...common, phase: 'PENDING', native: 'Suspended', waiting: held };
    }
    const waiting = waitingWithoutPod(events);
    return { ...common, phase: 'PENDING', native: 'no pod yet', waiting };
  }
  const pod = lastToRun(pods) ?? newest;
  const state = mainState(pod);
  const phase = pod.status?.phase ?? 'Pending';
  const isIncomplete = pods.length < (job.spec?.parallelism ?? 1);
  if (isIncomplete && pods.every((one) => mainState(one)?.running !== undefined)) {
    const native = `${pods.length} of ${job.spec?.parallelism ?? 1} pods`;
    return { ...common, phase: 'PENDING', native, waiting: waitingWithoutPod(events) };
  }
  if (state?.running !== undefined) {
    return { ...common, phase: 'RUNNING', native: `${phase}${troubleOf(pod)}`, waiting: null };
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

/** Behind the phase of a pod that runs, for people: the node may be gone, and the program with it. */
function troubleOf(pod: V1Pod): string {
  const disrupted = disruption(pod);
  if (disrupted !== undefined) return `: ${disrupted.message ?? disrupted.reason ?? 'disrupted'}`;
  return isOutOfSight(pod) ? ': its node is out of sight' : '';
}

function disruption({ status }: V1Pod) {
  return status?.conditions?.find(
    (one) => one.type === 'DisruptionTarget' && one.status === 'True',
  );
}

function hasBegun(pod: V1Pod): boolean {
  const state = mainState(pod);
  return state?.running !== undefined || state?.terminated !== undefined || !isAlive(pod);
}

function startOf(pod: V1Pod): number | null {
  const state = mainState(pod);
  return timeOf(state?.running?.startedAt ?? state?.terminated?.startedAt);
}

/** The others are ended because of it. */
function firstToFail(pods: readonly V1Pod[]): V1Pod | undefined {
  const failed = pods.filter(({ status }) => status?.phase === 'Failed');
  const end = (pod: V1Pod): number => endedAtOf(pod) ?? Infinity;
  const byTime = failed.toSorted((a, b) => end(a) - end(b));
  return (
    byTime.find(({ metadata }) => metadata?.deletionTimestamp === undefined) ?? byTime[0] ?? pods[0]
  );
}

function endedAtOf(pod: V1Pod): number | null {
  return timeOf(mainState(pod)?.terminated?.finishedAt);
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
    // It ended by itself, and what it left took longer than that to come back.
    if (terminated !== undefined && endedInTime(pod, terminated)) return endOf(terminated);
    return { ...none, cause: 'TIME_LIMIT', message: `It exceeded its time limit.${printed}` };
  }
  if (failed.reason === 'DeadlineExceeded') {
    const message = `It waited and ran longer than the cluster was told to let it (${said}).`;
    return { ...none, cause: 'TIME_LIMIT', message };
  }
  const disrupted = pod === undefined ? undefined : disruption(pod);
  if (disrupted !== undefined || pod?.status?.reason === 'Evicted') {
    const why = disrupted?.message ?? pod?.status?.message ?? disrupted?.reason ?? said;
    const message = `The cluster took it off its node: ${why}`;
    return { ...none, cause: 'UNKNOWN', message };
  }
  if (isServerOutOfMemory(pod)) {
    const text = `It used more memory than it asked for.${printed}`;
    return { cause: 'OUT_OF_MEMORY', code: null, signal: 'SIGKILL', message: text };
  }
  if (terminated !== undefined) return endOf(terminated);
  const unready = pod?.status?.initContainerStatuses?.find(
    ({ state }) => (state?.terminated?.exitCode ?? 0) !== 0,
  );
  if (unready !== undefined) {
    const why = (
      unready.state?.terminated?.message ??
      unready.state?.terminated?.reason ??
      ''
    ).trim();
    const message = `No program was started, since its files could not be brought: ${why}`;
    return { ...none, cause: 'NOT_STARTED', message };
  }
  if (pod !== undefined) {
    const why = [pod.status?.reason, pod.status?.message].filter(Boolean).join(': ') || said;
    return { ...none, cause: 'NOT_STARTED', message: `No program was started: ${why}` };
  }
  const message = `The cluster says that it failed, and its pod is gone (${said}).`;
  return { ...none, cause: 'UNKNOWN', message };
}

function endedInTime(pod: V1Pod, terminated: V1ContainerStateTerminated): boolean {
  const placed = timeOf(pod.status?.startTime);
  const over = timeOf(terminated.finishedAt);
  const { activeDeadlineSeconds: limit } = pod.spec ?? {};
  if (placed === null || over === null || limit === undefined) return false;
  return over < placed + limit * 1000;
}

function ended(exit: JobExit, native: string, pods: readonly V1Pod[], job: V1Job): JobStatus {
  const startedAt = exit.cause === 'NOT_STARTED' ? null : firstStart(pods);
  const over = condition(job, 'Failed') ?? condition(job, 'Complete');
  const ends = pods.flatMap((pod) => endedAtOf(pod) ?? []);
  const endedAt =
    (ends.length === 0 ? null : Math.max(...ends)) ??
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

import { constants } from 'node:os';
import type { JobExit, JobStatus } from '../contract/job-runner.ts';
import { returnTaskName } from './delivery-tasks.ts';
import { meta } from './names.ts';
import type {
  NativeAllocation,
  NativeEvaluation,
  NativeEvent,
  NativeJob,
  NativeTaskState,
} from './native.ts';
import { eventText, outOfSight, waitingInPlace, waitingWithoutPlace } from './reasons.ts';
import { serverTaskName } from './stock.ts';
import { timeOf, timeOfNanoseconds } from './times.ts';
import { taskName } from './translate.ts';

export interface JobFacts {
  readonly job: NativeJob;
  /** Of this job; any order. */
  readonly allocations: readonly NativeAllocation[];
  /** Only looked at when there is no allocation. */
  readonly evaluations: readonly NativeEvaluation[];
}

/**
 * Total: whatever Nomad says, there is a status. The first allocation is the job: others are Nomad's attempts to start it
 * again elsewhere, which nobody asked for (see `isToBeStopped`). What killed a program is told by its events, not by the
 * job's status, which is `dead` for everything.
 */
export function observeJob(facts: JobFacts): JobStatus {
  const { job } = facts;
  const allocation = firstOf(facts.allocations);
  if (allocation === null) return withoutAllocation(facts);
  const main = allocation.TaskStates?.[taskName];
  const native = nativeText(job, allocation, main);
  const common = { native, waiting: null, exit: null, startedAt: startOf(main), endedAt: null };
  const isStopping = job.Stop === true || allocation.DesiredStatus === 'stop';
  switch (allocation.ClientStatus) {
    case 'pending':
      // So it is called as well between the end of the program and the start of what brings back its files.
      if (common.startedAt !== null) {
        return { ...common, phase: 'RUNNING', native: `${native}, returning` };
      }
      if (isStopping) return { ...common, phase: 'PREPARING', waiting: ending };
      return { ...common, phase: 'PREPARING', waiting: waitingInPlace(allocation, taskName) };
    case 'running': {
      const isBefore = main === undefined || main.State === 'pending';
      // A task that returns what it made may still be at work.
      if (!isBefore) return { ...common, phase: 'RUNNING' };
      return { ...common, phase: 'PREPARING', waiting: waitingInPlace(allocation, taskName) };
    }
    case 'unknown':
      return {
        ...common,
        phase: common.startedAt === null ? 'UNKNOWN' : 'RUNNING',
        native: `${native}. ${outOfSight}`,
      };
    case 'complete':
    case 'failed':
      // The status is said before what comes after the end is done.
      if (isReturning(allocation))
        return { ...common, phase: 'RUNNING', native: `${native}, returning` };
      return ended(job, allocation);
    case 'lost':
      return ended(job, allocation);
    default:
      return { ...common, phase: 'UNKNOWN' };
  }
}

/** Nomad would start it again, or goes on with it although it is over: nobody asked for that. */
export function isToBeStopped(facts: JobFacts, status: JobStatus): boolean {
  const first = firstOf(facts.allocations);
  if (status.phase !== 'ENDED' || facts.job.Stop === true || first === null) return false;
  return (
    first.ClientStatus === 'lost' || first.DesiredStatus === 'evict' || facts.allocations.length > 1
  );
}

/** Whether it has run longer than it may, by so much that Nomad itself does not keep the limit. */
export function isOverTime(
  { job, allocations }: JobFacts,
  status: JobStatus,
  now: number,
): boolean {
  const limit = timeLimitOf(job);
  const native = job.TaskGroups?.[0]?.MaxRunDuration ?? null;
  if (status.phase !== 'RUNNING' || status.startedAt === null || limit === null) return false;
  const first = firstOf(allocations);
  if (first?.ClientStatus !== 'running' || job.Stop === true) return false;
  // What is being brought back is over already.
  if (first.TaskStates?.[taskName]?.State === 'dead') return false;
  // Where more than the program counts, Nomad's is longer.
  const isLimitKept = native !== null && native / 1e6 <= limit;
  return now - status.startedAt > limit + (isLimitKept ? patienceMs : 0);
}

export function firstOf(allocations: readonly NativeAllocation[]): NativeAllocation | null {
  return allocations.toSorted((a, b) => (a.CreateIndex ?? 0) - (b.CreateIndex ?? 0))[0] ?? null;
}

export function startOf(state: NativeTaskState | undefined): number | null {
  return timeOf(state?.StartedAt);
}

/** How a program ended by itself; null when it did not start. `isContainer`: signals are told as codes then. */
export function endOf(
  state: NativeTaskState | undefined,
  isContainer: boolean,
): Pick<JobExit, 'cause' | 'code' | 'signal' | 'message'> | null {
  const event = state?.Events?.findLast(({ Type }) => Type === 'Terminated');
  if (event === undefined) return null;
  const code = numberIn(event, 'exit_code');
  const number = numberIn(event, 'signal') || (isContainer ? signalIn(code) : 0);
  if (event.Details?.['oom_killed'] === 'true') {
    const message = 'It used more memory than it asked for.';
    return { cause: 'OUT_OF_MEMORY', code: null, signal: signalName(number), message };
  }
  if (number > 0) {
    const signal = signalName(number);
    const message = `It was ended by ${signal ?? 'a signal'}, which did not come from here.`;
    return { cause: 'SIGNALLED', code: null, signal, message };
  }
  return { cause: 'EXITED', code, signal: null, message: `It ended with exit code ${code}.` };
}

/** A server takes a moment to notice; who looks more closely would end jobs that are about to be ended. */
const patienceMs = 10_000;

const ending = {
  code: 'STARTING',
  message: 'It is being ended before it started.',
  raw: null,
} as const;

function withoutAllocation({ job, evaluations }: JobFacts): JobStatus {
  const times = { startedAt: null, endedAt: null };
  // Until it is dead an evaluation from before may still place it.
  if (job.Stop === true && job.Status === 'dead') {
    const exit = end('CANCELLED', 'It was cancelled before it started.');
    return { phase: 'ENDED', native: 'dead, never placed', waiting: null, exit, ...times };
  }
  const native = `${job.Status ?? 'unknown'}, not placed`;
  if (job.Status === undefined || !['pending', 'running', 'dead'].includes(job.Status)) {
    return { phase: 'UNKNOWN', native, waiting: null, exit: null, ...times };
  }
  return {
    phase: 'PENDING',
    native,
    waiting: job.Stop === true ? ending : waitingWithoutPlace(evaluations),
    exit: null,
    ...times,
  };
}

function ended(job: NativeJob, allocation: NativeAllocation): JobStatus {
  const main = allocation.TaskStates?.[taskName];
  // What is wanted of it may still change, and nothing of its end.
  const native = statesText(allocation, main);
  const startedAt = startOf(main);
  const endedAt = timeOf(main?.FinishedAt);
  const exit = exitOf(job, allocation, main);
  return { phase: 'ENDED', native, waiting: null, exit, startedAt, endedAt };
}

function exitOf(
  job: NativeJob,
  allocation: NativeAllocation,
  main: NativeTaskState | undefined,
): JobExit {
  const isContainer = driverOf(job) === 'docker';
  const own = endOf(main, isContainer);
  const code = own?.code ?? null;
  const signal = own?.signal ?? null;
  const description = allocation.ClientDescription ?? '';
  if (/max_run_duration/.test(description) || wasKilledLate(job, main)) {
    return { cause: 'TIME_LIMIT', code: null, signal, message: 'It exceeded its time limit.' };
  }
  if (allocation.ClientStatus === 'lost') {
    const said = [description, allocation.DesiredDescription].filter(Boolean).join(', ');
    return end(
      'UNKNOWN',
      `Its node was lost while it ran, and it may go on there (${said || 'lost'}).`,
    );
  }
  const wasKilled = main?.Events?.some(({ Type }) => Type === 'Killing' || Type === 'Killed');
  const sibling = siblingFailure(allocation);
  // What brings the files back starts after the end, and causes none.
  const unreturned = failureOf(allocation, returnTaskName);
  if (sibling !== null && unreturned === null && startOf(main) === null) {
    return end('NOT_STARTED', `It did not start: ${sibling}`);
  }
  const server = endOf(allocation.TaskStates?.[serverTaskName], isContainer);
  const isGood = own?.cause === 'EXITED' && own.code === 0;
  if (server?.cause === 'OUT_OF_MEMORY' && !isGood) return server;
  if (allocation.DesiredStatus === 'evict') {
    return end(
      'UNKNOWN',
      `Others took its place (${allocation.DesiredDescription ?? 'preempted'}).`,
    );
  }
  if (sibling !== null && unreturned === null && wasKilled === true) {
    return end('UNKNOWN', `It was ended because of another task: ${sibling}`);
  }
  const wasStopped = job.Stop === true || allocation.DesiredStatus === 'stop';
  if (wasKilled === true && own?.cause !== 'OUT_OF_MEMORY') {
    const message = wasStopped
      ? 'It was cancelled while it ran.'
      : 'Somebody stopped its allocation.';
    const more =
      unreturned === null ? '' : ` What it left could not be brought back: ${unreturned}`;
    return { cause: 'CANCELLED', code, signal, message: message + more };
  }
  if (isGood && sibling !== null && !isServerFailure(allocation)) {
    return end('UNKNOWN', `It ended well, and what it left could not be brought back: ${sibling}`);
  }
  if (own !== null) return own;
  if (wasStopped && startOf(main) === null) {
    return end('CANCELLED', 'It was cancelled before it started.');
  }
  if (startOf(main) === null)
    return end('NOT_STARTED', `It did not start: ${whyNot(main, description)}`);
  return end('UNKNOWN', `Its end left no record: ${whyNot(main, description)}`);
}

/** Ended by us because Nomad itself keeps no limit of time. */
function wasKilledLate(job: NativeJob, main: NativeTaskState | undefined): boolean {
  const limit = timeLimitOf(job);
  const killing = main?.Events?.find(({ Type }) => Type === 'Killing');
  const at = timeOfNanoseconds(killing?.Time);
  const startedAt = startOf(main);
  return limit !== null && at !== null && startedAt !== null && at - startedAt >= limit;
}

function timeLimitOf({ Meta }: NativeJob): number | null {
  const limit = Number(Meta?.[meta.timeLimit]);
  return Number.isFinite(limit) && limit > 0 ? limit : null;
}

/** What it left is being brought back. */
function isReturning({ TaskStates }: NativeAllocation): boolean {
  const state = TaskStates?.[returnTaskName]?.State;
  return state !== undefined && state !== 'dead';
}

function siblingFailure({ TaskStates }: NativeAllocation): string | null {
  const failed = Object.entries(TaskStates ?? {}).find(
    ([name, state]) => name !== taskName && state.Failed === true,
  );
  return failed === undefined ? null : failureText(...failed);
}

function failureOf({ TaskStates }: NativeAllocation, name: string): string | null {
  const state = TaskStates?.[name];
  return state?.Failed === true ? failureText(name, state) : null;
}

function failureText(name: string, { Events }: NativeTaskState): string {
  const event = Events?.findLast(({ Type }) => Type === 'Terminated' || isFailure(Type));
  return `${name} failed${event === undefined ? '' : ` (${eventText(event)})`}`;
}

/** The server of a training that went well is ended, and how is no matter. */
function isServerFailure({ TaskStates }: NativeAllocation): boolean {
  const failed = Object.entries(TaskStates ?? {}).filter(
    ([name, state]) => name !== taskName && state.Failed === true,
  );
  return failed.every(([name]) => name === serverTaskName);
}

/** The events that say why a program never ran, in their own words. */
function whyNot(main: NativeTaskState | undefined, description: string): string {
  const reasons = (main?.Events ?? []).filter(({ Type }) => isFailure(Type)).map(eventText);
  return reasons.length > 0 ? reasons.join('; ') : description || 'Nomad gives no reason.';
}

function isFailure(type: string | undefined): boolean {
  return /fail/i.test(type ?? '') || type === 'Disk Resources Exceeded' || type === 'Template';
}

function driverOf(job: NativeJob): string | null {
  const tasks = job.TaskGroups?.[0]?.Tasks ?? [];
  return tasks.find(({ Name }) => Name === taskName)?.Driver ?? null;
}

function end(cause: JobExit['cause'], message: string): JobExit {
  return { cause, code: null, signal: null, message };
}

function nativeText(
  job: NativeJob,
  allocation: NativeAllocation,
  main: NativeTaskState | undefined,
): string {
  const states = statesText(allocation, main);
  if (allocation.DesiredStatus === 'run' && job.Stop !== true) return states;
  return `${states}, ${job.Stop === true ? 'stop' : (allocation.DesiredStatus ?? 'nothing')} wanted`;
}

function statesText({ ClientStatus }: NativeAllocation, main: NativeTaskState | undefined): string {
  return `${ClientStatus ?? 'unknown'}${main?.State === undefined ? '' : ` (${main.State})`}`;
}

function numberIn({ Details }: NativeEvent, name: string): number {
  const value = Number(Details?.[name]);
  return Number.isFinite(value) ? value : 0;
}

/** Container engines tell signal N as exit code 128 + N. */
function signalIn(code: number): number {
  return code > 128 && code <= 128 + 64 ? code - 128 : 0;
}

function signalName(number: number): string | null {
  if (number <= 0) return null;
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}

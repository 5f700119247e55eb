import { constants } from 'node:os';
import type { JobExit, JobStatus } from '../contract/job-runner.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { NativeJob } from './native.ts';
import { waitingOf } from './reasons.ts';

/** Everything that is known of a job: its files (null: not there) and what Slurm says (null: it knows no such job). */
export interface JobFacts {
  readonly started: unknown;
  readonly exit: unknown;
  readonly cancel: unknown;
  readonly native: NativeJob | null;
  readonly accounting: AccountingFacts;
  /** The last words of the batch script itself, which says nothing when all is well. */
  readonly scriptOutput: string;
  /** Since the supervisor last touched `beat`; null without one. */
  readonly beatAgeMs: number | null;
  /** For how long Slurm has been saying that it is over; files of a node may become visible later. */
  readonly overForMs: number;
  readonly visibilityMs: number;
}

/** What the accounting says of a job that Slurm does not know, and that it knows no end of; null: nobody was asked. */
export type AccountingFacts = {
  /** The state that it has there; null when it is not known there either. */
  readonly alive: string | null;
  /** For so long the accounting may lag behind, counted like `overForMs`. */
  readonly lagMs: number;
} | null;

export type Judgement =
  | { readonly kind: 'STATUS'; readonly status: JobStatus }
  | { readonly kind: 'VANISHED'; readonly evidence: string };

const beatLimitMs = 60_000;

/** What the files alone prove; null when Slurm must be asked. */
export function provenEnd(exit: unknown): JobStatus | null {
  const stop = textIn(exit, 'stop');
  const common = { startedAt: numberIn(exit, 'startedAt'), endedAt: numberIn(exit, 'endedAt') };
  const cause = textIn(exit, 'cause');
  const lines = linesIn(exit);
  if (cause === 'NOT_STARTED' || cause === 'CANCELLED') {
    const message = lines.join('\n') || 'It did not start.';
    return endedStatus({ cause, code: null, signal: null, message }, 'no program ran', common);
  }
  const code = numberIn(exit, 'code');
  const end = { code, signal: signalName(numberIn(exit, 'signal')) };
  if (stop === 'TIME_LIMIT') {
    const message = `It exceeded its time limit.${printed(lines)}`;
    return endedStatus(
      { ...end, cause: 'TIME_LIMIT', message },
      'stopped at its time limit',
      common,
    );
  }
  if (stop === 'CANCELLED') {
    const message = 'It was cancelled while it ran.';
    return endedStatus({ ...end, cause: 'CANCELLED', message }, 'cancelled', common);
  }
  if (cause !== 'ENDED' || stop !== null || code === null) return null;
  const message = `It ended with exit code ${code}.${code === 0 ? '' : printed(lines)}`;
  return endedStatus({ cause: 'EXITED', code, signal: null, message }, `exit code ${code}`, common);
}

/** Total: whatever files and Slurm say, there is a judgement. No success unless the program was seen to start. */
export function judge(facts: JobFacts): Judgement {
  const proven = provenEnd(facts.exit);
  if (proven !== null) return { kind: 'STATUS', status: proven };
  const { native } = facts;
  if (native === null) return forgotten(facts);
  const status = isEndState(native) ? over(facts, native) : alive(facts, native);
  return { kind: 'STATUS', status };
}

const endStates: ReadonlySet<string> = new Set([
  'COMPLETED',
  'CANCELLED',
  'FAILED',
  'TIMEOUT',
  'NODE_FAIL',
  'PREEMPTED',
  'BOOT_FAIL',
  'DEADLINE',
  'OUT_OF_MEMORY',
  'LAUNCH_FAILED',
  'REVOKED',
  'RECONFIG_FAIL',
]);

const runningStates: ReadonlySet<string> = new Set([
  'RUNNING',
  'SUSPENDED',
  'STOPPED',
  'COMPLETING',
  'SIGNALING',
  'STAGE_OUT',
  'RESIZING',
  'STAGEOUT',
  ...endStates,
]);

const pendingStates: ReadonlySet<string> = new Set([
  'PENDING',
  'REQUEUED',
  'REQUEUE_HOLD',
  'REQUEUE_FED',
  'SPECIAL_EXIT',
  'RESV_DEL_HOLD',
]);

export function isEndState(native: NativeJob): boolean {
  if (native.superseded === true) return true;
  return endStates.has(native.state) && !native.completing;
}

/** `started`: with the time as `at`; null while the program is not known to run. */
export function alive(facts: Pick<JobFacts, 'started'>, native: NativeJob): JobStatus {
  const text = nativeText(native);
  const startedAt = numberIn(facts.started, 'at');
  const common = { native: text, waiting: null, exit: null, startedAt, endedAt: null };
  if (facts.started !== null) {
    // Requeued by somebody: it will not run twice, and how it ends is seen later.
    const phase = pendingStates.has(native.state) ? 'UNKNOWN' : 'RUNNING';
    return { ...common, phase };
  }
  if (pendingStates.has(native.state)) {
    return { ...common, phase: 'PENDING', waiting: waitingOf(native.reason) };
  }
  const isStarting = ['CONFIGURING', 'POWER_UP_NODE'].includes(native.state);
  if (!isStarting && !runningStates.has(native.state)) return { ...common, phase: 'UNKNOWN' };
  const message = 'Slurm gave it a node, and its program is being started.';
  const waiting = { code: 'STARTING', message, raw: native.reason || null } as const;
  return { ...common, phase: 'PREPARING', waiting };
}

function over(facts: JobFacts, native: NativeJob): JobStatus {
  const didStart = facts.started !== null;
  if (facts.exit === null && facts.overForMs < facts.visibilityMs && native.startedAt !== null) {
    return alive(facts, native);
  }
  const lines = linesIn(facts.exit);
  const end = facts.exit === null ? nativeEnd(facts, native) : recordedEnd(facts.exit);
  const exit = { ...end, ...nativeCause(facts, native, end) };
  const startedAt = numberIn(facts.exit, 'startedAt') ?? numberIn(facts.started, 'at');
  const endedAt = numberIn(facts.exit, 'endedAt') ?? native.endedAt;
  const message = exit.message + (exit.cause === 'CANCELLED' ? '' : printed(lines));
  const times = { startedAt: didStart ? startedAt : null, endedAt };
  return endedStatus({ ...exit, message }, nativeText(native), times);
}

type End = Pick<JobExit, 'code' | 'signal'>;

function recordedEnd(exit: unknown): End {
  return { code: numberIn(exit, 'code'), signal: signalName(numberIn(exit, 'signal')) };
}

const unknownEnd: End = { code: null, signal: null };

/** By which the supervisor says that it did not run the program, since another job did. */
const nothingDone = 75;

/**
 * Of a program that was seen to start and whose record is lost: the supervisor ends as its program did, and Slurm knows how
 * that was. Slurm's success alone, without that, is none; nor is a failure without a code (v0.0.38 tells none) code 0.
 */
function nativeEnd(facts: JobFacts, { state, exit, superseded }: NativeJob): End {
  if (facts.started === null || facts.cancel !== null || superseded === true) return unknownEnd;
  if (state === 'COMPLETED') return { code: 0, signal: null };
  if (state !== 'FAILED' || exit === null) return unknownEnd;
  if (exit.signal !== null) return { code: null, signal: signalName(exit.signal) };
  return exit.code === 0 || exit.code === nothingDone
    ? unknownEnd
    : { ...unknownEnd, code: exit.code };
}

/** Why a job is over, as far as Slurm knows. */
export function nativeCause(
  facts: Pick<JobFacts, 'started' | 'exit' | 'cancel' | 'scriptOutput'>,
  native: NativeJob,
  end: { readonly code: number | null; readonly signal: string | null },
): Pick<JobExit, 'cause' | 'message'> {
  const words = facts.scriptOutput.trim();
  const said = `Slurm says ${nativeText(native)}${words === '' ? '' : `, and its script: ${words}`}`;
  switch (native.state) {
    case 'CANCELLED':
    case 'REVOKED':
      return { cause: 'CANCELLED', message: 'It was cancelled.' };
    case 'TIMEOUT':
    case 'DEADLINE':
      return { cause: 'TIME_LIMIT', message: `It exceeded its time limit (${said}).` };
    case 'OUT_OF_MEMORY':
      return { cause: 'OUT_OF_MEMORY', message: 'It used more memory than it asked for.' };
    case 'NODE_FAIL':
      return { cause: 'UNKNOWN', message: `The node failed while it ran (${said}).` };
    case 'PREEMPTED':
      return { cause: 'UNKNOWN', message: `Others took its place (${said}).` };
    case 'REQUEUED':
      return { cause: 'UNKNOWN', message: `It was requeued, and does not run twice (${said}).` };
    default:
  }
  if (facts.exit !== null && facts.cancel !== null) {
    return { cause: 'CANCELLED', message: 'It was cancelled.' };
  }
  if (end.signal !== null) {
    const message = `It was ended by ${end.signal}, which did not come from here.`;
    return { cause: 'SIGNALLED', message };
  }
  if (end.code !== null) {
    return { cause: 'EXITED', message: `It ended with exit code ${end.code}.` };
  }
  return facts.started === null
    ? { cause: 'NOT_STARTED', message: `Its program never started; ${said}.` }
    : { cause: 'UNKNOWN', message: `Its program left no record of its end; ${said}.` };
}

/** Slurm remembers ended jobs for a while only, so this is no evidence of anything by itself. */
function forgotten(facts: JobFacts): Judgement {
  const startedAt = numberIn(facts.started, 'at');
  const running = { waiting: null, exit: null, startedAt, endedAt: null } as const;
  const isAwaited = facts.accounting !== null && facts.overForMs < facts.accounting.lagMs;
  if (facts.exit !== null && isAwaited && facts.cancel === null) {
    return { kind: 'STATUS', status: { ...running, phase: 'RUNNING', native: awaited } };
  }
  if (facts.exit !== null) {
    const signal = signalName(numberIn(facts.exit, 'signal'));
    const lines = linesIn(facts.exit);
    const wasCancelled = facts.cancel !== null;
    const wasStopped = textIn(facts.exit, 'stop') !== null;
    const how = wasStopped
      ? 'Slurm stopped it and no longer knows why.'
      : `It was ended by ${signal ?? 'something unknown'}; Slurm no longer knows more.`;
    const exit: JobExit = {
      cause: wasCancelled ? 'CANCELLED' : wasStopped || signal === null ? 'UNKNOWN' : 'SIGNALLED',
      code: numberIn(facts.exit, 'code'),
      signal,
      message: wasCancelled ? 'It was cancelled while it ran.' : how + printed(lines),
    };
    const endedAt = numberIn(facts.exit, 'endedAt');
    return {
      kind: 'STATUS',
      status: endedStatus(exit, 'forgotten by Slurm', { startedAt, endedAt }),
    };
  }
  if (facts.beatAgeMs !== null && facts.beatAgeMs < beatLimitMs) {
    const native = 'unknown to Slurm, but its supervisor is at work';
    return { kind: 'STATUS', status: { ...running, phase: 'RUNNING', native } };
  }
  if (facts.overForMs < facts.visibilityMs) {
    const phase = facts.started === null ? 'UNKNOWN' : 'RUNNING';
    return { kind: 'STATUS', status: { ...running, phase, native: 'unknown to Slurm' } };
  }
  if (facts.cancel !== null) {
    const exit = {
      cause: 'CANCELLED',
      code: null,
      signal: null,
      message: 'It was cancelled.',
    } as const;
    const times = { startedAt, endedAt: null };
    return { kind: 'STATUS', status: endedStatus(exit, 'forgotten by Slurm', times) };
  }
  if (isAwaited) {
    const phase = facts.started === null ? 'UNKNOWN' : 'RUNNING';
    return { kind: 'STATUS', status: { ...running, phase, native: awaited } };
  }
  const seen = facts.started === null ? 'its program was never seen to start' : 'it did start';
  const evidence = `${unknownTo(facts.accounting)}, ${seen}, and its folder holds no end.`;
  return { kind: 'VANISHED', evidence };
}

export const awaited = 'unknown to Slurm, and its accounting may lag behind';

export function unknownTo(accounting: AccountingFacts): string {
  if (accounting === null) return 'Slurm does not know the job and there is no accounting to ask';
  if (accounting.alive === null) return 'Slurm and its accounting do not know the job';
  return `Slurm does not know the job, which its accounting still calls ${accounting.alive}`;
}

export function endedStatus(
  exit: JobExit,
  native: string,
  times: Pick<JobStatus, 'startedAt' | 'endedAt'>,
): JobStatus {
  return { phase: 'ENDED', native, waiting: null, exit, ...times };
}

export function nativeText({ state, completing, reason }: NativeJob): string {
  const why = reason === '' || reason === 'None' ? '' : ` (${reason})`;
  return `${state}${completing && state !== 'COMPLETING' ? ' COMPLETING' : ''}${why}`;
}

function printed(lines: readonly string[]): string {
  return lines.length === 0 ? '' : ` Its last lines:\n${lines.join('\n')}`;
}

function signalName(number: number | null): string | null {
  if (number === null) return null;
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}

function linesIn(value: unknown): readonly string[] {
  const found = isJsonObject(value) ? value['lines'] : null;
  return Array.isArray(found) ? found.filter((line) => typeof line === 'string') : [];
}

function numberIn(value: unknown, name: string): number | null {
  const found = isJsonObject(value) ? value[name] : null;
  return typeof found === 'number' ? found : null;
}

function textIn(value: unknown, name: string): string | null {
  const found = isJsonObject(value) ? value[name] : null;
  return typeof found === 'string' ? found : null;
}

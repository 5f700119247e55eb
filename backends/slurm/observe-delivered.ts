import type { JobExit } from '../contract/job-runner.ts';
import type { NativeJob } from './native.ts';
import type { AccountingFacts, Judgement } from './observe.ts';
import { alive, awaited, endedStatus, isEndState } from './observe.ts';
import { nativeCause, nativeText, unknownTo } from './observe.ts';

/** What is known of a job whose launcher speaks to us: the end as it was told, and what Slurm says. */
export interface DeliveredFacts {
  /** As the launcher told it; null before. */
  readonly exit: JobExit | null;
  /** When the launcher was last heard of; null for never. */
  readonly heardAt: number | null;
  /** Since then. */
  readonly heardAgeMs: number | null;
  /** When the program was first seen to run; null for never. */
  readonly startedAt: number | null;
  readonly cancel: unknown;
  readonly native: NativeJob | null;
  readonly accounting: AccountingFacts;
  /** For how long Slurm has not known the job. */
  readonly overForMs: number;
  readonly visibilityMs: number;
}

/** A launcher that lives is heard of more often. */
const silenceMs = 120_000;

/** An end that needs no word of Slurm; null for any other. A stop may have been ours, or Slurm's. */
export function deliveredEnd({
  exit,
  cancel,
}: Pick<DeliveredFacts, 'exit' | 'cancel'>): JobExit | null {
  if (exit === null || cancel !== null || exit.cause === 'SIGNALLED') return null;
  return /told to stop \(SIG/.test(exit.message) ? null : exit;
}

/** Total, as `judge`. */
export function judgeDelivered(facts: DeliveredFacts): Judgement {
  const { exit, native } = facts;
  const proven = deliveredEnd(facts);
  if (proven !== null) return ended(facts, proven, told(proven));
  const isOver = native !== null && isEndState(native);
  if (exit !== null && native !== null && isOver) {
    return ended(facts, explained(exit, native, facts), nativeText(native));
  }
  const wasCancelled = facts.cancel !== null;
  const isAwaited = isLate(facts) && !wasCancelled;
  if (exit !== null && native === null && !isAwaited && facts.overForMs >= facts.visibilityMs) {
    return ended(facts, wasCancelled ? cancelled(exit) : exit, 'forgotten by Slurm');
  }
  if (isOver && exit === null) {
    const evidence = { exit: null, cancel: facts.cancel, started: facts.heardAt, scriptOutput: '' };
    const cause = nativeCause(evidence, native, { code: null, signal: null });
    const hint =
      cause.cause === 'NOT_STARTED' ? ' Is the launcher there, and can the node reach us?' : '';
    const message = cause.message + hint;
    return ended(facts, { ...cause, message, code: null, signal: null }, nativeText(native));
  }
  if (native === null) return forgotten(facts);
  const { startedAt } = facts;
  const started = facts.heardAt === null ? null : { at: startedAt };
  return { kind: 'STATUS', status: alive({ started }, native) };
}

/** The accounting may still come to know the end. */
function isLate({ accounting, overForMs }: DeliveredFacts): boolean {
  return accounting !== null && overForMs < accounting.lagMs;
}

/** The program was ended by a signal, or was told to stop: Slurm knows by whom. */
function explained(exit: JobExit, native: NativeJob, { cancel }: DeliveredFacts): JobExit {
  if (exit.cause !== 'SIGNALLED' && exit.cause !== 'EXITED' && exit.cause !== 'NOT_STARTED') {
    return exit;
  }
  if (['CANCELLED', 'REVOKED'].includes(native.state)) return cancelled(exit);
  const isOwn = native.state === 'COMPLETED' || native.state === 'FAILED';
  if (isOwn) return cancel !== null && exit.cause === 'SIGNALLED' ? cancelled(exit) : exit;
  const evidence = { exit, cancel: null, started: true, scriptOutput: '' };
  const { cause, message } = nativeCause(evidence, native, exit);
  return { ...exit, cause, message: `${message} ${exit.message}` };
}

function cancelled(exit: JobExit): JobExit {
  const isNever = exit.cause === 'NOT_STARTED';
  const message = isNever ? 'It was cancelled.' : 'It was cancelled while it ran.';
  return { ...exit, cause: 'CANCELLED', message };
}

/** Slurm remembers ended jobs for a while only. */
function forgotten(facts: DeliveredFacts): Judgement {
  const { startedAt, heardAgeMs } = facts;
  const common = { waiting: null, exit: null, startedAt, endedAt: null } as const;
  if (facts.exit === null && heardAgeMs !== null && heardAgeMs < silenceMs) {
    const native = 'unknown to Slurm, but its launcher is heard';
    return { kind: 'STATUS', status: { ...common, phase: 'RUNNING', native } };
  }
  if (facts.overForMs < facts.visibilityMs) {
    const phase = facts.heardAt === null ? 'UNKNOWN' : 'RUNNING';
    return { kind: 'STATUS', status: { ...common, phase, native: 'unknown to Slurm' } };
  }
  if (facts.cancel !== null) {
    const exit = { cause: 'CANCELLED', code: null, signal: null } as const;
    return ended(facts, { ...exit, message: 'It was cancelled.' }, 'forgotten by Slurm');
  }
  if (isLate(facts)) {
    const phase = facts.heardAt === null ? 'UNKNOWN' : 'RUNNING';
    return { kind: 'STATUS', status: { ...common, phase, native: awaited } };
  }
  const seen = facts.heardAt === null ? 'was never heard of' : 'told no end';
  const evidence = `${unknownTo(facts.accounting)}, and its launcher ${seen}.`;
  return { kind: 'VANISHED', evidence };
}

function ended(facts: DeliveredFacts, exit: JobExit, native: string): Judgement {
  const { startedAt, heardAt } = facts;
  // The end is the last thing that a launcher tells.
  const endedAt = facts.exit === null ? (facts.native?.endedAt ?? heardAt) : heardAt;
  const never = exit.cause === 'NOT_STARTED' || heardAt === null;
  const times = { startedAt: never ? null : (startedAt ?? heardAt), endedAt };
  return { kind: 'STATUS', status: endedStatus(exit, native, times) };
}

function told({ cause, code }: JobExit): string {
  return cause === 'EXITED' ? `exit code ${code}` : `told by its launcher: ${cause}`;
}

import { constants } from 'node:os';
import type { Exit } from './platform.ts';
import type { ProgramEnd } from './program.ts';

/** Nothing was started. */
export const notStartedCode = 126;
/** The program ended well, but not all of what it made was taken. */
export const refusedCode = 74;
/** The work is another launcher's, or its results could not be delivered yet. */
export const tryAgainCode = 75;

export type StopReason = 'TIME_LIMIT' | NodeJS.Signals | null;

/** How the program ended, in the words that every backend uses. */
export function exitOf(
  end: ProgramEnd,
  what: {
    readonly stop: StopReason;
    readonly isOutOfMemory: boolean;
    readonly lastLines: readonly string[];
    readonly startedAt: number;
    readonly endedAt: number;
  },
): Exit {
  if (end.error !== null) {
    return notStarted(`The program could not be started: ${end.error}.`, what.endedAt);
  }
  const { startedAt, endedAt } = what;
  const common = { code: end.code, signal: end.signal, startedAt, endedAt };
  const { lastLines } = what;
  const printed = lastLines.length === 0 ? '' : ` Its last lines:\n${lastLines.join('\n')}`;
  if (what.stop === 'TIME_LIMIT') {
    return { ...common, cause: 'TIME_LIMIT', message: `It exceeded its time limit.${printed}` };
  }
  if (what.isOutOfMemory) {
    const message = `The system ended it because memory ran out.${printed}`;
    return { ...common, cause: 'OUT_OF_MEMORY', message };
  }
  const told = what.stop === null ? '' : ` It had been told to stop (${what.stop}).`;
  if (end.signal !== null) {
    const message = `It was ended by ${end.signal}.${told}${printed}`;
    return { ...common, cause: 'SIGNALLED', message };
  }
  const message =
    end.code === 0
      ? `It ended with exit code 0.${told}`
      : `It ended with exit code ${end.code}.${told}${printed}`;
  return { ...common, cause: 'EXITED', message };
}

export function notStarted(message: string, endedAt: number): Exit {
  return { cause: 'NOT_STARTED', code: null, signal: null, message, startedAt: null, endedAt };
}

/** As a shell would tell it. */
export function processCode({ code, signal }: Pick<Exit, 'code' | 'signal'>): number {
  if (code !== null) return code;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const number = signal === null ? undefined : numbers[signal];
  return number === undefined ? notStartedCode : 128 + number;
}

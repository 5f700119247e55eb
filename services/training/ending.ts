import type { JobExit } from '../../backends/contract/job-runner.ts';
import type { Outcome } from '../../domain/training-run.ts';

/** How a run ended that did not leave a good output document, from how its process ended. */
export function failureOf(exit: JobExit): Outcome {
  const base = { exitCode: exit.code, signal: exit.signal };
  switch (exit.cause) {
    case 'EXITED':
      return { ...base, code: 'NON_ZERO_EXIT', message: exit.message };
    case 'SIGNALLED':
      return { ...base, code: 'SIGNALLED', message: exit.message };
    case 'OUT_OF_MEMORY':
      return { ...base, code: 'OUT_OF_MEMORY', message: exit.message };
    case 'TIME_LIMIT':
      return { ...base, code: 'TIME_LIMIT', message: exit.message };
    case 'CANCELLED':
      return { ...base, code: 'CANCELLED', message: exit.message };
    case 'NOT_STARTED':
      return { ...base, code: 'NOT_STARTED', message: exit.message };
    case 'UNKNOWN':
      return { ...base, code: 'VANISHED', message: exit.message };
  }
}

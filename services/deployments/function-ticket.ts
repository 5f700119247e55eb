import { BackendError } from '../../backends/contract/error.ts';
import type { Answered, FunctionRunner } from '../../backends/contract/function-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { Ambient } from '../../domain/ambient.ts';

const firstPauseMs = 100;
const longestPauseMs = 2_000;

/**
 * Asks what became of a call whose answer did not come on the line, ever more seldom, until `deadline`. Rejects with
 * DeadlineExceeded then, and with Unexpected when the backend can no longer know.
 */
export async function answerOfTicket(
  functions: FunctionRunner,
  handle: Handle,
  { ticket }: { readonly ticket: string },
  deadline: number,
  ambient: Ambient,
): Promise<Answered> {
  let pauseMs = firstPauseMs;
  for (;;) {
    const left = deadline - ambient.now();
    if (left <= 0) {
      const message = `The call ${ticket} had no answer by the deadline; it may go on there.`;
      throw new BackendError('DeadlineExceeded', 'result', message);
    }
    await pause(Math.min(pauseMs, left));
    pauseMs = Math.min(longestPauseMs, pauseMs * 1.5);
    try {
      const found = await functions.result(handle, ticket);
      if (found?.kind === 'ANSWER') return found;
      if (found?.kind === 'LOST') throw new BackendError('Unexpected', 'result', found.message);
    } catch (error) {
      // The call goes on whether we can ask or not.
      if (!(error instanceof BackendError) || !error.temporary) throw error;
      pauseMs = Math.max(pauseMs, error.retryAfterMs ?? 0);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

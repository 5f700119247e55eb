import { GapError } from './errors.ts';
import { dataOf, record } from './read-result.ts';
import { asError, delayAfter, isRetryable, pause, type RetryPolicy } from './retry.ts';
import type { StreamRequest, Transport } from './transport.ts';
import type { Operation } from './typed-document.ts';

export interface Reconnection {
  /** Why: a `ConnectionError`, a retryable `FathomApiError`, or a `GapError`. */
  readonly error: Error;
  /** How often in a row without a new entry: 1, 2, … */
  readonly failures: number;
  readonly delayMs: number;
  /** From where it goes on; null when nothing was delivered and nothing was asked for. */
  readonly after: number | null;
}

export interface ResumeOptions {
  readonly query: string;
  readonly operation: Operation;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly retry: RetryPolicy;
  readonly onReconnect: (reconnection: Reconnection) => void;
}

/** Asking again for the same missing entries more often than this will not bring them. */
const gapTries = 3;

/**
 * One subscription over as many connections as it takes. When the document declares `$after` and its root field carries
 * `sequence` or `offset`, every entry is delivered once and in order: after a loss it asks for what is behind the last
 * one delivered, drops what it knows, and asks again when an entry is missing. Ends only when the server completes it.
 * Without them it cannot know what it missed, so a loss after the first entry is thrown.
 */
export async function* resumed(
  transport: Transport,
  options: ResumeOptions,
  signal: AbortSignal,
): AsyncGenerator<unknown, void> {
  const { query, operation, variables, retry } = options;
  const given = variables['after'];
  let last = operation.takesAfter ? (typeof given === 'number' ? given : 0) : null;
  let canResume = true;
  let failures = 0;
  for (;;) {
    const request: StreamRequest = {
      query,
      operationName: operation.name,
      variables: last === null ? variables : { ...variables, after: last },
      resumable: last !== null,
    };
    try {
      for await (const result of transport.open(request, signal)) {
        const data = dataOf(result);
        const position = last === null ? null : positionOf(data);
        if (position === null || last === null) {
          last = null;
          canResume = false;
        } else {
          if (position <= last) continue;
          if (position > last + 1) throw new GapError(last, position);
          last = position;
        }
        failures = 0;
        yield data;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      failures += 1;
      const isGap = error instanceof GapError;
      const most = isGap ? gapTries : retry.attempts;
      if (!canResume || failures >= most || !(isGap || isRetryable(error))) throw error;
      const delayMs = delayAfter(failures, error, retry);
      options.onReconnect({ error: asError(error), failures, delayMs, after: last });
      await pause(delayMs, signal);
    }
  }
}

/** `sequence` or `offset` of the only root field. */
function positionOf(data: unknown): number | null {
  const [root] = Object.values(record(data));
  const { sequence, offset } = record(root);
  const position = sequence ?? offset;
  return typeof position === 'number' ? position : null;
}

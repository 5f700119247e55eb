import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { FathomError } from '../../domain/errors.ts';
import { DamagedPartError } from './problem.ts';

export interface PartPace {
  /** Longest silence between two pieces. */
  readonly idleMs: number;
  /** In each stretch of `windowMs` at least `windowBytes` have to come. */
  readonly windowMs: number;
  readonly windowBytes: number;
}

/**
 * The bytes of a request, as they come and no faster than they are taken. Rejects when the client is silent or too slow
 * (DEADLINE_EXCEEDED), when `signal` aborts (its reason), and at the end when the checksum is another one. The request
 * itself is left open, so that it can be answered.
 */
export async function* partContent(
  body: Readable,
  pace: PartPace,
  signal: AbortSignal,
  checksum: string | null,
): AsyncGenerator<Uint8Array> {
  const hash = checksum === null ? null : createHash('sha256');
  const source = body.iterator({ destroyOnReturn: false });
  let windowEnd = performance.now() + pace.windowMs;
  let windowBytes = 0;
  for (;;) {
    const step = await nextWithin(source, pace.idleMs, signal);
    if (step.done === true) break;
    const chunk = step.value as Uint8Array;
    hash?.update(chunk);
    windowBytes += chunk.length;
    yield chunk;
    const now = performance.now();
    if (now < windowEnd) continue;
    if (windowBytes < pace.windowBytes) throw tooSlow();
    windowEnd = now + pace.windowMs;
    windowBytes = 0;
  }
  if (hash !== null && hash.digest('base64') !== checksum) throw new DamagedPartError();
}

function nextWithin(
  source: AsyncIterator<unknown>,
  idleMs: number,
  signal: AbortSignal,
): Promise<IteratorResult<unknown>> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => end(() => reject(signal.reason));
    const timer = setTimeout(() => end(() => reject(tooSlow())), idleMs);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    signal.addEventListener('abort', onAbort);
    source.next().then(
      (step) => end(() => resolve(step)),
      (error: unknown) => end(() => reject(error)),
    );
  });
}

function tooSlow(): PartStoppedError {
  return new PartStoppedError(
    'DEADLINE_EXCEEDED',
    'The part came too slowly; resume where it stands.',
  );
}

/** We ended the part; what came of it is kept, and the client need not send the rest. */
export class PartStoppedError extends FathomError {
  override readonly name = 'PartStoppedError';
}

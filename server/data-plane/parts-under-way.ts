import { FathomError } from '../../domain/errors.ts';
import { PartStoppedError } from './part-content.ts';

/**
 * The parts that are being received. A client that asks how far its upload came has lost its connection, whether or not
 * we noticed: the part that still hangs on the old one is ended first, so that the answer holds.
 */
export class PartsUnderWay {
  readonly #most: number;
  readonly #parts = new Map<string, { readonly stop: AbortController; end: Promise<void> }>();
  #closed = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs `work` as the one part of this upload: WRONG_STATE when there is another, OVERLOADED when there are too many. */
  async run<T>(uploadId: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#closed) throw stopping();
    if (this.#parts.has(uploadId)) {
      throw new FathomError('WRONG_STATE', 'Another part of this upload is being received.');
    }
    if (this.#parts.size >= this.#most) {
      throw new FathomError('OVERLOADED', 'Too many uploads are under way; try again soon.');
    }
    const stop = new AbortController();
    let ended: () => void = () => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    this.#parts.set(uploadId, { stop, end });
    try {
      return await work(stop.signal);
    } finally {
      this.#parts.delete(uploadId);
      ended();
    }
  }

  /** Ends the part that is being received, if there is one; what came of it is kept. */
  async take(uploadId: string): Promise<void> {
    const part = this.#parts.get(uploadId);
    if (part === undefined) return;
    part.stop.abort(
      new PartStoppedError('WRONG_STATE', 'The upload goes on over another connection.'),
    );
    await part.end;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const parts = [...this.#parts.values()];
    for (const part of parts) part.stop.abort(stopping());
    await Promise.all(parts.map((part) => part.end));
  }
}

function stopping(): PartStoppedError {
  return new PartStoppedError('SHUTTING_DOWN', 'The server is stopping; resume where it stands.');
}

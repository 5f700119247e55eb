import type { JobExit, LogChunk, OutputFolder } from './job-runner.ts';
import type { InputFile } from './workload.ts';

/**
 * How a site that shares no folder with us is given a workload's files and gives back what it made: over HTTP, by the
 * launcher (`modules/launcher`), which runs beside or around the program. Bytes flow between the site and our storage.
 */
export interface Deliveries {
  /**
   * Idempotent by `key`: the same address and a token that opens what belongs to this key and nothing else, until
   * `release` or for `lifetimeSeconds`; opened again when half of that is over, the token is a new one (the old one goes
   * on to its own end). Rejects with BackendError Unsupported when this installation has no address that a site could
   * reach, Unavailable while nobody listens there.
   */
  open(
    key: string,
    inputs: readonly InputFile[],
    options: { readonly lifetimeSeconds: number },
  ): Promise<Delivery>;
  /** What came back so far; BackendError NotFound for a key that was never opened or was released. */
  received(key: string): Promise<Received>;
  /** Ends the token and forgets the files. Idempotent. */
  release(key: string): Promise<void>;
}

/** Passed to the launcher as FATHOM_DELIVERY_URL and, among the secrets, FATHOM_DELIVERY_TOKEN. */
export interface Delivery {
  readonly url: string;
  readonly token: string;
}

export interface Received {
  /** As `JobRunner.outputs`; files appear when they are whole. */
  readonly outputs: OutputFolder;
  /**
   * As the launcher wrapped the program; null while it runs, or when the launcher only ran beside it. Everything else came
   * before it. A program that was told to stop is told as it ended: whoever cancelled the job knows that it is CANCELLED.
   */
  readonly exit: JobExit | null;
  /**
   * What the launcher wrapped printed, with cursors as `JobRunner.logs`; null when it only ran beside the program (before
   * anything was heard it is there, and empty).
   */
  readonly logs: ((after: string | null) => AsyncIterable<LogChunk>) | null;
  /** When the launcher was last heard of, epoch milliseconds; null for never. */
  readonly heardAt: number | null;
}

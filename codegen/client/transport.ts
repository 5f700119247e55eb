import type { RawResult } from './read-result.ts';

export interface StreamRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Whether it may be broken off when its reader is slow, since it can be resumed; otherwise everything is kept. */
  readonly resumable: boolean;
}

/** One way to carry subscriptions. */
export interface Transport {
  /**
   * Opens a subscription once. Ends when the server says that it is complete; throws `ConnectionError` when the
   * connection is lost, `FathomApiError` when the operation is refused, and the signal's reason when it is aborted.
   */
  open(request: StreamRequest, signal: AbortSignal): AsyncGenerator<RawResult, void>;
  close(): void;
}

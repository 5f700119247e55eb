import type { Json } from '../../domain/json.ts';

/**
 * Log lines and metric points: append-only, by offset 1, 2, 3 … without a gap, bounded by bytes, kept in segments beside
 * the database with an index in it. A stream that reached its bound counts what it drops and says so.
 */
export interface StreamReader {
  /** Entries with `offset > after`, in order, at most `limit`. */
  read(stream: string, after: number, limit: number): Promise<readonly StreamEntry[]>;
  stat(stream: string): Promise<StreamStat>;
  /** As `EventReader.changed`. */
  changed(stream: string, after: number, signal: AbortSignal): Promise<void>;
}

export interface StreamWriter {
  /**
   * Appends in this transaction: after a crash either all of it and the rest of the transaction are there, or none.
   * Entries beyond `maximumBytes` of the stream (JSON text, default 64 MiB) are dropped and counted; what is kept is the
   * beginning, so once an entry was dropped all later ones are. WRONG_STATE after `end`.
   */
  append(stream: string, entries: readonly Json[], maximumBytes?: number): Promise<void>;
  /** No more will come: readers at the end are told. Idempotent. */
  end(stream: string): Promise<void>;
  /** The same for many, in one statement. */
  endMany(streams: readonly string[]): Promise<void>;
}

export interface StreamEntry {
  readonly offset: number;
  readonly value: Json;
}

export interface StreamStat {
  /** The newest offset, 0 when empty. */
  readonly head: number;
  readonly bytes: number;
  readonly dropped: number;
  readonly ended: boolean;
}

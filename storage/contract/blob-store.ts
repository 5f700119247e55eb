/**
 * Where bytes live. A blob is named by the SHA-256 of its content (64 hexadecimal digits), never changes, and becomes
 * visible in one step. Errors are FathomError: NOT_FOUND, DIGEST_MISMATCH, TOO_LARGE, STORAGE_FULL, WRONG_STATE. After
 * `close` every method but `health` rejects with SHUTTING_DOWN.
 */
export interface BlobStore {
  has(sha256: string): Promise<boolean>;
  /**
   * Bytes from `start` (default 0) up to `end` (exclusive, default the end). NOT_FOUND when there is none. `bytes` is the
   * size of the whole blob, whatever the range.
   */
  open(
    sha256: string,
    range?: { readonly start?: number; readonly end?: number },
  ): Promise<{ readonly bytes: number; readonly content: AsyncIterable<Uint8Array> }>;
  /** Stores and returns the digest; with `expected`, DIGEST_MISMATCH stores nothing. */
  put(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    expected?: { readonly sha256: string },
  ): Promise<StoredBlob>;
  /** The resumable way in. */
  readonly uploads: UploadArea;
  /**
   * Places a blob as a read-only file at an absolute path, by link or copy; parent folders are made. Unsupported stores
   * copy. The file must not be written to.
   */
  place(sha256: string, path: string): Promise<void>;
  health(): Promise<{ readonly ok: boolean; readonly message: string | null }>;
  close(): Promise<void>;
}

export interface StoredBlob {
  readonly sha256: string;
  readonly bytes: number;
}

/** Partial files. `name` is made of letters, digits and `_` (an upload id). */
export interface UploadArea {
  /** Bytes that are durable; 0 when nothing came yet. */
  received(name: string): Promise<number>;
  /**
   * Appends at `offset`, which must equal `received` (WRONG_STATE otherwise: somebody else wrote). Stops at `limit`
   * bytes in all with TOO_LARGE. When `content` breaks off, what came is kept and the promise rejects with its error;
   * when it rejects with DIGEST_MISMATCH (a part with a checksum of its own), what came in this call is taken back.
   * Returns the new number of durable bytes.
   */
  append(
    name: string,
    offset: number,
    content: AsyncIterable<Uint8Array>,
    limit: number,
  ): Promise<number>;
  /**
   * Verifies and makes it a blob. DIGEST_MISMATCH discards the partial file; WRONG_STATE when bytes are missing. The
   * partial file stays, sealed, until `discard`: a caller that crashes before it recorded the success repeats the call.
   * NOT_FOUND without a partial file, also when such a blob is there: to know a digest is not to have the file.
   */
  complete(name: string, expected: StoredBlob): Promise<void>;
  discard(name: string): Promise<void>;
}

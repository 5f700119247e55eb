/** Bytes to be sent. A stream is read once, so only the part that is under way can be sent again. */
export type UploadBody = Uint8Array | Blob | ReadableStream<Uint8Array>;

export interface UploadSource {
  /**
   * At most `most` bytes from `offset` on; empty at the end. Offsets never go back behind the start of the part that was
   * read last; a larger one skips.
   */
  read(offset: number, most: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function uploadSource(body: UploadBody): UploadSource {
  if (body instanceof Uint8Array) {
    return {
      read: (offset, most) => Promise.resolve(body.subarray(offset, offset + most)),
      close: () => Promise.resolve(),
    };
  }
  if (body instanceof Blob) {
    return {
      read: async (offset, most) =>
        new Uint8Array(await body.slice(offset, offset + most).arrayBuffer()),
      close: () => Promise.resolve(),
    };
  }
  return new StreamSource(body.getReader());
}

class StreamSource implements UploadSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Read and perhaps not yet stored by the server; begins at `#start`. */
  #held: Uint8Array = new Uint8Array();
  #start = 0;
  #ended = false;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  async read(offset: number, most: number): Promise<Uint8Array> {
    if (offset < this.#start) {
      throw new RangeError(`The stream was read beyond ${offset} and cannot be read again.`);
    }
    const parts = [this.#held];
    let end = this.#start + this.#held.length;
    while (end < offset + most && !this.#ended) {
      const { done, value } = await this.#reader.read();
      if (done) {
        this.#ended = true;
      } else {
        // What the server has already is let go of, or skipping would hold all of it.
        if (end + value.length <= offset) {
          parts.length = 0;
          this.#start = end + value.length;
        } else parts.push(value);
        end += value.length;
      }
    }
    const held = joined(parts);
    const kept = held.subarray(Math.min(Math.max(offset - this.#start, 0), held.length));
    this.#start = end - kept.length;
    this.#held = kept;
    return kept.subarray(0, most);
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

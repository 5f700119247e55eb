/**
 * The last 64 KiB that the process wrote to standard output and standard error, for the debug
 * endpoint.
 */
export class DebugLog {
  #text = '';

  /** Captures from now on when `enabled`; otherwise does nothing at all. */
  constructor(enabled: boolean) {
    if (!enabled) return;
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream);
      stream.write = (chunk: string | Uint8Array): boolean => {
        const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
        this.#text = (this.#text + text).slice(-65_536);
        return write(chunk);
      };
    }
  }

  text(): string {
    return this.#text;
  }
}

import { RefusedError } from './exchange.ts';
import type { LogSpool } from './log-spool.ts';
import type { Platform } from './platform.ts';
import { standingOf } from './uploader.ts';

const partBytes = 512 * 1024;

/**
 * Sends what stands in the spool. A line that announces a checkpoint is held back until the files of that checkpoint have
 * arrived: whoever reads the line looks for them.
 */
export class LogShipper {
  readonly #platform: Platform;
  readonly #spool: LogSpool;
  readonly #base: number;
  readonly #sendCheckpoint: (path: string) => Promise<void>;
  #sent: number;
  #isOver = false;

  constructor(options: {
    readonly platform: Platform;
    readonly spool: LogSpool;
    /** Where the spool begins in the platform's log, and where that ends now. */
    readonly base: number;
    readonly end: number;
    readonly sendCheckpoint: (path: string) => Promise<void>;
  }) {
    this.#platform = options.platform;
    this.#spool = options.spool;
    this.#base = options.base;
    this.#sent = Math.max(0, options.end - options.base);
    this.#sendCheckpoint = options.sendCheckpoint;
  }

  /** Everything that stands in the spool now. */
  async ship(): Promise<void> {
    const end = this.#spool.end;
    while (this.#sent < end && !this.#isOver) {
      const lines = this.#spool.read(this.#sent, partBytes);
      if (lines.length === 0) return;
      const announced = firstCheckpoint(lines);
      if (announced === null) await this.#post(lines);
      else if (announced.start > 0) await this.#post(lines.subarray(0, announced.start));
      else {
        await this.#sendCheckpoint(announced.path);
        await this.#post(lines.subarray(0, announced.end));
      }
    }
  }

  async #post(lines: Buffer): Promise<void> {
    const offset = this.#base + this.#sent;
    try {
      await this.#platform.ask('POST', 'logs', {
        headers: { 'content-type': 'application/octet-stream', 'upload-offset': offset },
        body: lines,
      });
      this.#sent += lines.length;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const standing = standingOf(error);
      // The platform may have lost the end of it: from there again. Or it takes no more: then the work goes on without.
      if (standing !== null && standing >= this.#base && standing < offset) {
        this.#sent = standing - this.#base;
      } else this.#isOver = true;
    }
  }
}

const checkpointStart = Buffer.from(' O {"type":"checkpoint"');

function firstCheckpoint(
  lines: Buffer,
): { readonly start: number; readonly end: number; readonly path: string } | null {
  for (let from = 0; ;) {
    const found = lines.indexOf(checkpointStart, from);
    if (found < 0) return null;
    const start = lines.lastIndexOf(10, found) + 1;
    const end = lines.indexOf(10, found) + 1;
    // Only the time stands before it.
    const path = /^\d+$/.test(lines.toString('latin1', start, found))
      ? pathIn(lines.toString('utf8', found + 3, end))
      : null;
    if (path !== null) return { start, end, path };
    from = end;
  }
}

function pathIn(text: string): string | null {
  try {
    const { path } = JSON.parse(text) as { path?: unknown };
    const isInner =
      typeof path === 'string' &&
      path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');
    return isInner ? path : null;
  } catch {
    return null;
  }
}

import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Traffic } from '../services/deployments/traffic.ts';

const publishEveryMs = 500;
/** A file that is older was left by a process that is gone, or its calls are. */
const believedMs = 10_000;

/**
 * Calls under way in all processes on a state folder. Each says twice a second, in a file of its own, how many it has, as
 * long as it has any; so a call is known to the others when it lasts longer than that, and a short one ends within the time
 * that a replaced endpoint goes on anyway.
 */
export class SharedTraffic extends Traffic {
  readonly #folder: string;
  readonly #own: string;
  readonly #now: () => number;
  readonly #here = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #isPublished = false;

  /** `folder` is made when it is not there; `now` in epoch milliseconds. */
  constructor(folder: string, now: () => number) {
    super();
    this.#folder = folder;
    // Processes in several containers have the same number.
    this.#own = `${randomUUID()}.json`;
    this.#now = now;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  override begin(endpointId: string): void {
    super.begin(endpointId);
    this.#here.set(endpointId, (this.#here.get(endpointId) ?? 0) + 1);
    this.#timer ??= setInterval(() => this.#publish(), publishEveryMs).unref();
  }

  override end(endpointId: string, answeredAt: number | null): void {
    super.end(endpointId, answeredAt);
    const left = (this.#here.get(endpointId) ?? 1) - 1;
    if (left > 0) this.#here.set(endpointId, left);
    else this.#here.delete(endpointId);
  }

  override inFlight(endpointId: string): number {
    let count = super.inFlight(endpointId);
    for (const calls of this.#elsewhere()) count += calls[endpointId] ?? 0;
    return count;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    rmSync(join(this.#folder, this.#own), { force: true });
  }

  #publish(): void {
    const path = join(this.#folder, this.#own);
    try {
      if (this.#here.size > 0) {
        writeFileSync(`${path}.partial`, JSON.stringify(Object.fromEntries(this.#here)));
        renameSync(`${path}.partial`, path);
        this.#isPublished = true;
      } else if (this.#isPublished) {
        rmSync(path, { force: true });
        this.#isPublished = false;
      }
    } catch {
      // Nothing is lost but the patience of others: what is not known is waited for by the fixed time alone.
    }
    if (this.#here.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  *#elsewhere(): Generator<Readonly<Record<string, number>>> {
    for (const name of readdirSync(this.#folder)) {
      if (name === this.#own || !name.endsWith('.json')) continue;
      const path = join(this.#folder, name);
      try {
        if (this.#now() - statSync(path).mtimeMs > believedMs) rmSync(path, { force: true });
        else yield JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, number>>;
      } catch {
        // It was removed this very moment: its process has no calls any more.
      }
    }
  }
}

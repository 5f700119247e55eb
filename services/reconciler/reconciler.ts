import { FathomError } from '../../domain/errors.ts';
import { LeaseLostError } from '../../store/contract/store.ts';
import type { Lease, WorkQueue } from '../../store/contract/work.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Look } from './look.ts';

const leaseMs = 30_000;
const atOnce = 64;
/** Without a wake the queue is asked this often at least: a lease of a worker that died ends unannounced. */
const longestSleepMs = 5_000;

/**
 * Claims due work and has its handler look at it, many at once, each under its own lease. One look that hangs holds one
 * lease and delays nobody else.
 */
export class Reconciler {
  readonly #at: Surroundings;
  readonly #looks: ReadonlyMap<string, Look>;
  readonly #worker: string;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #loop: Promise<void> | null = null;

  constructor(at: Surroundings, looks: readonly Look[], worker: string) {
    this.#at = at;
    this.#looks = new Map(looks.map((look) => [look.kind, look]));
    this.#worker = worker;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Claims nothing more, lets looks under way come to their end (those that wait are told to give up). */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    const kinds = [...this.#looks.keys()];
    const { work } = this.#at.store;
    while (!this.#stop.signal.aborted) {
      try {
        const room = atOnce - this.#running.size;
        const leases =
          room === 0
            ? []
            : await work.claim({
                kinds,
                worker: this.#worker,
                now: this.#at.ambient.now(),
                leaseMs,
                limit: room,
              });
        for (const lease of leases) this.#begin(work, lease);
        if (leases.length === 0) await this.#sleep(work, kinds);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#at.log('error', 'The work queue could not be read.', { error: String(error) });
        await pause(1_000, this.#stop.signal);
      }
    }
  }

  #begin(work: WorkQueue, lease: Lease): void {
    const done = this.#look(work, lease).finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  async #look(work: WorkQueue, lease: Lease): Promise<void> {
    const look = this.#looks.get(lease.kind);
    if (look === undefined) return;
    const renewal = setInterval(() => {
      work.renew(lease, this.#at.ambient.now() + leaseMs).catch(() => undefined);
    }, leaseMs / 3);
    let next: number | null;
    try {
      next = await look.look(lease.key, lease, this.#stop.signal);
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      // Somebody changed the thing while we looked: what we saw is old, so look again at once.
      const overtaken = error instanceof FathomError && error.code === 'VERSION_CONFLICT';
      if (!overtaken && !this.#stop.signal.aborted) {
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#at.log('error', `A look at ${lease.kind} ${lease.key} failed.`, { error: message });
      }
      const delay = overtaken ? 0 : 1_000 + Math.round(this.#at.ambient.random() * 4_000);
      next = this.#at.ambient.now() + delay;
    } finally {
      clearInterval(renewal);
    }
    await work.release(lease, next).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#at.log('error', `The lease on ${lease.kind} ${lease.key} could not be given back.`, {
        error: String(error),
      });
    });
  }

  async #sleep(work: WorkQueue, kinds: readonly string[]): Promise<void> {
    const wake = new AbortController();
    const stopped = () => wake.abort();
    this.#stop.signal.addEventListener('abort', stopped, { once: true });
    // Listening begins before the last question, so a wish made in between wakes us.
    const changed = work.changed(kinds, wake.signal);
    const due = await work.nextDue(kinds);
    const now = this.#at.ambient.now();
    const delay = due === null ? longestSleepMs : Math.min(longestSleepMs, Math.max(0, due - now));
    const room = this.#running.size < atOnce;
    await Promise.race([
      ...(room ? [changed, pause(delay, wake.signal)] : this.#running),
      ...(room ? [] : [pause(longestSleepMs, wake.signal)]),
    ]);
    wake.abort();
    this.#stop.signal.removeEventListener('abort', stopped);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(finish, ms);
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
    signal.addEventListener('abort', finish, { once: true });
  });
}

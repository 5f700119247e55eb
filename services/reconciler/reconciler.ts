import { setImmediate as turn } from 'node:timers/promises';
import { FathomError } from '../../domain/errors.ts';
import { LeaseLostError } from '../../store/contract/store.ts';
import type { Lease, WorkQueue } from '../../store/contract/work.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Look } from './look.ts';

const leaseMs = 30_000;
const atOnce = 256;
/** Claimed together. Between two claims everything else in the process gets its turn. */
const together = 64;
/** Steps of one thing before others have their turn. */
const inARow = 4;
/** Leases given back together are due at one time, so it is rounded up to this. */
const dueEveryMs = 25;
/** How long a kind is not looked at while its look begins. */
const longestBeginMs = 3_000;
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
  /** Looks that are over, whose leases are given back together. */
  #over: Over[] = [];
  #givingBack: Promise<void> | null = null;
  /** Of looks that have begun. */
  readonly #kinds: string[] = [];
  #sleeping: AbortController | null = null;
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
    const { work } = this.#at.store;
    const opened = [...this.#looks.values()].map((look) => this.#open(look));
    while (!this.#stop.signal.aborted) {
      try {
        const kinds = [...this.#kinds];
        const room = atOnce - this.#running.size;
        const leases =
          room === 0
            ? []
            : await work.claim({
                kinds,
                worker: this.#worker,
                now: this.#at.ambient.now(),
                leaseMs,
                limit: Math.min(room, together),
              });
        this.#begin(work, leases);
        // Looks that need nothing from outside end without a turn of the event loop, and the next are due already.
        if (leases.length > 0) await turn();
        else await this.#sleep(work, kinds);
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        this.#at.log('error', 'The work queue could not be read.', { error: String(error) });
        await pause(1_000, this.#stop.signal);
      }
    }
    await Promise.all(opened);
  }

  /** Its kind is claimed once it has begun, or took too long for that. */
  async #open(look: Look): Promise<void> {
    const { signal } = this.#stop;
    const begun = look.begin?.(signal).catch((error: unknown) => {
      if (signal.aborted) return;
      this.#at.log('error', `Looks at ${look.kind} begin unprepared.`, { error: String(error) });
    });
    const waited = new AbortController();
    if (begun !== undefined) await Promise.race([begun, pause(longestBeginMs, waited.signal)]);
    waited.abort();
    this.#kinds.push(look.kind);
    this.#sleeping?.abort();
    await begun;
  }

  #begin(work: WorkQueue, leases: readonly Lease[]): void {
    for (const [kind, look] of this.#looks) {
      const own = leases.filter((lease) => lease.kind === kind);
      if (own.length === 0) continue;
      const prepared = look.prepare?.(own.map(({ key }) => key)).catch(() => undefined);
      for (const lease of own) {
        const done = this.#look(work, look, lease, prepared).finally(() =>
          this.#running.delete(done),
        );
        this.#running.add(done);
      }
    }
  }

  async #look(
    work: WorkQueue,
    look: Look,
    lease: Lease,
    prepared: Promise<void> | undefined,
  ): Promise<void> {
    const renewal = setInterval(() => {
      work.renew(lease, this.#at.ambient.now() + leaseMs).catch(() => undefined);
    }, leaseMs / 3);
    let next: number | null;
    try {
      await prepared;
      next = await this.#steps(look, lease);
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
    this.#over.push({ lease, next });
    this.#givingBack ??= turn().then(() => this.#giveBack(work));
    await this.#givingBack;
  }

  /** What is due at once goes on under its lease: it would wait behind everything else that is due. */
  async #steps(look: Look, lease: Lease): Promise<number | null> {
    const { signal } = this.#stop;
    for (let steps = 1; ; steps += 1) {
      const next = await look.look(lease.key, lease, signal);
      const goesOn = next !== null && next <= this.#at.ambient.now();
      if (!goesOn || steps >= inARow || signal.aborted) return next;
    }
  }

  async #giveBack(work: WorkQueue): Promise<void> {
    const over = this.#over;
    this.#over = [];
    this.#givingBack = null;
    const now = this.#at.ambient.now();
    const groups = Map.groupBy(over, ({ lease, next }) => `${lease.kind} ${dueAt(next, now)}`);
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const leases = group.map(({ lease }) => lease);
        const due = dueAt(group[0]?.next ?? null, now);
        await work.releaseAll(leases, due).catch((error: unknown) => {
          if (this.#stop.signal.aborted) return;
          const which = leases.map(({ kind, key }) => `${kind} ${key}`).join(', ');
          this.#at.log('error', `The lease on ${which} could not be given back.`, {
            error: String(error),
          });
        });
      }),
    );
  }

  async #sleep(work: WorkQueue, kinds: readonly string[]): Promise<void> {
    const wake = new AbortController();
    this.#sleeping = wake;
    // One more has begun since the queue was asked.
    if (kinds.length < this.#kinds.length) return;
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

interface Over {
  readonly lease: Lease;
  readonly next: number | null;
}

/** What is due now is due now. */
function dueAt(next: number | null, now: number): number | null {
  if (next === null) return null;
  return next <= now ? now : Math.ceil(next / dueEveryMs) * dueEveryMs;
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

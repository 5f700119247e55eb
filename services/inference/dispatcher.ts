import type { Endpoint } from '../../domain/deployment.ts';
import { FathomError } from '../../domain/errors.ts';

export interface DispatchLimits {
  /** Calls under way at one server. A module answers one after the other; a second one hides the way there and back. */
  readonly perReplica: number;
  /** Calls that wait for a server, for each server of the endpoint. */
  readonly queuedPerReplica: number;
}

export interface Slot {
  readonly replica: string;
  /** Gives the place back; `tookMs` is how long an answer took, null when there was none. */
  release(tookMs: number | null): void;
}

interface Lane {
  readonly inFlight: Map<string, number>;
  /** Servers that gave no answer, and until when they get nothing. */
  readonly suspects: Map<string, number>;
  readonly queue: Waiter[];
  /** Of recent answers, in milliseconds. */
  usualMs: number;
}

interface Waiter {
  readonly endpoint: Endpoint;
  readonly avoid: ReadonlySet<string>;
  readonly settle: (slot: Slot | null) => void;
}

const suspectForMs = 500;

/** Shares the proven servers of an endpoint among calls: the least busy first, then a bounded queue, then OVERLOADED. */
export class Dispatcher {
  readonly #limits: DispatchLimits;
  readonly #now: () => number;
  readonly #lanes = new Map<string, Lane>();

  constructor(limits: DispatchLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * A place at a server that is not in `avoid`; null when there is no such server now. Rejects with OVERLOADED when the
   * queue is full and with DEADLINE_EXCEEDED when no place came free in time.
   */
  async acquire(
    endpoint: Endpoint,
    avoid: ReadonlySet<string>,
    deadline: number,
  ): Promise<Slot | null> {
    const lane = this.#lane(endpoint.id);
    const open = this.#open(lane, endpoint, avoid);
    if (open.length === 0) return null;
    const free = this.#leastBusy(lane, open);
    if (free !== null) return this.#take(endpoint.id, lane, free);
    const { perReplica, queuedPerReplica } = this.#limits;
    if (lane.queue.length >= queuedPerReplica * open.length) {
      const ahead = lane.queue.length / (perReplica * open.length);
      throw new FathomError(
        'OVERLOADED',
        `${lane.queue.length} calls to this deployment wait already.`,
        { retryAfterMs: Math.round(Math.min(10_000, Math.max(100, lane.usualMs * ahead))) },
      );
    }
    return this.#wait(lane, endpoint, avoid, deadline);
  }

  /** A server that gave no answer gets no call for a moment. */
  suspect(endpointId: string, replica: string): void {
    this.#lane(endpointId).suspects.set(replica, this.#now() + suspectForMs);
  }

  #wait(
    lane: Lane,
    endpoint: Endpoint,
    avoid: ReadonlySet<string>,
    deadline: number,
  ): Promise<Slot | null> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        endpoint,
        avoid,
        settle: (slot) => {
          clearTimeout(timer);
          resolve(slot);
        },
      };
      const remaining = Math.max(0, deadline - this.#now());
      const timer = setTimeout(() => {
        const at = lane.queue.indexOf(waiter);
        if (at >= 0) lane.queue.splice(at, 1);
        reject(
          new FathomError('DEADLINE_EXCEEDED', 'No server came free before the deadline.', {
            retryAfterMs: Math.round(Math.max(100, lane.usualMs)),
          }),
        );
      }, remaining);
      lane.queue.push(waiter);
    });
  }

  #take(endpointId: string, lane: Lane, replica: string): Slot {
    lane.inFlight.set(replica, (lane.inFlight.get(replica) ?? 0) + 1);
    let held = true;
    return {
      replica,
      release: (tookMs) => {
        if (!held) return;
        held = false;
        const left = (lane.inFlight.get(replica) ?? 1) - 1;
        if (left > 0) lane.inFlight.set(replica, left);
        else lane.inFlight.delete(replica);
        if (tookMs !== null) lane.usualMs += (tookMs - lane.usualMs) / 8;
        this.#serveQueue(endpointId, lane);
      },
    };
  }

  #serveQueue(endpointId: string, lane: Lane): void {
    for (;;) {
      const [first] = lane.queue;
      if (first === undefined) break;
      const open = this.#open(lane, first.endpoint, first.avoid);
      const free = this.#leastBusy(lane, open);
      if (open.length > 0 && free === null) break;
      lane.queue.shift();
      // With no server left to wait for, the caller looks again at where the endpoint stands.
      first.settle(free === null ? null : this.#take(endpointId, lane, free));
    }
    if (lane.queue.length === 0 && lane.inFlight.size === 0 && lane.suspects.size === 0) {
      this.#lanes.delete(endpointId);
    }
  }

  #open(lane: Lane, endpoint: Endpoint, avoid: ReadonlySet<string>): readonly string[] {
    if (lane.suspects.size > 0) {
      const now = this.#now();
      for (const [id, until] of lane.suspects) if (until <= now) lane.suspects.delete(id);
    }
    return endpoint.provenReplicas.filter((id) => !avoid.has(id) && !lane.suspects.has(id));
  }

  #leastBusy(lane: Lane, open: readonly string[]): string | null {
    let best: string | null = null;
    let load = this.#limits.perReplica;
    for (const id of open) {
      const calls = lane.inFlight.get(id) ?? 0;
      if (calls >= load) continue;
      best = id;
      load = calls;
    }
    return best;
  }

  #lane(endpointId: string): Lane {
    let lane = this.#lanes.get(endpointId);
    if (lane === undefined) {
      lane = { inFlight: new Map(), suspects: new Map(), queue: [], usualMs: 10 };
      this.#lanes.set(endpointId, lane);
    }
    return lane;
  }
}

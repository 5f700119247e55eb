import {
  type Endpoint,
  endpointStates,
  type EndpointState,
  type Warmth,
} from '../../domain/deployment.ts';
import type { DeploymentEvent } from '../../domain/event.ts';
import { transition } from '../../domain/state.ts';
import type { Waiting } from '../../domain/waiting.ts';
import type { Transaction } from '../../store/contract/store.ts';

/**
 * An endpoint while it is being changed: collects the changes and their events, and writes both at once. Nothing is
 * written when nothing changed. Only the holder of the endpoint's lease writes it.
 */
export class EndpointRecord {
  #endpoint: Endpoint;
  readonly #stored: Endpoint;
  readonly #now: number;
  readonly #events: DeploymentEvent[] = [];

  constructor(endpoint: Endpoint, now: number) {
    this.#endpoint = endpoint;
    this.#stored = endpoint;
    this.#now = now;
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  get changed(): boolean {
    return this.#endpoint !== this.#stored || this.#events.length > 0;
  }

  /** Moves it; a state that cannot be reached any more is a stale observation and changes nothing. */
  move(to: EndpointState, reason: string | null): boolean {
    const moved = transition(endpointStates, this.#endpoint, to, this.#now, reason);
    if (moved === null) return false;
    this.#endpoint = moved.entity;
    for (const change of moved.changes) {
      this.#changed(change.from, change.to, change.reason);
    }
    return true;
  }

  patch(change: Partial<Endpoint>): void {
    const next = { ...this.#endpoint, ...change };
    const keys = Object.keys(change) as (keyof Endpoint)[];
    if (keys.some((key) => next[key] !== this.#endpoint[key])) this.#endpoint = next;
  }

  /** The servers that calls may go to. Readers are told, whatever the state: they route by it. */
  prove(replicas: readonly string[]): void {
    const { provenReplicas } = this.#endpoint;
    const same =
      replicas.length === provenReplicas.length &&
      replicas.every((id) => provenReplicas.includes(id));
    if (!same) this.patch({ provenReplicas: replicas, readyReplicas: replicas.length });
  }

  warm(warmth: Warmth, reason: string | null): void {
    this.patch({ warmth, setbacks: 0 });
    this.wait(null);
    if (!this.move('WARM', reason)) this.#changed('WARM', 'WARM', reason);
  }

  /** Sets or clears the reason for waiting; an unchanged reason keeps its `since` and makes no event. */
  wait(waiting: Omit<Waiting, 'since'> | null): void {
    const old = this.#endpoint.waiting;
    if (waiting === null) {
      if (old === null) return;
      this.patch({ waiting: null });
      this.#events.push({
        type: 'deployment.waitingChanged',
        endpointId: this.#endpoint.id,
        waiting: null,
      });
      return;
    }
    const same =
      old?.code === waiting.code &&
      old.message === waiting.message &&
      old.raw === waiting.raw &&
      old.nextAttemptAt === waiting.nextAttemptAt;
    if (same) return;
    const since = old?.code === waiting.code ? old.since : this.#now;
    const next: Waiting = { ...waiting, since };
    this.patch({ waiting: next });
    this.#events.push({
      type: 'deployment.waitingChanged',
      endpointId: this.#endpoint.id,
      waiting: next,
    });
  }

  async save(tx: Transaction): Promise<void> {
    if (this.#endpoint !== this.#stored) {
      const { version } = this.#stored;
      await tx.endpoints.update({ ...this.#endpoint, version: version + 1, updatedAt: this.#now });
    }
    const events = [...this.#events];
    const told = events.some((event) => event.type === 'deployment.endpointChanged');
    const { state, provenReplicas } = this.#endpoint;
    if (!told && provenReplicas !== this.#stored.provenReplicas) {
      events.push(this.#event(state, state, null));
    }
    if (events.length > 0) await tx.events.append(this.#stored.deploymentId, this.#now, events);
  }

  #changed(from: EndpointState | null, to: EndpointState, reason: string | null): void {
    this.#events.push(this.#event(from, to, reason));
  }

  #event(from: EndpointState | null, to: EndpointState, reason: string | null): DeploymentEvent {
    const { id, revisionId, readyReplicas, warmth } = this.#endpoint;
    return {
      type: 'deployment.endpointChanged',
      endpointId: id,
      revisionId,
      from,
      to,
      reason,
      readyReplicas,
      warmth: to === 'WARM' ? warmth : null,
    };
  }
}

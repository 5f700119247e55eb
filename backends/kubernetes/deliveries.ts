import type { Deliveries, Delivery, Received } from '../contract/delivery.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { JobWorkload } from '../contract/workload.ts';
import type { KubernetesSettings } from './config.ts';
import type { PodPlace } from './work-volumes.ts';

/** A server may be started again on another node for as long as it serves. */
const serviceLifetimeSeconds = 10 * 365 * 24 * 3600;

/** How files reach pods and come back where a launcher is configured. Keys are native names: a handle is enough to find one. */
export class SiteDeliveries {
  readonly #settings: KubernetesSettings;
  readonly #deliveries: Deliveries | null;

  constructor(settings: KubernetesSettings, surroundings: BackendSurroundings) {
    this.#settings = settings;
    this.#deliveries = surroundings.deliveries;
  }

  /** Null where no launcher is configured. Idempotent. */
  async open(place: PodPlace, { inputs, resources }: JobWorkload): Promise<Delivery | null> {
    const { launcher, queueLimitSeconds, returnGraceSeconds, keepFinishedSeconds } = this.#settings;
    if (launcher === null) return null;
    const lifetimeSeconds =
      place.kind === 'SERVICE'
        ? serviceLifetimeSeconds
        : Math.ceil(resources.timeLimitSeconds) +
          queueLimitSeconds +
          returnGraceSeconds +
          keepFinishedSeconds;
    return this.#reachable('submit').open(place.name, inputs, { lifetimeSeconds });
  }

  async received(place: PodPlace, operation: string): Promise<Received> {
    return this.#reachable(operation).received(place.name);
  }

  async release(place: PodPlace): Promise<void> {
    if (this.#settings.launcher !== null) await this.#deliveries?.release(place.name);
  }

  #reachable(operation: string): Deliveries {
    if (this.#deliveries !== null) return this.#deliveries;
    const message =
      'Data goes to this cluster through the launcher, and this server has no address for it.';
    throw new BackendError('Unsupported', operation, message);
  }
}

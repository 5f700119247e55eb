import DataLoader from 'dataloader';
import type { Actor } from '../domain/actor.ts';
import type { Services } from '../services/services.ts';

/** What a resolver has: fresh for each operation, and for each event of a subscription, so no answer is stale. */
export interface GraphContext {
  readonly actor: Actor;
  readonly requestId: string;
  readonly services: Services;
  /** Loads one value; calls of the same tick and batch become one call of `batch.load`. */
  load<K, V>(batch: Batch<K, V>, key: K): Promise<V>;
}

/** A batched look-up. Define it once as a constant: the constant is its identity. */
export interface Batch<K, V> {
  /** Values in the order of the keys. */
  readonly load: (keys: readonly K[], context: GraphContext) => Promise<readonly V[]>;
  /** Makes a key comparable when it is not a string or number. */
  readonly cacheKey?: (key: K) => string;
}

export function createContext(actor: Actor, requestId: string, services: Services): GraphContext {
  const loaders = new Map<unknown, DataLoader<unknown, unknown, unknown>>();
  const context: GraphContext = {
    actor,
    requestId,
    services,
    load<K, V>(batch: Batch<K, V>, key: K): Promise<V> {
      let loader = loaders.get(batch) as DataLoader<K, V, unknown> | undefined;
      if (!loader) {
        const { cacheKey } = batch;
        loader = new DataLoader<K, V, unknown>((keys) => batch.load(keys, context), {
          ...(cacheKey && { cacheKeyFn: cacheKey }),
        });
        loaders.set(batch, loader);
      }
      return loader.load(key);
    },
  };
  return context;
}

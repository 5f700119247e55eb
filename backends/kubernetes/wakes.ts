import { setTimeout as sleep } from 'node:timers/promises';
import type { Listener } from '../wakes/listeners.ts';
import { Listeners } from '../wakes/listeners.ts';
import type { KubernetesClient } from './client.ts';
import { labels, manager, paths } from './names.ts';

type Seen = { readonly metadata?: { resourceVersion?: string; labels?: Record<string, string> } };

const backOffMs = { least: 250, most: 10_000 };

/** One watch for each kind of object, for all that is watched here. */
export class Wakes {
  readonly #client: KubernetesClient;
  readonly #listeners: Listeners;

  constructor(client: KubernetesClient, closing: AbortSignal) {
    this.#client = client;
    this.#listeners = new Listeners(closing, (signal) => {
      for (const path of [paths.jobs, paths.pods, paths.deployments]) {
        void this.#follow(path, signal);
      }
    });
  }

  /** `name` is that of a Job or Deployment of ours. */
  listen(name: string, signal: AbortSignal): Listener {
    return this.#listeners.listen(name, signal);
  }

  /** List, watch from there, again from the last version seen; anew when that is too old. Never rejects. */
  async #follow(pathOf: (namespace: string) => string, signal: AbortSignal): Promise<void> {
    let version: string | null = null;
    let failures = 0;
    while (!signal.aborted) {
      const began = performance.now();
      try {
        const path = pathOf(await this.#client.namespace());
        if (version === null) {
          version = await this.#list(path, signal);
          this.#listeners.ringAll();
        }
        version = await this.#watch(path, version, signal);
        failures = 0;
      } catch {
        version = null;
        failures++;
        this.#listeners.ringAll();
      }
      const isRestless = performance.now() - began < backOffMs.least;
      const pause =
        failures === 0
          ? isRestless
            ? backOffMs.least
            : 0
          : Math.min(backOffMs.least * 2 ** (failures - 1), backOffMs.most);
      await sleep(pause, null, { signal }).catch(() => null);
    }
  }

  async #list(path: string, signal: AbortSignal): Promise<string> {
    const list = await this.#client.call<Seen>('watch', {
      method: 'GET',
      path,
      query: { labelSelector: `${labels.managed}=${manager}`, limit: '1' },
      signal,
    });
    return list.metadata?.resourceVersion ?? '';
  }

  /** The version to go on from; null when that is too old. Rejects when the cluster refuses. */
  #watch(path: string, from: string, signal: AbortSignal): Promise<string | null> {
    return new Promise((resolve, reject) => {
      let version: string | null = from;
      const query = {
        labelSelector: `${labels.managed}=${manager}`,
        resourceVersion: from,
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(240 + ((performance.now() % 60) | 0)),
      };
      const onEvent = (phase: string, object: unknown): void => {
        const { metadata } = object as Seen;
        // The end of a version comes inside of a stream that began well.
        if (phase === 'ERROR') version = null;
        else if (version !== null) version = metadata?.resourceVersion ?? version;
        if (phase === 'ERROR') this.#listeners.ringAll();
        else if (phase !== 'BOOKMARK') this.#listeners.ring(metadata?.labels?.[labels.name] ?? '');
      };
      const onEnd = (error: unknown): void => {
        // Thirty quiet seconds are no failure; the library ends a watch then.
        const isQuiet = error === null || (error as Error).name === 'TimeoutError';
        if ((error as { statusCode?: number } | null)?.statusCode === 410) resolve(null);
        else if (isQuiet || signal.aborted) resolve(version);
        else reject(error);
      };
      this.#client
        .watch(path, query, onEvent, onEnd)
        .then((end) => {
          if (signal.aborted) end();
          else signal.addEventListener('abort', end, { once: true });
        })
        .catch(reject);
    });
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { Listener } from '../wakes/listeners.ts';
import { Listeners } from '../wakes/listeners.ts';
import type { NomadClient } from './client.ts';
import { parsed } from './client.ts';
import { refusal } from './errors.ts';
import { endOfObject } from './log-frames.ts';
import { prefix } from './names.ts';

const backOffMs = { least: 250, most: 10_000 };
/** Nomad says something every ten to thirty seconds, if only that it lives. */
const silenceMs = 60_000;
const waitSeconds = 60;
const topics = ['Job', 'Allocation', 'Evaluation', 'Deployment'];

/**
 * One event stream for all that is watched here; where that is not allowed, two blocking queries. They only say where to
 * look again and carry no truth: Nomad forgets old events without a word, so a look follows each new beginning.
 */
export class Wakes {
  readonly #client: NomadClient;
  readonly #listeners: Listeners;

  constructor(client: NomadClient, closing: AbortSignal) {
    this.#client = client;
    this.#listeners = new Listeners(closing, (signal) => void this.#follow(signal));
  }

  /** `name` is that of a job of ours. */
  listen(name: string, signal: AbortSignal): Listener {
    return this.#listeners.listen(name, signal);
  }

  /** Never rejects. */
  async #follow(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const began = performance.now();
      try {
        await this.#events(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isForbidden(error)) {
          const lists = [`/v1/allocations`, `/v1/jobs`].map((path) => this.#list(path, signal));
          await Promise.all(lists);
          return;
        }
        failures++;
      }
      this.#listeners.ringAll();
      if (performance.now() - began > backOffMs.most) failures = 0;
      const pause = Math.min(backOffMs.least * 2 ** failures, backOffMs.most);
      await sleep(pause, null, { signal }).catch(() => null);
    }
  }

  async #events(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const query = topics.map((topic) => `topic=${topic}`).join('&');
    const path = `/v1/event/stream?${query}`;
    const body = await this.#client.stream('watch', { method: 'GET', path }, both);
    this.#listeners.ringAll();
    const silence = setTimeout(() => stop.abort(), silenceMs);
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of body) {
        silence.refresh();
        text += decoder.decode(chunk, { stream: true });
        for (let end = endOfObject(text); end !== null; end = endOfObject(text)) {
          this.#tell(text.slice(0, end));
          text = text.slice(end);
        }
      }
    } finally {
      clearTimeout(silence);
      stop.abort();
    }
  }

  #tell(text: string): void {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return this.#listeners.ringAll();
    }
    const events = isJsonObject(frame) ? frame['Events'] : null;
    if (!Array.isArray(events)) return;
    for (const event of events) {
      if (!isJsonObject(event)) continue;
      const { FilterKeys: keys, Key: key } = event;
      for (const name of Array.isArray(keys) ? [key, ...keys] : [key]) {
        if (typeof name === 'string' && name.startsWith(prefix)) this.#listeners.ring(name);
      }
    }
  }

  /** A list again and again, each time when it changed; an index that goes back begins anew. Never rejects. */
  async #list(path: string, signal: AbortSignal): Promise<void> {
    let index = 0;
    let known = new Map<string, number>();
    for (let failures = 0; !signal.aborted;) {
      try {
        const blocking = index > 0 ? { index: String(index), wait: `${waitSeconds}s` } : {};
        const answer = await this.#client.answer('watch', {
          method: 'GET',
          path,
          query: path === '/v1/jobs' ? { ...blocking, prefix } : { ...blocking },
          signal,
          // A blocking query may take a sixteenth more than was asked for.
          timeoutMs: waitSeconds * 1000 * 1.2 + 10_000,
        });
        if (answer.status >= 300) throw refusal('watch', answer);
        const next = Number(answer.headers['x-nomad-index'] ?? 0) || 0;
        const isAnew = index === 0 || next < index;
        const now = indexes(parsed('watch', answer));
        if (isAnew) this.#listeners.ringAll();
        else {
          for (const name of new Set([...known.keys(), ...now.keys()])) {
            if (known.get(name) !== now.get(name)) this.#listeners.ring(name);
          }
        }
        known = now;
        // Zero would not block.
        index = next < index ? 0 : next;
        failures = 0;
        if (index === 0) await sleep(backOffMs.least, null, { signal }).catch(() => null);
      } catch {
        index = 0;
        this.#listeners.ringAll();
        const pause = Math.min(backOffMs.least * 2 ** failures++, backOffMs.most);
        await sleep(pause, null, { signal }).catch(() => null);
      }
    }
  }
}

/** The latest index of each job in a list of jobs or allocations. */
function indexes(list: unknown): Map<string, number> {
  const found = new Map<string, number>();
  for (const item of Array.isArray(list) ? (list as readonly unknown[]) : []) {
    if (!isJsonObject(item)) continue;
    const { JobID, ID, ModifyIndex } = item;
    const name = typeof JobID === 'string' ? JobID : ID;
    if (typeof name !== 'string' || typeof ModifyIndex !== 'number') continue;
    found.set(name, Math.max(found.get(name) ?? 0, ModifyIndex));
  }
  return found;
}

function isForbidden(error: unknown): boolean {
  if (!(error instanceof BackendError)) return false;
  return ['Unauthorized', 'NotFound', 'Unsupported'].includes(error.kind);
}

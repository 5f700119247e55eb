import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { NomadClient } from './client.ts';
import { parsed } from './client.ts';
import { refusal } from './errors.ts';
import { endOfObject } from './log-frames.ts';
import { prefix } from './names.ts';

export interface Listener {
  /** Until something about it changed, or so many milliseconds passed, or `signal` aborts. */
  next(milliseconds: number): Promise<void>;
  stop(): void;
}

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
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #closing: AbortSignal;
  #stop: AbortController | null = null;

  constructor(client: NomadClient, closing: AbortSignal) {
    this.#client = client;
    this.#closing = closing;
  }

  /** `name` is that of a job of ours. */
  listen(name: string, signal: AbortSignal): Listener {
    let dirty = false;
    let wake: (() => void) | null = null;
    const ring = (): void => {
      dirty = true;
      wake?.();
    };
    const group = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, group.add(ring));
    this.#start();
    signal.addEventListener('abort', ring);
    this.#closing.addEventListener('abort', ring);
    return {
      next: (milliseconds) =>
        new Promise((resolve) => {
          const timer = setTimeout(ring, milliseconds);
          wake = () => {
            clearTimeout(timer);
            wake = null;
            dirty = false;
            resolve();
          };
          if (dirty || signal.aborted || this.#closing.aborted) wake();
        }),
      stop: () => {
        signal.removeEventListener('abort', ring);
        this.#closing.removeEventListener('abort', ring);
        group.delete(ring);
        if (group.size === 0 && this.#listeners.get(name) === group) this.#listeners.delete(name);
        if (this.#listeners.size > 0) return;
        this.#stop?.abort();
        this.#stop = null;
      },
    };
  }

  #start(): void {
    if (this.#stop !== null) return;
    this.#stop = new AbortController();
    void this.#follow(AbortSignal.any([this.#stop.signal, this.#closing]));
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
      this.#ringAll();
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
    this.#ringAll();
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
      return this.#ringAll();
    }
    const events = isJsonObject(frame) ? frame['Events'] : null;
    if (!Array.isArray(events)) return;
    for (const event of events) {
      if (!isJsonObject(event)) continue;
      const { FilterKeys: keys, Key: key } = event;
      for (const name of Array.isArray(keys) ? [key, ...keys] : [key]) {
        if (typeof name === 'string' && name.startsWith(prefix)) this.#ring(name);
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
        if (isAnew) this.#ringAll();
        else {
          for (const name of new Set([...known.keys(), ...now.keys()])) {
            if (known.get(name) !== now.get(name)) this.#ring(name);
          }
        }
        known = now;
        // Zero would not block.
        index = next < index ? 0 : next;
        failures = 0;
        if (index === 0) await sleep(backOffMs.least, null, { signal }).catch(() => null);
      } catch {
        index = 0;
        this.#ringAll();
        const pause = Math.min(backOffMs.least * 2 ** failures++, backOffMs.most);
        await sleep(pause, null, { signal }).catch(() => null);
      }
    }
  }

  #ring(name: string): void {
    for (const ring of this.#listeners.get(name) ?? []) ring();
  }

  #ringAll(): void {
    for (const group of this.#listeners.values()) for (const ring of group) ring();
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

export interface Listener {
  /** Until something about it changed, or so many milliseconds passed, or `signal` aborts. */
  next(milliseconds: number): Promise<void>;
  stop(): void;
}

/**
 * Who waits for news of jobs and services, by name. What a cluster tells only says where to look again and carries no
 * truth: a ring that is lost, doubled or late costs a look, never a state.
 */
export class Listeners {
  readonly #rings = new Map<string, Set<() => void>>();
  readonly #closing: AbortSignal;
  readonly #follow: (signal: AbortSignal) => void;
  #stop: AbortController | null = null;

  /** `follow` rings for what it hears until its signal aborts: it is begun for the first who listens and ended after the last. */
  constructor(closing: AbortSignal, follow: (signal: AbortSignal) => void) {
    this.#closing = closing;
    this.#follow = follow;
  }

  /** `name` is that of a native object of ours. */
  listen(name: string, signal: AbortSignal): Listener {
    let dirty = false;
    let wake: (() => void) | null = null;
    const ring = (): void => {
      dirty = true;
      wake?.();
    };
    const group = this.#rings.get(name) ?? new Set();
    this.#rings.set(name, group.add(ring));
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
        if (group.size === 0 && this.#rings.get(name) === group) this.#rings.delete(name);
        if (this.#rings.size > 0) return;
        this.#stop?.abort();
        this.#stop = null;
      },
    };
  }

  ring(name: string): void {
    for (const ring of this.#rings.get(name) ?? []) ring();
  }

  ringAll(): void {
    for (const group of this.#rings.values()) for (const ring of group) ring();
  }

  #start(): void {
    if (this.#stop !== null) return;
    this.#stop = new AbortController();
    this.#follow(AbortSignal.any([this.#stop.signal, this.#closing]));
  }
}

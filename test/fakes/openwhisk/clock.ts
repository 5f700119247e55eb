/** Runs with real time, and can be moved on: what is due then happens in its order. */
export class MovableClock {
  #offset = 0;
  readonly #timers = new Map<Timer, NodeJS.Timeout>();

  /** Epoch milliseconds. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** Returns a function that takes it back. */
  schedule(milliseconds: number, work: () => void): () => void {
    const timer: Timer = { at: this.now() + milliseconds, work };
    this.#start(timer);
    return () => this.#stop(timer);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.schedule(milliseconds, resolve));
  }

  advance(milliseconds: number): void {
    this.#offset += milliseconds;
    const timers = [...this.#timers.keys()].toSorted((a, b) => a.at - b.at);
    for (const timer of timers) {
      // An earlier one may have taken it back.
      if (!this.#timers.has(timer)) continue;
      this.#stop(timer);
      if (timer.at <= this.now()) timer.work();
      else this.#start(timer);
    }
  }

  close(): void {
    for (const timer of this.#timers.keys()) this.#stop(timer);
  }

  #start(timer: Timer): void {
    const fire = (): void => {
      this.#timers.delete(timer);
      timer.work();
    };
    this.#timers.set(timer, setTimeout(fire, Math.max(0, timer.at - this.now())));
  }

  #stop(timer: Timer): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }
}

interface Timer {
  readonly at: number;
  readonly work: () => void;
}

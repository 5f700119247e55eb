const stopping = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
const passedOn = ['SIGUSR1', 'SIGUSR2'] as const;

/** Signals to this process: what they are to do depends on how far the work is. */
export class StopSignals {
  /** The first one that asked for the end; null before. */
  first: NodeJS.Signals | null = null;
  #count = 0;
  #onStop: (signal: NodeJS.Signals, count: number) => void = () => {};
  #onOther: (signal: NodeJS.Signals) => void = () => {};

  constructor() {
    for (const signal of stopping) {
      process.on(signal, () => {
        this.first ??= signal;
        this.#onStop(signal, ++this.#count);
      });
    }
    for (const signal of passedOn) process.on(signal, () => this.#onOther(signal));
  }

  /** What a signal does from now on; one that came before is told at once. */
  handle(
    onStop: (signal: NodeJS.Signals, count: number) => void,
    onOther: (signal: NodeJS.Signals) => void = () => {},
  ): void {
    this.#count = 0;
    this.#onStop = onStop;
    this.#onOther = onOther;
  }
}

export interface ThrottleLimits {
  readonly invocationsPerMinute: number;
  readonly concurrentInvocations: number;
}

/** Of one namespace. The window is a minute of the calendar, and a call that is refused counts too. */
export class Throttles {
  readonly #limits: ThrottleLimits;
  #minute = 0;
  #count = 0;
  #inFlight = 0;

  constructor(limits: ThrottleLimits) {
    this.#limits = limits;
  }

  /** The words of the refusal; null when the call may go on. */
  refusal(now: number): string | null {
    const minute = Math.floor(now / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#count = 0;
    }
    this.#count++;
    const { invocationsPerMinute, concurrentInvocations } = this.#limits;
    if (this.#count > invocationsPerMinute) {
      return `Too many requests in the last minute (count: ${this.#count}, allowed: ${invocationsPerMinute}).`;
    }
    if (this.#inFlight >= concurrentInvocations) {
      return `Too many concurrent requests in flight (count: ${this.#inFlight}, allowed: ${concurrentInvocations}).`;
    }
    return null;
  }

  during(work: Promise<unknown>): void {
    this.#inFlight++;
    void work.finally(() => this.#inFlight--);
  }
}

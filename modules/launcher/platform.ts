import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, AwayError, exchange, RefusedError, type Request } from './exchange.ts';

/** Nothing got through for as long as it was to be tried. */
export class GaveUpError extends Error {}

/** The token opens nothing any more: there is nobody to bring anything to. */
export class ShutError extends Error {}

/** Another launcher has the work now. */
export class SupersededError extends Error {}

const firstDelayMs = 200;
const longestDelayMs = 15_000;

export interface Exit {
  readonly cause: string;
  readonly code: number | null;
  readonly signal: string | null;
  /** For a person. */
  readonly message: string;
  /** Epoch milliseconds; null when the program never started. */
  readonly startedAt: number | null;
  readonly endedAt: number;
}

/**
 * The platform as one delivery sees it. What does not get through is tried again, later and later, until nothing has got
 * through for `giveUpMs`; the platform's own no is final.
 */
export class Platform {
  readonly #url: string;
  readonly #token: string;
  readonly #giveUpMs: number;
  /** When patience began; it never ends while the program runs. */
  #since = performance.now();
  #isUnderWay = false;
  readonly #say: (text: string) => void;
  #session = '';
  #isAway = false;
  /** Aborts what is under way when there is no reason to go on. */
  readonly #over = new AbortController();
  #overBecause: Error | null = null;

  constructor(options: {
    readonly url: string;
    readonly token: string;
    readonly giveUpMs: number;
    readonly say: (text: string) => void;
  }) {
    this.#url = options.url;
    this.#token = options.token;
    this.#giveUpMs = options.giveUpMs;
    this.#say = options.say;
  }

  /** Sent with everything that changes something. */
  useSession(session: string): void {
    this.#session = session;
  }

  /** While the program runs there is always something to wait for; when it has ended, patience begins anew. */
  setUnderWay(isUnderWay: boolean): void {
    this.#isUnderWay = isUnderWay;
    this.#since = performance.now();
  }

  /** Why nothing is asked any more; null as long as it is. */
  get overBecause(): Error | null {
    return this.#overBecause;
  }

  /** Aborts when nothing is asked any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Ends every wait and refuses every further request with `because`. */
  end(because: Error): void {
    this.#overBecause ??= because;
    this.#over.abort();
  }

  address(path: string): string {
    return `${this.#url}/${path}`;
  }

  /** Waits for an answer through any absence. */
  ask(method: Request['method'], path: string, request: Partial<Request> = {}): Promise<Answer> {
    return this.patiently(() => this.once(method, path, request));
  }

  /** One attempt, with the token. Rejects with AwayError, RefusedError, ShutError, SupersededError. */
  async once(
    method: Request['method'],
    path: string,
    request: Partial<Request> = {},
  ): Promise<Answer> {
    const headers = {
      ...request.headers,
      authorization: `Bearer ${this.#token}`,
      ...(this.#session === '' ? {} : { 'fathom-session': this.#session }),
    };
    try {
      const url = this.address(path);
      return this.#heard(
        await exchange({
          ...request,
          method,
          url,
          headers,
          isOurs: (answer) => answer['fathom-code'] === 'OK',
          signal: this.#over.signal,
        }),
      );
    } catch (error) {
      throw this.#judged(error);
    }
  }

  /** Like `once`, for an address that has its permission in itself. */
  async open(request: Omit<Request, 'signal'>): Promise<Answer> {
    return this.#heard(await exchange({ ...request, signal: this.#over.signal }));
  }

  /**
   * Repeats `attempt` while it ends in AwayError. An attempt that got further than the one before says so, and patience
   * begins anew. Rejects with GaveUpError in the end.
   */
  async patiently<T>(attempt: (count: number, gotFurther: () => void) => Promise<T>): Promise<T> {
    let failures = 0;
    let since = performance.now();
    const gotFurther = (): void => {
      failures = 0;
      since = performance.now();
    };
    for (let count = 0; ; count++) {
      if (this.#overBecause !== null) throw this.#overBecause;
      try {
        return await attempt(count, gotFurther);
      } catch (error) {
        if (this.#overBecause !== null) throw this.#overBecause;
        if (!(error instanceof AwayError)) throw error;
        await this.#wait(error, failures++, Math.max(since, this.#since));
      }
    }
  }

  #heard(answer: Answer): Answer {
    if (this.#isAway) this.#say('the platform answers again');
    this.#isAway = false;
    return answer;
  }

  #judged(error: unknown): unknown {
    if (!(error instanceof RefusedError)) return error;
    if (error.code === 'UNAUTHENTICATED') this.end(new ShutError(error.message));
    else if (error.code === 'VERSION_CONFLICT') this.end(new SupersededError(error.message));
    else return error;
    return this.#overBecause;
  }

  async #wait(error: AwayError, count: number, since: number): Promise<void> {
    const triedMs = performance.now() - since;
    if (triedMs > this.#giveUpMs && !this.#isUnderWay) {
      const seconds = Math.round(triedMs / 1000);
      this.end(new GaveUpError(`nothing got through for ${seconds} s: ${error.message}`));
      return;
    }
    if (!this.#isAway && count >= 2) {
      this.#isAway = true;
      this.#say(`the platform does not answer (${error.message}); trying on`);
    }
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(count, 10));
    const asked = error.retryAfterMs ?? 0;
    const wait = Math.max(Math.min(asked, longestDelayMs), delay * (0.5 + Math.random() / 2));
    await pause(wait, undefined, { signal: this.#over.signal }).catch(() => undefined);
  }
}

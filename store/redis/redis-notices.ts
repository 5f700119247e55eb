import { createClient } from 'redis';
import type { OtherWriters } from '../relational/wake.ts';

/** While Redis is away waiters look again this often. */
const lookMs = 200;
/** The most that a lost notice can delay while it is there: Redis keeps none for who was not listening. */
const lookWhileListeningMs = 5_000;
const longestPauseMs = 2_000;
const connectMs = 2_000;
const pingMs = 2_000;

export interface RedisNoticesOptions {
  /** `redis[s]://user:password@host:port`. */
  readonly url: string;
  /** Processes that hear each other: those on one database. */
  readonly channel: string;
  /** Names this process among them, and is a plain word. */
  readonly instance: string;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

type Client = ReturnType<typeof createClient>;

/**
 * Wakes other processes over Redis, which only wakes and never carries the truth: whoever loses it looks into the store
 * instead, five times a second, until it is back. Nothing here rejects, and nothing waits for Redis.
 */
export class RedisNotices implements OtherWriters {
  readonly everyMs = lookMs;
  readonly #options: RedisNoticesOptions;
  readonly #speaker: Client;
  readonly #listener: Client;
  #isListening = false;
  #isSubscribed = false;
  #missed = false;
  #lookedAt = 0;
  #pending = new Set<string>();
  #closed = false;

  constructor(options: RedisNoticesOptions) {
    this.#options = options;
    this.#speaker = clientFor(options.url);
    this.#listener = clientFor(options.url);
    // Until it is ready again nobody told us anything.
    const away = (): void => {
      this.#isListening = false;
    };
    for (const client of [this.#speaker, this.#listener]) {
      // Each of these is one try of many; that it is away is said by `isListening`.
      client.on('error', away);
      client.on('reconnecting', away);
      client.on('end', away);
    }
    for (const client of [this.#speaker, this.#listener]) client.on('ready', () => this.#back());
  }

  get complaint(): string | null {
    return this.#isListening
      ? null
      : 'Redis cannot be reached; events of other processes are looked for instead.';
  }

  get isListening(): boolean {
    return this.#isListening;
  }

  /** Begins to listen, and goes on trying until it is closed. Resolves at once: nobody waits for Redis. */
  start(heard: (topic: string) => void): void {
    const { channel, instance } = this.#options;
    const listen = async (): Promise<void> => {
      await this.#listener.connect();
      await this.#listener.subscribe(channel, (message) => {
        const at = message.indexOf(' ');
        if (message.slice(0, at) !== instance) heard(message.slice(at + 1));
      });
      // From now on the client subscribes by itself before it says that it is ready.
      this.#isSubscribed = true;
      this.#back();
    };
    for (const begin of [listen(), this.#speaker.connect()]) begin.catch(() => undefined);
  }

  haveWritten(): boolean {
    const now = this.#options.elapsed();
    const isDue = !this.#isListening || now - this.#lookedAt >= lookWhileListeningMs;
    if (!isDue && !this.#missed) return false;
    this.#missed = false;
    this.#lookedAt = now;
    return true;
  }

  /** Topics of one turn go together, each once. False when it cannot: somebody else may. */
  tell(topic: string): boolean {
    if (!this.#isListening || this.#closed) return false;
    if (this.#pending.size === 0) queueMicrotask(() => this.#send());
    this.#pending.add(topic);
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#isListening = false;
    for (const client of [this.#speaker, this.#listener]) if (client.isOpen) client.destroy();
  }

  /** Whatever was told before was not heard. */
  #back(): void {
    this.#isListening = this.#isSubscribed && this.#speaker.isReady && this.#listener.isReady;
    this.#missed = true;
  }

  #send(): void {
    const { channel, instance } = this.#options;
    const topics = [...this.#pending];
    this.#pending = new Set();
    if (this.#closed) return;
    for (const topic of topics) {
      this.#speaker.publish(channel, `${instance} ${topic}`).catch(() => undefined);
    }
  }
}

function clientFor(url: string): Client {
  return createClient({
    url,
    // A notice that waits for Redis to come back tells nobody anything new.
    disableOfflineQueue: true,
    pingInterval: pingMs,
    socket: {
      connectTimeout: connectMs,
      // A peer that vanished without a word is found by an unanswered ping.
      socketTimeout: 3 * pingMs,
      reconnectStrategy: (retries) => Math.min(longestPauseMs, 50 * 2 ** Math.min(retries, 10)),
    },
  });
}

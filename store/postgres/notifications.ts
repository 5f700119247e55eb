import type { Client } from 'pg';
import type { Notices } from '../relational/wake.ts';

/** While we cannot listen, waiters look again this often; also the most that a lost notice can delay while we can. */
const lookMs = 200;
const lookWhileListeningMs = 5_000;
const longestPauseMs = 5_000;
/** PostgreSQL takes 8,000 bytes. A topic that is longer becomes "look, whatever you wait for". */
const longestTopic = 7_000;

export interface NotificationsOptions {
  /** A new connection, not connected yet; it is used for nothing else. */
  readonly connect: () => Client;
  /** Names this process among those that notify, and is a plain word. */
  readonly instance: string;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

/**
 * Wakes other processes by NOTIFY, and hears of them by LISTEN, on one connection of its own. A notice is sent after the
 * commit, not in it: PostgreSQL would let such commits pass one by one. So one that is lost (a process killed in between, a
 * connection lost) is made good by looking every few seconds; while there is no connection, five times a second.
 */
export class Notifications implements Notices {
  readonly everyMs = lookMs;
  readonly #options: NotificationsOptions;
  #client: Client | null = null;
  #channel = '';
  #heard: (topic: string) => void = () => undefined;
  #pending = new Set<string>();
  #sending = false;
  #missed = false;
  #lookedAt = 0;
  #pauseMs = lookMs;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #connecting: Promise<void> = Promise.resolve();

  constructor(options: NotificationsOptions) {
    this.#options = options;
  }

  get isListening(): boolean {
    return this.#client !== null;
  }

  get complaint(): string | null {
    return this.isListening
      ? null
      : 'The database does not tell of changes by other processes; they are looked for instead.';
  }

  /** Begins to listen; when that fails it tries again until it is closed. */
  start(heard: (topic: string) => void): Promise<void> {
    this.#heard = heard;
    this.#connecting = this.#connect();
    return this.#connecting;
  }

  haveWritten(): boolean {
    const now = this.#options.elapsed();
    const isDue = !this.isListening || now - this.#lookedAt >= lookWhileListeningMs;
    if (!isDue && !this.#missed) return false;
    this.#missed = false;
    this.#lookedAt = now;
    return true;
  }

  tell(topic: string): void {
    if (this.#client === null) return;
    this.#pending.add(Buffer.byteLength(topic) > longestTopic ? '' : topic);
    if (!this.#sending) void this.#send();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#connecting;
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  /** What was asked for while one notice was on its way goes with the next one. */
  async #send(): Promise<void> {
    this.#sending = true;
    while (this.#pending.size > 0 && this.#client !== null) {
      const topics = [...this.#pending].map((topic) => `${this.#options.instance} ${topic}`);
      this.#pending = new Set();
      await this.#client
        .query('select pg_notify($1, topic) from unnest($2::text[]) as topic', [
          this.#channel,
          topics,
        ])
        .catch(() => undefined);
    }
    this.#sending = false;
  }

  async #connect(): Promise<void> {
    if (this.#closed) return;
    const client = this.#options.connect();
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload = '' }) => {
      const [instance, ...rest] = payload.split(' ');
      if (instance === this.#options.instance) return;
      const topic = rest.join(' ');
      if (topic === '') this.#missed = true;
      else this.#heard(topic);
    });
    try {
      await client.connect();
      const { rows } = await client.query<{ schema: string }>(
        'select current_schema()::text as schema',
      );
      this.#channel = `fathom_${rows[0]?.schema ?? ''}`.slice(0, 60);
      await client.query(`listen "${this.#channel.replaceAll('"', '""')}"`);
      // Nobody told us of what happened before.
      this.#missed = true;
      this.#pauseMs = lookMs;
      this.#client = client;
    } catch {
      this.#again();
      await client.end().catch(() => undefined);
    }
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#again();
  }

  #again(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#connecting = this.#connect();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }
}

import type { Notices, OtherWriters } from '../relational/wake.ts';

/** Something faster than the database that tells of topics, and may be away. */
export interface SideNotices extends OtherWriters {
  readonly complaint: string | null;
  start(heard: (topic: string) => void): void;
  /** False when it cannot. */
  tell(topic: string): boolean;
  close(): void;
}

/**
 * Work is told by the database, whose workers need nothing else. Events and lines, of which there are many and which many
 * gateways follow, go beside it, and over the database only while that is away.
 */
export class RoutedNotices implements Notices {
  readonly everyMs: number;
  readonly #database: Notices;
  readonly #side: SideNotices;

  constructor(database: Notices, side: SideNotices) {
    this.everyMs = Math.min(database.everyMs, side.everyMs);
    this.#database = database;
    this.#side = side;
  }

  get complaint(): string | null {
    const complaints = [this.#database.complaint, this.#side.complaint];
    return complaints.filter((one) => one !== null).join(' ') || null;
  }

  haveWritten(): boolean {
    // Both are asked: each forgets what it answered.
    const [database, side] = [this.#database.haveWritten(), this.#side.haveWritten()];
    return database || side;
  }

  tell(topic: string): void {
    if (topic.startsWith('work:') || !this.#side.tell(topic)) this.#database.tell(topic);
  }

  async close(): Promise<void> {
    this.#side.close();
    await this.#database.close();
  }
}

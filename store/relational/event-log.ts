import { sql } from 'kysely';
import type { DomainEvent, RecordedEvent } from '../../domain/event.ts';
import type { EventReader, EventsOf, EventWriter } from '../contract/store.ts';
import type { Dialect, Session, WriteSession } from './session.ts';
import type { Wake } from './wake.ts';

/** Append-only, gapless by aggregate. */
export class EventLogReader implements EventReader {
  readonly #session: Session;
  readonly #wake: Wake;

  constructor(session: Session, wake: Wake) {
    this.#session = session;
    this.#wake = wake;
  }

  async read(aggregateId: string, after: number, limit: number): Promise<readonly RecordedEvent[]> {
    const rows = await this.#session.query(
      sql<{ sequence: number; at: number; doc: string }>`select sequence, at, doc from events
        where "aggregateId" = ${aggregateId} and sequence > ${after} order by sequence limit ${limit}`,
    );
    return rows.map((row) => ({
      aggregateId,
      sequence: row.sequence,
      at: row.at,
      event: JSON.parse(row.doc) as DomainEvent,
    }));
  }

  async head(aggregateId: string): Promise<number> {
    const rows = await this.#session.query(
      sql<{ head: number | null }>`select max(sequence) as head from events
        where "aggregateId" = ${aggregateId}`,
    );
    return rows[0]?.head ?? 0;
  }

  changed(aggregateId: string, after: number, signal: AbortSignal): Promise<void> {
    return this.#wake.wait(
      [eventTopic(aggregateId)],
      async () => (await this.head(aggregateId)) > after,
      signal,
    );
  }
}

export class EventLogWriter implements EventWriter {
  readonly #session: WriteSession;
  readonly #dialect: Dialect;
  readonly #wake: Wake;

  constructor(session: WriteSession, dialect: Dialect, wake: Wake) {
    this.#session = session;
    this.#dialect = dialect;
    this.#wake = wake;
  }

  append(aggregateId: string, at: number, events: readonly DomainEvent[]): Promise<void> {
    return this.appendToEach([aggregateId], at, events);
  }

  async appendToEach(
    aggregateIds: readonly string[],
    at: number,
    events: readonly DomainEvent[],
  ): Promise<void> {
    await this.appendAll(
      at,
      aggregateIds.map((aggregateId) => ({ aggregateId, events })),
    );
  }

  async appendAll(at: number, logs: readonly EventsOf[]): Promise<void> {
    const values = logs.flatMap(({ aggregateId, events }) =>
      events.map((event, index) => [aggregateId, index + 1, at, JSON.stringify(event)]),
    );
    if (values.length === 0) return;
    // One statement, so that two appends of one transaction cannot take the same number.
    await this.#session.send(
      sql`insert into events ("aggregateId", sequence, at, doc)
        select r."aggregateId", r.nth + coalesce((select max(e.sequence) from events as e
          where e."aggregateId" = r."aggregateId"), 0), r.at, r.doc
        from ${this.#dialect.rows(appendColumns, values)} as r`,
    );
    this.#session.afterCommit(() => {
      for (const { aggregateId, events } of logs) {
        if (events.length > 0) this.#wake.notify(eventTopic(aggregateId));
      }
    });
  }
}

const appendColumns = [
  { name: 'aggregateId', type: 'text' },
  { name: 'nth', type: 'integer' },
  { name: 'at', type: 'integer' },
  { name: 'doc', type: 'text' },
] as const;

function eventTopic(aggregateId: string): string {
  return `events:${aggregateId}`;
}

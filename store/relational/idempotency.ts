import { sql } from 'kysely';
import type { Json } from '../../domain/json.ts';
import type { Idempotency } from '../contract/store.ts';
import type { Session, WriteSession } from './session.ts';

/** Keys live in the transaction that acts under them: whoever comes second sees the first one's answer or nothing. */
export class RelationalIdempotency implements Idempotency {
  readonly #session: WriteSession;
  readonly #now: () => number;
  /** By this transaction, so that to remember needs no answer. */
  readonly #claimed = new Set<string>();

  constructor(session: WriteSession, now: () => number) {
    this.#session = session;
    this.#now = now;
  }

  async claim(
    scope: string,
    key: string,
    inputDigest: string,
  ): Promise<{ readonly inputDigest: string; readonly answer: Json } | null> {
    const taken = await this.#session.query(
      sql`insert into idempotency (scope, key, "inputDigest", "createdAt")
        values (${scope}, ${key}, ${inputDigest}, ${this.#now()})
        on conflict do nothing returning key`,
    );
    this.#claimed.add(JSON.stringify([scope, key]));
    if (taken.length > 0) return null;
    const rows = await this.#session.query(
      sql<{ inputDigest: string; answer: string | null }>`select "inputDigest", answer
        from idempotency where scope = ${scope} and key = ${key}`,
    );
    const row = rows[0];
    if (row === undefined) throw new Error(`The idempotency key ${key} vanished.`);
    return {
      inputDigest: row.inputDigest,
      answer: row.answer === null ? null : (JSON.parse(row.answer) as Json),
    };
  }

  async remember(scope: string, key: string, answer: Json): Promise<void> {
    if (!this.#claimed.has(JSON.stringify([scope, key]))) {
      throw new Error(`The idempotency key ${key} was not claimed.`);
    }
    await this.#session.send(
      sql`update idempotency set answer = ${JSON.stringify(answer)}
        where scope = ${scope} and key = ${key}`,
    );
  }
}

/** 1, 2, 3 … by name. A transaction that is rolled back gives its number back. */
export async function nextNumber(session: Session, counter: string): Promise<number> {
  const rows = await session.query(
    sql<{ value: number }>`insert into counters (name, value) values (${counter}, 1)
      on conflict (name) do update set value = counters.value + 1 returning value`,
  );
  if (rows[0] === undefined) throw new Error(`The counter ${counter} gave no number.`);
  return rows[0].value;
}

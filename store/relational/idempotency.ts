import { sql } from 'kysely';
import type { Json } from '../../domain/json.ts';
import type { Idempotency, IdempotencyClaim } from '../contract/store.ts';
import type { Dialect, Session, WriteSession } from './session.ts';

/** Keys live in the transaction that acts under them: whoever comes second sees the first one's answer or nothing. */
export class RelationalIdempotency implements Idempotency {
  readonly #session: WriteSession;
  readonly #dialect: Dialect;
  readonly #now: () => number;
  /** By this transaction, so that to remember needs no answer. */
  readonly #claimed = new Set<string>();

  constructor(session: WriteSession, dialect: Dialect, now: () => number) {
    this.#session = session;
    this.#dialect = dialect;
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
    this.#claimed.add(nameOf({ scope, key }));
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
    if (!this.#claimed.has(nameOf({ scope, key }))) {
      throw new Error(`The idempotency key ${key} was not claimed.`);
    }
    await this.#session.send(
      sql`update idempotency set answer = ${JSON.stringify(answer)}
        where scope = ${scope} and key = ${key}`,
    );
  }

  async claimEach(
    claims: readonly IdempotencyClaim[],
  ): Promise<readonly ({ readonly inputDigest: string; readonly answer: Json } | null)[]> {
    if (claims.length === 0) return [];
    const now = this.#now();
    const values = claims.map(({ scope, key, inputDigest, answer }) => [
      scope,
      key,
      inputDigest,
      JSON.stringify(answer),
      now,
    ]);
    const taken = await this.#session.query(
      sql<KeyRow>`insert into idempotency (scope, key, "inputDigest", answer, "createdAt")
        select scope, key, "inputDigest", answer, "createdAt"
        from ${this.#dialect.rows(claimColumns, values)} as r where true
        on conflict do nothing returning scope, key`,
    );
    const free = new Set(taken.map(nameOf));
    const others = claims.filter((claim) => !free.has(nameOf(claim)));
    const bound = await this.#boundTo(others);
    return claims.map((claim) => {
      if (free.has(nameOf(claim))) return null;
      const row = bound.get(nameOf(claim));
      if (row === undefined) throw new Error(`The idempotency key ${claim.key} vanished.`);
      return row;
    });
  }

  async #boundTo(
    keys: readonly KeyRow[],
  ): Promise<ReadonlyMap<string, { readonly inputDigest: string; readonly answer: Json }>> {
    if (keys.length === 0) return new Map();
    const values = keys.map(({ scope, key }) => [scope, key]);
    const rows = await this.#session.query(
      sql<KeyRow & { inputDigest: string; answer: string | null }>`select i.scope, i.key,
          i."inputDigest", i.answer from ${this.#dialect.rows(claimColumns.slice(0, 2), values)} as r
        join idempotency as i on i.scope = r.scope and i.key = r.key`,
    );
    return new Map(
      rows.map((row) => [
        nameOf(row),
        {
          inputDigest: row.inputDigest,
          answer: row.answer === null ? null : (JSON.parse(row.answer) as Json),
        },
      ]),
    );
  }
}

interface KeyRow {
  readonly scope: string;
  readonly key: string;
}

const claimColumns = [
  { name: 'scope', type: 'text' },
  { name: 'key', type: 'text' },
  { name: 'inputDigest', type: 'text' },
  { name: 'answer', type: 'text' },
  { name: 'createdAt', type: 'integer' },
] as const;

function nameOf({ scope, key }: KeyRow): string {
  return JSON.stringify([scope, key]);
}

/** The first of `count` numbers: 1, 2, 3 … by name. A transaction that is rolled back gives them back. */
export async function nextNumbers(
  session: Session,
  counter: string,
  count: number,
): Promise<number> {
  const rows = await session.query(
    sql<{ value: number }>`insert into counters (name, value) values (${counter}, ${count})
      on conflict (name) do update set value = counters.value + excluded.value returning value`,
  );
  if (rows[0] === undefined) throw new Error(`The counter ${counter} gave no number.`);
  return rows[0].value - count + 1;
}

export function nextNumber(session: Session, counter: string): Promise<number> {
  return nextNumbers(session, counter, 1);
}

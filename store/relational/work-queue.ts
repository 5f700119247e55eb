import { sql, type RawBuilder } from 'kysely';
import { LeaseLostError } from '../contract/store.ts';
import type { Lease, WorkQueue } from '../contract/work.ts';
import { anyOf } from './conditions.ts';
import type { Dialect, Engine, Session, WriteSession } from './session.ts';
import type { Wake } from './wake.ts';

export type ClaimRequest = Parameters<WorkQueue['claim']>[0];

/** Takes due rows and gives each a token greater than all before, in one step. */
export interface Claims {
  take(session: Session, request: ClaimRequest): Promise<readonly Lease[]>;
}

/**
 * A row is leased when it has a token. `readyAt` is when a worker may take it: when it is due, or when its lease ends.
 * Tokens come from one counter over all rows, so that a row which was removed and asked for again does not repeat one.
 */
export class RelationalWorkQueue implements WorkQueue {
  readonly #engine: Engine;
  readonly #claims: Claims;
  readonly #wake: Wake;
  readonly #now: () => number;

  constructor(engine: Engine, claims: Claims, wake: Wake, now: () => number) {
    this.#engine = engine;
    this.#claims = claims;
    this.#wake = wake;
    this.#now = now;
  }

  enqueue(kind: string, key: string, dueAt: number): Promise<void> {
    const { dialect } = this.#engine;
    return this.#engine.step((session) =>
      enqueue(session, { dialect, wake: this.#wake }, kind, [key], dueAt),
    );
  }

  async claim(request: ClaimRequest): Promise<readonly Lease[]> {
    const { kinds, now, limit } = request;
    // An idle worker looks often; it should not take the write lock for that.
    const due = await this.nextDue(kinds);
    if (due === null || due > now || limit < 1) return [];
    return this.#engine.step((session) => this.#claims.take(session, request), mayBeLost);
  }

  async renew(lease: Lease, until: number): Promise<boolean> {
    return this.#engine.step(async (session) => {
      const rows = await session.query(
        sql`update work set "readyAt" = ${until} where kind = ${lease.kind} and key = ${lease.key}
          and token = ${lease.token} returning key`,
      );
      return rows.length > 0;
    }, mayBeLost);
  }

  release(lease: Lease, nextDueAt: number | null): Promise<void> {
    return this.releaseAll([lease], nextDueAt);
  }

  async releaseAll(leases: readonly Lease[], nextDueAt: number | null): Promise<void> {
    const [first] = leases;
    if (first === undefined) return;
    const { kind } = first;
    const { dialect } = this.#engine;
    return this.#engine.step(async (session) => {
      const ours = areOurs(dialect, leases);
      // In one order, so that two who lock several rows do not wait for each other.
      await session.query(sql`select key from work where ${ours} order by key ${dialect.lockRows}`);
      if (nextDueAt === null) {
        await session.query(sql`delete from work where ${ours} and "wishAt" is null`);
      }
      const due = nextDueAt === null ? sql`"wishAt"` : earlier(nextDueAt);
      const woken = await session.query(
        sql`update work set "readyAt" = ${due}, token = null, worker = null, "wishAt" = null
          where ${ours} returning key`,
      );
      if (woken.length > 0) session.afterCommit(() => this.#wake.notify(workTopic(kind)));
    }, mayBeLost);
  }

  async recall(): Promise<void> {
    await this.#engine.transaction((session) => freeLeases(session, this.#now()));
  }

  changed(kinds: readonly string[], signal: AbortSignal): Promise<void> {
    // What another process asks for is seen by the first due time; one that comes earlier than before is new.
    let known: number | undefined;
    return this.#wake.wait(
      kinds.map(workTopic),
      async () => {
        const due = await this.nextDue(kinds);
        known ??= due ?? Infinity;
        return due !== null && (due <= this.#now() || due < known);
      },
      signal,
    );
  }

  async nextDue(kinds: readonly string[]): Promise<number | null> {
    // Kind by kind, so that each is one look at the index, however much there is to do.
    const rows = await this.#engine.reads.query(
      sql<{ due: number | null }>`select (select min(w."readyAt") from work as w
        where w.kind = p.value) as due from ${this.#engine.dialect.list(kinds)} as p`,
    );
    const dues = rows.flatMap(({ due }) => (due === null ? [] : [due]));
    return dues.length === 0 ? null : Math.min(...dues);
  }

  async keys(kind: string, after: string | null, limit: number): Promise<readonly string[]> {
    const rows = await this.#engine.reads.query(
      sql<{ key: string }>`select key from work where kind = ${kind} and key > ${after ?? ''}
        order by key limit ${limit}`,
    );
    return rows.map(({ key }) => key);
  }

  async size(kind: string): Promise<number> {
    const rows = await this.#engine.reads.query(
      sql<{ size: number }>`select count(*) as size from work where kind = ${kind}`,
    );
    return rows[0]?.size ?? 0;
  }
}

/**
 * Who holds a lease loses nothing when the claim, its renewal or its end is undone by a loss of power: then nobody holds
 * it, and things are looked at once more.
 */
const mayBeLost = { mayBeLost: true } as const;

function earlier(at: number): RawBuilder<unknown> {
  return sql`case when "wishAt" < ${at} then "wishAt" else ${at} end`;
}

/** Within a transaction: asks for a look at each key, now or after the lease that is held. */
export async function enqueue(
  session: WriteSession,
  { dialect, wake }: { readonly dialect: Dialect; readonly wake: Wake },
  kind: string,
  keys: readonly string[],
  dueAt: number,
): Promise<void> {
  if (keys.length === 0) return;
  await session.send(
    sql`insert into work (kind, key, "readyAt", claims)
      select ${kind}, value, ${dueAt}, 0 from ${dialect.list([...new Set(keys)])} as r where true
      on conflict (kind, key) do update set
        "readyAt" = case when work.token is null and excluded."readyAt" < work."readyAt"
          then excluded."readyAt" else work."readyAt" end,
        "wishAt" = case when work.token is null then work."wishAt"
          when work."wishAt" is null or excluded."readyAt" < work."wishAt"
          then excluded."readyAt" else work."wishAt" end`,
  );
  session.afterCommit(() => wake.notify(workTopic(kind)));
}

/** Rejects with LeaseLostError unless the row still has the token; nobody takes it before the transaction ends. */
export async function assertLease(
  session: Session,
  dialect: Dialect,
  lease: { readonly kind: string; readonly key: string; readonly token: number },
): Promise<void> {
  const rows = await session.query(
    sql`select key from work where kind = ${lease.kind} and key = ${lease.key}
      and token = ${lease.token} ${dialect.lockRows}`,
  );
  if (rows.length === 0) throw new LeaseLostError(lease.kind, lease.key);
}

/** Of `leases` those whose rows still have their tokens; nobody takes them before the transaction ends. */
export async function heldOf(
  session: Session,
  dialect: Dialect,
  leases: readonly Lease[],
): Promise<readonly Lease[]> {
  if (leases.length === 0) return [];
  const rows = await session.query(
    sql<{ key: string }>`select key from work where ${areOurs(dialect, leases)}
      order by key ${dialect.lockRows}`,
  );
  const keys = new Set(rows.map(({ key }) => key));
  return leases.filter(({ key }) => keys.has(key));
}

/** No two rows have one token, so whose key and token are both listed is still ours. */
function areOurs(dialect: Dialect, leases: readonly Lease[]): RawBuilder<unknown> {
  const kind = leases[0]?.kind;
  if (leases.some((lease) => lease.kind !== kind)) throw new TypeError('Leases of one kind.');
  return sql`kind = ${kind} and ${anyOf(
    dialect,
    sql.ref('key'),
    leases.map(({ key }) => key),
  )} and ${anyOf(
    dialect,
    sql.ref('token'),
    leases.map(({ token }) => token),
  )}`;
}

/**
 * Ends every lease: whoever had them is gone. What they looked at is looked at again at once rather than when the leases
 * would have ended.
 */
export async function freeLeases(session: Session, now: number): Promise<void> {
  await session.query(
    sql`update work set token = null, worker = null, "readyAt" = ${now}
      where token is not null and "readyAt" > ${now}`,
  );
}

function workTopic(kind: string): string {
  return `work:${kind}`;
}

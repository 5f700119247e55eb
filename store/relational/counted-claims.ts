import { sql } from 'kysely';
import type { Lease } from '../contract/work.ts';
import type { Session } from './session.ts';
import type { Claims, ClaimRequest } from './work-queue.ts';

/**
 * For an engine whose transactions run one after the other: tokens are a counter, and nobody comes between. Kind by kind
 * from the index, however much is due.
 */
export class CountedClaims implements Claims {
  async take(session: Session, request: ClaimRequest): Promise<readonly Lease[]> {
    const { kinds, worker, now, leaseMs, limit } = request;
    const first = await this.#tokens(session, limit);
    const due = [...new Set(kinds)].map(
      (kind) => sql`select * from (select kind, key, "readyAt" from work
        where kind = ${kind} and "readyAt" <= ${now} order by "readyAt", key limit ${limit})`,
    );
    const rows = await session.query(
      // A wish that is due is granted by this look; a later one stays.
      sql<Lease>`update work set token = ${first} + due.place, worker = ${worker},
          claims = work.claims + 1, "readyAt" = ${now + leaseMs},
          "wishAt" = case when "wishAt" > ${now} then "wishAt" else null end
        from (select kind, key, row_number() over (order by "readyAt", kind, key) - 1 as place
          from (${sql.join(due, sql` union all `)}) order by place limit ${limit}) as due
        where work.kind = due.kind and work.key = due.key
        returning work.kind, work.key, token, claims`,
    );
    return rows
      .toSorted((a, b) => a.token - b.token)
      .map(({ kind, key, token, claims }) => ({ kind, key, token, claims }));
  }

  /** The first of `count` that nobody has had. */
  async #tokens(session: Session, count: number): Promise<number> {
    const rows = await session.query(
      sql<{ value: number }>`insert into counters (name, value) values ('work.token', ${count})
        on conflict (name) do update set value = counters.value + ${count} returning value`,
    );
    if (rows[0] === undefined) throw new Error('There are no tokens.');
    return rows[0].value - count + 1;
  }
}

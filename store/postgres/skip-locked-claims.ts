import { sql } from 'kysely';
import type { Lease } from '../contract/work.ts';
import type { Session } from '../relational/session.ts';
import type { Claims, ClaimRequest } from '../relational/work-queue.ts';
import { postgresDialect } from './postgres-dialect.ts';

/**
 * Kind by kind from the index, however much is due. Workers pass by the rows that others are taking, so none waits for another. Tokens come from a sequence: a transaction
 * that is rolled back leaves a gap, but none is ever given twice, and who claims a row later gets a greater one.
 */
export class SkipLockedClaims implements Claims {
  async take(session: Session, request: ClaimRequest): Promise<readonly Lease[]> {
    const { kinds, worker, now, leaseMs, limit } = request;
    const rows = await session.query(
      // A wish that is due is granted by this look; a later one stays.
      sql<Lease & { readonly due: number }>`with due as materialized (
          select d.kind, d.key, d."readyAt" from ${postgresDialect.list([...new Set(kinds)])} as p
          cross join lateral (
            select kind, key, "readyAt" from work where kind = p.value and "readyAt" <= ${now}
            order by "readyAt", key limit ${limit} for update skip locked
          ) as d order by d."readyAt", d.kind, d.key limit ${limit}
        )
        update work as w set token = nextval('"workToken"'), worker = ${worker},
          claims = w.claims + 1, "readyAt" = ${now + leaseMs},
          "wishAt" = case when w."wishAt" > ${now} then w."wishAt" else null end
        from due where w.kind = due.kind and w.key = due.key
        returning w.kind, w.key, w.token, w.claims, due."readyAt" as due`,
    );
    return rows
      .toSorted((a, b) => a.due - b.due || compare(a.kind, b.kind) || compare(a.key, b.key))
      .map(({ kind, key, token, claims }) => ({ kind, key, token, claims }));
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

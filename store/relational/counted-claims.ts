import { sql } from 'kysely';
import type { Lease } from '../contract/work.ts';
import { anyOf } from './conditions.ts';
import { nextNumber } from './idempotency.ts';
import type { Dialect, Session } from './session.ts';
import type { Claims, ClaimRequest } from './work-queue.ts';

interface WorkRow {
  readonly kind: string;
  readonly key: string;
  readonly claims: number;
}

/** For an engine whose transactions run one after the other: tokens are a counter, and nobody comes between. */
export class CountedClaims implements Claims {
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  async take(session: Session, request: ClaimRequest): Promise<readonly Lease[]> {
    const { kinds, worker, now, leaseMs, limit } = request;
    const rows = await session.query(
      sql<WorkRow>`select kind, key, claims from work
        where ${anyOf(this.#dialect, sql.ref('kind'), kinds)} and "readyAt" <= ${now}
        order by "readyAt", kind, key limit ${limit}`,
    );
    const leases: Lease[] = [];
    for (const { kind, key, claims } of rows) {
      const token = await nextNumber(session, 'work.token');
      // A wish that is due is granted by this look; a later one stays.
      await session.query(
        sql`update work set token = ${token}, worker = ${worker}, claims = ${claims + 1},
          "readyAt" = ${now + leaseMs},
          "wishAt" = case when "wishAt" > ${now} then "wishAt" else null end
          where kind = ${kind} and key = ${key}`,
      );
      leases.push({ kind, key, token, claims: claims + 1 });
    }
    return leases;
  }
}

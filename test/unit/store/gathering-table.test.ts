import { describe, expect, test } from 'vitest';
import { postgresDialect } from '../../../store/postgres/postgres-dialect.ts';
import { GatheringTable } from '../../../store/relational/gathering-table.ts';
import type { Session } from '../../../store/relational/session.ts';
import { dataset } from '../../contract/store-samples.ts';

describe('reads of a store behind a network', () => {
  const all = [dataset(), dataset(), dataset()];
  const opened = () => {
    let statements = 0;
    let failure: Error | null = null;
    const reads: Session = {
      query: async <Row>() => {
        statements += 1;
        if (failure !== null) throw failure;
        return all.map((one) => ({ id: one.id, doc: JSON.stringify(one) })) as Row[];
      },
    };
    const table = new GatheringTable('datasets', reads, postgresDialect);
    return {
      table,
      statements: () => statements,
      fail: (error: Error | null) => (failure = error),
    };
  };
  const [first = '', second = '', third = ''] = all.map(({ id }) => id);

  test('that are asked for in one turn are one statement, and each has its own answer', async () => {
    const { table, statements } = opened();
    const later = Promise.resolve().then(() => table.get(third));
    const [one, some, none, other] = await Promise.all([
      table.get(first),
      table.getMany([second, 'nothing', first, second]),
      table.getMany([]),
      later,
    ]);
    expect(one).toEqual(all[0]);
    expect(some).toEqual([all[1], null, all[0], all[1]]);
    expect(none).toEqual([]);
    expect(other).toEqual(all[2]);
    expect(statements()).toBe(1);
    await Promise.all([table.get(second), table.get(third)]);
    expect(statements()).toBe(2);
  });

  test('that fail, fail for who asked, and for nobody who asks then', async () => {
    const { table, fail } = opened();
    fail(new Error('gone'));
    const answers = await Promise.allSettled([table.get(first), table.getMany([second])]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fail(null);
    expect(await table.getMany([second, third])).toEqual([all[1], all[2]]);
  });
});

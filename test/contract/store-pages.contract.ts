import { beforeAll, describe, expect, it } from 'vitest';
import { systemActor } from '../../domain/actor.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import type { Store } from '../../store/contract/store.ts';
import type { Query } from '../../store/contract/table.ts';
import { alice, bob, id, prediction, run } from './store-samples.ts';
import { codeOf } from './store-target.ts';

type Runs = Query<'trainingRuns'>;

/** Queries and pages. Works on rows of a module version of its own, so that other cases do not show. */
export function describePages(store: () => Store): void {
  describe('queries and pages', () => {
    const moduleVersionId = id('ModuleVersion');
    const all: TrainingRun[] = [];
    const mine: Runs = { where: { moduleVersionId } };

    beforeAll(async () => {
      for (let n = 0; n < 25; n += 1) {
        all.push(
          run({
            moduleVersionId,
            // Five share each time, so that ties are the rule.
            createdAt: 1000 + Math.floor(n / 5),
            updatedAt: 5000 - n,
            owner: ['alice', 'bob', 'imaging'][n % 3] ?? '',
            visibility: n % 7 === 0 ? 'PUBLIC' : 'PRIVATE',
            state: n % 2 === 0 ? 'QUEUED' : 'RUNNING',
            backend: n % 4 === 0 ? null : 'local',
          }),
        );
      }
      await store().transaction(async (tx) => {
        for (const one of all) await tx.trainingRuns.insert(one);
      });
    });

    it('walks all rows once, forward and backward, in a total order, at every page size', async () => {
      for (const direction of ['ASC', 'DESC'] as const) {
        const query: Runs = { ...mine, orderBy: { column: 'createdAt', direction } };
        const expected = inOrder(all, direction);
        for (const size of [1, 2, 7, 24, 25, 26]) {
          expect(await walk(query, size, 'forward')).toEqual(expected);
          expect(await walk(query, size, 'backward')).toEqual(expected);
        }
      }
    });

    it('orders by creation, newest first, when nothing else is said', async () => {
      expect(ids(await page(mine, { first: 100 }))).toEqual(inOrder(all, 'DESC'));
    });

    it('orders by a column that may be empty without losing a row', async () => {
      const query: Runs = { ...mine, orderBy: { column: 'backend', direction: 'ASC' } };
      const walked = await walk(query, 4, 'forward');
      expect(new Set(walked)).toEqual(new Set(all.map((one) => one.id)));
      expect(walked).toHaveLength(25);
    });

    it('tells in both directions whether there is more', async () => {
      const first = await page(mine, { first: 10 });
      expect(first).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
      const middle = await page(mine, { first: 10, after: cursor(first, 9) });
      expect(middle).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
      const end = await page(mine, { first: 10, after: cursor(middle, 9) });
      expect(end).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
      expect(end.items).toHaveLength(5);
      const last = await page(mine, { last: 5 });
      expect(ids(last)).toEqual(ids(end));
      expect(last).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
      const before = await page(mine, { last: 10, before: cursor(last, 0) });
      expect(ids(before)).toEqual(ids(middle));
      expect(before).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
      const nothing = await page(mine, { first: 3, after: cursor(end, 4) });
      expect(nothing).toEqual({ items: [], hasNextPage: false, hasPreviousPage: true });
      const between = await page(mine, {
        first: 50,
        after: cursor(first, 2),
        before: cursor(end, 0),
      });
      expect(ids(between)).toEqual(inOrder(all, 'DESC').slice(3, 20));
      expect(between).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
    });

    it('stays in place while rows are inserted before and behind the cursor', async () => {
      const own = id('ModuleVersion');
      const put = (createdAt: number): TrainingRun => run({ moduleVersionId: own, createdAt });
      const old = [put(10), put(20), put(30), put(40)];
      await insert(old);
      const query: Runs = { where: { moduleVersionId: own } };
      const first = await page(query, { first: 2 });
      await insert([put(50), put(35), put(15)]);
      const second = await page(query, { first: 2, after: cursor(first, 1) });
      expect(second.items.map((item) => item.node.createdAt)).toEqual([20, 15]);
    });

    it('takes its own cursors only', async () => {
      const first = await page(mine, { first: 1 });
      const good = cursor(first, 0);
      const bad = [
        '',
        'x',
        'bm90IGpzb24',
        good.slice(0, -2),
        `${good}=`,
        `${good} `,
        Buffer.from('[1,2,3]').toString('base64url'),
        Buffer.from('["trainingRuns.createdAt.DESC",null,"x"]').toString('base64url'),
        Buffer.from('["trainingRuns.createdAt.DESC","1","x"]').toString('base64url'),
        Buffer.from('["trainingRuns.createdAt.DESC",1e999,"x"]').toString('base64url'),
      ];
      for (const text of bad) {
        expect(await codeOf(page(mine, { first: 1, after: text }))).toBe('BAD_REQUEST');
        expect(await codeOf(page(mine, { last: 1, before: text }))).toBe('BAD_REQUEST');
      }
      const other: Runs = { ...mine, orderBy: { column: 'createdAt', direction: 'ASC' } };
      expect(await codeOf(page(other, { first: 1, after: good }))).toBe('BAD_REQUEST');
      expect(await codeOf(store().datasets.page({}, { first: 1, after: good }))).toBe(
        'BAD_REQUEST',
      );
    });

    it('refuses a page of no size, of two sizes, or too large', async () => {
      const sizes: readonly PageRequest[] = [
        {},
        { first: 0 },
        { first: -1 },
        { first: 101 },
        { last: 101 },
        { first: 1.5 },
        { first: Number.NaN },
        { first: 1, last: 1 },
      ];
      for (const size of sizes) expect(await codeOf(page(mine, size))).toBe('BAD_REQUEST');
    });

    it('filters by value, set, absence and range', async () => {
      const count = (where: Runs['where']): Promise<number> =>
        store().trainingRuns.count({ where: { moduleVersionId, ...where } });
      const has = (test: (one: TrainingRun) => boolean): number => all.filter(test).length;
      expect(await count({ state: 'QUEUED' })).toBe(13);
      expect(await count({ state: { in: ['QUEUED', 'RUNNING'] } })).toBe(25);
      expect(await count({ state: { in: [] } })).toBe(0);
      expect(await count({ state: { notIn: [] } })).toBe(25);
      expect(await count({ state: { notIn: ['QUEUED'] } })).toBe(12);
      expect(await count({ backend: null })).toBe(has((one) => one.backend === null));
      expect(await count({ backend: { in: [null, 'nomad'] } })).toBe(7);
      expect(await count({ backend: { in: [null, 'local'] } })).toBe(25);
      expect(await count({ backend: { notIn: ['local'] } })).toBe(7);
      expect(await count({ backend: { notIn: ['nomad'] } })).toBe(25);
      expect(await count({ backend: { notIn: [null] } })).toBe(18);
      expect(await count({ backend: { notIn: [null, 'local'] } })).toBe(0);
      expect(await count({ createdAt: { atLeast: 1002 } })).toBe(15);
      expect(await count({ createdAt: { below: 1002 } })).toBe(10);
      expect(await count({ owner: "' or ''='" })).toBe(0);
      expect(await count({ owner: { contains: 'ALI' } })).toBe(has((one) => one.owner === 'alice'));
      expect(await count({ owner: { contains: 'a_i' } })).toBe(0);
      expect(await count({ owner: { contains: '%' } })).toBe(0);
    });

    it('finds the first and lists in the order of the query', async () => {
      const query: Runs = { ...mine, orderBy: { column: 'updatedAt', direction: 'ASC' } };
      expect(await store().trainingRuns.find(query)).toEqual(all.at(-1));
      const expected = all.toReversed().slice(0, 3);
      expect(await store().trainingRuns.list(query, 3)).toEqual(expected);
      expect(await store().trainingRuns.find({ where: { moduleVersionId: 'none' } })).toBeNull();
    });

    it('shows an actor what is theirs, of their groups, or public, and the system everything', async () => {
      const seen = { alice: ['alice', 'imaging'], bob: ['bob'] } as const;
      for (const [actor, owners] of [
        [alice, seen.alice],
        [bob, seen.bob],
      ] as const) {
        const expected = inOrder(
          all.filter(
            (one) =>
              one.visibility === 'PUBLIC' || (owners as readonly string[]).includes(one.owner),
          ),
          'DESC',
        );
        // Once narrowed by another column, once not: the two are answered by different plans.
        const numbers = { number: { in: all.map((one) => one.number) } };
        for (const where of [{ moduleVersionId }, numbers]) {
          const query: Runs = { where, visibleTo: actor };
          expect(await walk(query, 3, 'forward')).toEqual(expected);
          expect(await walk(query, 3, 'backward')).toEqual(expected);
          expect(await store().trainingRuns.count(query)).toBe(expected.length);
        }
      }
      expect(await store().trainingRuns.count({ ...mine, visibleTo: systemActor })).toBe(25);
    });

    it('shows what has an owner but no visibility to its owners only', async () => {
      const deploymentId = id('Deployment');
      await store().transaction(async (tx) => {
        await tx.predictions.insert(prediction({ deploymentId, owner: 'alice' }));
        await tx.predictions.insert(prediction({ deploymentId, owner: 'imaging' }));
        await tx.predictions.insert(prediction({ deploymentId, owner: 'bob' }));
      });
      const where = { deploymentId };
      expect(await store().predictions.count({ where, visibleTo: alice })).toBe(2);
      expect((await store().predictions.list({ where, visibleTo: bob }, 9)).length).toBe(1);
    });

    it('pages and counts the children of many parents at once', async () => {
      const parents = [id('ModuleVersion'), id('ModuleVersion'), id('ModuleVersion')] as const;
      const children = parents.slice(0, 2).flatMap((parent, n) =>
        Array.from({ length: 4 + n }, (_, at) =>
          run({
            moduleVersionId: parent,
            createdAt: 100 + at,
            owner: at === 0 ? 'bob' : 'alice',
          }),
        ),
      );
      await insert(children);
      const expected = (parent: string): readonly string[] =>
        inOrder(
          children.filter((one) => one.moduleVersionId === parent),
          'DESC',
        );
      const runs = store().trainingRuns;
      const pages = await runs.pageEach('moduleVersionId', parents, {}, { first: 3 });
      expect([...pages.keys()]).toEqual([...parents]);
      for (const parent of parents) {
        const one = pages.get(parent);
        expect(one && ids(one)).toEqual(expected(parent).slice(0, 3));
        expect(one?.hasNextPage).toBe(expected(parent).length > 3);
        expect(one).toEqual(await runs.page({ where: { moduleVersionId: parent } }, { first: 3 }));
      }
      const from = cursor(pages.get(parents[0]) as Page<TrainingRun>, 2);
      for (const request of [{ first: 2, after: from }, { last: 2 }, { last: 2, before: from }]) {
        const each = await runs.pageEach('moduleVersionId', parents, {}, request);
        for (const parent of parents) {
          expect(each.get(parent)).toEqual(
            await runs.page({ where: { moduleVersionId: parent } }, request),
          );
        }
      }
      const counts = await runs.countEach('moduleVersionId', parents, { visibleTo: alice });
      expect([...counts]).toEqual([
        [parents[0], 3],
        [parents[1], 4],
        [parents[2], 0],
      ]);
      const visible = await runs.pageEach(
        'moduleVersionId',
        parents,
        { visibleTo: alice },
        { last: 9 },
      );
      expect(visible.get(parents[0])?.items).toHaveLength(3);
    });

    it('counts the children of each parent by the values of a column', async () => {
      const sweeps = [id('Sweep'), id('Sweep'), id('Sweep')] as const;
      const states = ['QUEUED', 'RUNNING', 'RUNNING', 'FAILED'] as const;
      const members = states.map((state, at) =>
        run({ sweepId: sweeps[0], sweepNumber: at + 1, state, backend: at < 2 ? null : 'local' }),
      );
      await insert([...members, run({ sweepId: sweeps[1], sweepNumber: 1 }), run(), run()]);
      const { trainingRuns: runs } = store();
      const byState = await runs.countEachBy('sweepId', sweeps, 'state', {});
      expect([...byState].map(([parent, counts]) => [parent, Object.fromEntries(counts)])).toEqual([
        [sweeps[0], { QUEUED: 1, RUNNING: 2, FAILED: 1 }],
        [sweeps[1], { QUEUED: 1 }],
        [sweeps[2], {}],
      ]);
      const where = { state: { in: ['RUNNING', 'FAILED'] } } as const;
      const byBackend = await runs.countEachBy('sweepId', sweeps, 'backend', { where });
      expect(Object.fromEntries(byBackend.get(sweeps[0]) ?? [])).toEqual({ '': 1, local: 2 });
      const unseen = await runs.countEachBy('sweepId', sweeps, 'state', { visibleTo: bob });
      expect(unseen.get(sweeps[0])?.size).toBe(0);
      expect(await runs.countEachBy('sweepId', [], 'state', {})).toEqual(new Map());
    });

    it('lists the runs of a sweep by their number in it, which no two share', async () => {
      const sweepId = id('Sweep');
      const members = [3, 1, 10, 2].map((sweepNumber) => run({ sweepId, sweepNumber }));
      await insert(members);
      const query: Runs = {
        where: { sweepId },
        orderBy: { column: 'sweepNumber', direction: 'ASC' },
      };
      const first = await page(query, { first: 3 });
      expect(first.items.map(({ node }) => node.sweepNumber)).toEqual([1, 2, 3]);
      const rest = await page(query, { first: 3, after: cursor(first, 2) });
      expect(rest.items.map(({ node }) => node.sweepNumber)).toEqual([10]);
      const taken = insert([run({ sweepId, sweepNumber: 10 })]);
      expect(await codeOf(taken)).toBe('ALREADY_EXISTS');
    });

    const page = (query: Runs, request: PageRequest): Promise<Page<TrainingRun>> =>
      store().trainingRuns.page(query, request);

    async function insert(runs: readonly TrainingRun[]): Promise<void> {
      await store().transaction(async (tx) => {
        for (const one of runs) await tx.trainingRuns.insert(one);
      });
    }

    async function walk(query: Runs, size: number, way: 'forward' | 'backward'): Promise<string[]> {
      const found: string[] = [];
      let at: string | undefined;
      for (;;) {
        const one: Page<TrainingRun> = await page(
          query,
          way === 'forward'
            ? { first: size, ...(at === undefined ? {} : { after: at }) }
            : { last: size, ...(at === undefined ? {} : { before: at }) },
        );
        if (way === 'forward') found.push(...ids(one));
        else found.unshift(...ids(one));
        if (!(way === 'forward' ? one.hasNextPage : one.hasPreviousPage)) return found;
        at = cursor(one, way === 'forward' ? size - 1 : 0);
      }
    }
  });
}

function ids(page: Page<TrainingRun>): string[] {
  return page.items.map((item) => item.node.id);
}

function cursor(page: Page<TrainingRun>, index: number): string {
  const item = page.items[index];
  if (item === undefined) throw new Error(`The page has no item ${index}.`);
  return item.cursor;
}

function inOrder(runs: readonly TrainingRun[], direction: 'ASC' | 'DESC'): string[] {
  const ascending = runs.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return (direction === 'ASC' ? ascending : ascending.toReversed()).map((one) => one.id);
}

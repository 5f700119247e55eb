import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemActor } from '../../domain/actor.ts';
import type { Module } from '../../domain/module.ts';
import type { ModuleQuery } from '../../store/contract/module-search.ts';
import { alice, bob, module } from './store-samples.ts';
import { codeOf, type OpenedStore, type StoreTarget } from './store-target.ts';

const everything: ModuleQuery = {
  search: null,
  facets: {},
  trainable: null,
  valid: null,
  orderBy: 'RELEVANCE',
  direction: 'DESC',
  visibleTo: systemActor,
};

const catalogue: readonly Module[] = [
  module({
    slug: 'title-hit',
    title: 'Plankton classifier',
    tags: ['vision'],
    tasks: ['Classification'],
  }),
  module({
    slug: 'tag-hit',
    title: 'Zebra',
    tags: ['plankton', 'Vision'],
    libraries: ['TensorFlow'],
  }),
  module({ slug: 'summary-hit', title: 'Yak', summary: 'Counts plankton.', tags: ['audio'] }),
  module({
    slug: 'description-hit',
    title: 'Xerus',
    description: 'plankton '.repeat(50),
    licence: 'MIT',
    libraries: ['PyTorch'],
  }),
  module({
    slug: 'unicode',
    title: 'Détection de plancton marin',
    summary: 'Größe und Übermaß 浮游生物',
    trainable: false,
    createdAt: 3000,
  }),
  module({
    slug: 'invalid',
    title: 'Broken',
    findings: [{ severity: 'ERROR', pointer: '/title', message: 'bad' }],
    updatedAt: 9000,
  }),
  module({
    slug: 'warned',
    title: 'alpha warned',
    findings: [{ severity: 'WARNING', pointer: '', message: 'odd' }],
  }),
  module({ slug: 'private', title: 'Secret plankton', owner: 'alice', visibility: 'PRIVATE' }),
];

/** The catalogue's index, on a store of its own. */
export function describeModuleSearch(target: StoreTarget): void {
  describe('module search', () => {
    let opened: OpenedStore;
    beforeAll(async () => {
      opened = await target.open();
      await opened.store.transaction(async (tx) => {
        for (const one of catalogue) await tx.modules.insert(one);
      });
    });
    afterAll(() => opened.destroy());

    const slugs = async (more: Partial<ModuleQuery>, first = 50): Promise<readonly string[]> => {
      const page = await opened.store.moduleSearch.page({ ...everything, ...more }, { first });
      return page.items.map((item) => item.node.slug);
    };

    it('ranks title over tags over summary over description', async () => {
      expect(await slugs({ search: 'plankton', visibleTo: bob })).toEqual([
        'title-hit',
        'tag-hit',
        'summary-hit',
        'description-hit',
      ]);
      expect((await slugs({ search: 'plankton', direction: 'ASC' }))[0]).toBe('description-hit');
    });

    it('wants all words, the last one by prefix, without case or accents', async () => {
      expect(await slugs({ search: 'PLANKTON class' })).toEqual(['title-hit']);
      expect(await slugs({ search: 'plank' })).toHaveLength(5);
      expect(await slugs({ search: 'plank classifier' })).toEqual([]);
      expect(await slugs({ search: 'detection' })).toEqual(['unicode']);
      expect(await slugs({ search: 'de\u0301tection' })).toEqual(['unicode']);
      expect(await slugs({ search: 'größe übermaß' })).toEqual(['unicode']);
      expect(await slugs({ search: '浮游' })).toEqual(['unicode']);
      expect(await slugs({ search: 'title-hit' })).toEqual(['title-hit']);
    });

    it('takes any text as words, never as a query', async () => {
      for (const search of [
        '"',
        '*',
        '^',
        '"*',
        'NEAR(',
        'NEAR(a b, 5)',
        'plankton AND',
        'plankton OR (',
        'NOT plankton',
        'title:plankton',
        '{title} : plankton',
        '-plankton',
        'plankton"',
        "'; drop table modules; --",
        '\u0000',
        '%_\\',
        '🦀',
        '+',
        'a'.repeat(5000),
        'w '.repeat(5000),
      ]) {
        await opened.store.moduleSearch.count({ ...everything, search });
        await slugs({ search });
      }
      expect(await slugs({ search: 'title:plankton' })).toEqual(['title-hit']);
      expect(await slugs({ search: '*"*' })).toEqual([]);
      expect(await slugs({ search: '   ' })).toHaveLength(8);
      expect(await slugs({ search: '"plankton" zebra' })).toEqual(['tag-hit']);
    });

    it('narrows by facets: alternatives within one, all of several, without case', async () => {
      expect(await slugs({ facets: { TAG: ['VISION'] } })).toHaveLength(2);
      expect(await slugs({ facets: { TAG: ['vision', 'audio'] } })).toHaveLength(3);
      expect(await slugs({ facets: { TAG: ['vision'], LIBRARY: ['tensorflow'] } })).toEqual([
        'tag-hit',
      ]);
      expect(await slugs({ facets: { TAG: ['none'] } })).toEqual([]);
      expect(await slugs({ facets: { TAG: [] } })).toHaveLength(8);
      expect(await slugs({ search: 'plankton', facets: { LICENCE: ['mit'] } })).toEqual([
        'description-hit',
      ]);
    });

    it('narrows by trainable and by valid; a warning is valid', async () => {
      expect(await slugs({ trainable: false })).toEqual(['unicode']);
      expect(await slugs({ valid: false })).toEqual(['invalid']);
      expect(await slugs({ valid: true })).toHaveLength(7);
    });

    it('shows what the actor may see', async () => {
      expect(await slugs({ visibleTo: bob })).toHaveLength(7);
      expect(await slugs({ visibleTo: alice })).toHaveLength(8);
      expect(await slugs({ search: 'secret', visibleTo: bob })).toEqual([]);
      expect(await opened.store.moduleSearch.count({ ...everything, visibleTo: bob })).toBe(7);
    });

    it('orders by title without case, by creation and by update', async () => {
      const titles = await slugs({ orderBy: 'TITLE', direction: 'ASC' });
      expect(titles.slice(0, 3)).toEqual(['warned', 'invalid', 'unicode']);
      expect((await slugs({ orderBy: 'TITLE', direction: 'DESC' })).toReversed()).toEqual(titles);
      expect((await slugs({ orderBy: 'CREATED', direction: 'DESC' }))[0]).toBe('unicode');
      expect((await slugs({ orderBy: 'UPDATED', direction: 'DESC' }))[0]).toBe('invalid');
      expect(await slugs({})).toEqual(titles);
    });

    it('pages through each order once, and takes its own cursors only', async () => {
      const { moduleSearch } = opened.store;
      for (const query of [
        { ...everything, search: 'plankton' },
        { ...everything, orderBy: 'TITLE', direction: 'ASC' },
        { ...everything, orderBy: 'CREATED', direction: 'ASC' },
      ] as const) {
        const whole = await moduleSearch.page(query, { first: 50 });
        const found: string[] = [];
        let after: string | null = null;
        do {
          const page = await moduleSearch.page(query, {
            first: 2,
            ...(after === null ? {} : { after }),
          });
          expect(page.hasPreviousPage).toBe(after !== null);
          found.push(...page.items.map((item) => item.node.slug));
          after = page.hasNextPage ? (page.items.at(-1)?.cursor ?? null) : null;
        } while (after !== null);
        expect(found).toEqual(whole.items.map((item) => item.node.slug));
      }
      const page = await moduleSearch.page(everything, { first: 1 });
      const foreign = moduleSearch.page(
        { ...everything, orderBy: 'CREATED' },
        { first: 1, after: page.items[0]?.cursor ?? '' },
      );
      expect(await codeOf(foreign)).toBe('BAD_REQUEST');
    });

    it('counts the values of a facet within the query, its own choice left out', async () => {
      const { moduleSearch } = opened.store;
      const all = await moduleSearch.facets(everything, ['TAG', 'LICENCE'], 10);
      const tags = all.get('TAG')?.map(({ value, count }) => [value.toLowerCase(), count]);
      expect(tags).toEqual([
        ['vision', 2],
        ['audio', 1],
        ['plankton', 1],
      ]);
      expect(all.get('LICENCE')).toEqual([
        { value: 'Apache-2.0', count: 7 },
        { value: 'MIT', count: 1 },
      ]);
      const chosen = { ...everything, facets: { TAG: ['audio'] } } as const;
      const counted = await moduleSearch.facets(chosen, ['TAG', 'LICENCE'], 1);
      expect(counted.get('TAG')).toHaveLength(1);
      expect(counted.get('TAG')?.[0]?.count).toBe(2);
      expect(counted.get('LICENCE')).toEqual([{ value: 'Apache-2.0', count: 1 }]);
      const searched = await moduleSearch.facets({ ...everything, search: 'yak' }, ['TAG'], 10);
      expect(searched.get('TAG')).toEqual([{ value: 'audio', count: 1 }]);
    });

    it('follows an update of the module', async () => {
      const { store } = opened;
      const one = module({ slug: 'moving', title: 'Before', tags: ['old'] });
      await store.transaction((tx) => tx.modules.insert(one));
      const two = { ...one, version: 2, title: 'Afterwards', tags: ['new'], trainable: false };
      await store.transaction((tx) => tx.modules.update(two));
      expect(await slugs({ search: 'before' })).toEqual([]);
      expect(await slugs({ search: 'afterwards' })).toEqual(['moving']);
      expect(await slugs({ facets: { TAG: ['old'] } })).toEqual([]);
      expect(await slugs({ facets: { TAG: ['new'] }, trainable: false })).toEqual(['moving']);
    });

    it('finds and counts each of many that were written together, with those before them', async () => {
      const { store } = opened;
      const some = ['Quince', 'Quail', 'Quartz'].map((title, at) =>
        module({
          slug: `together-${at}`,
          title,
          tags: [title, 'shared', 'Shared'],
          tasks: ['Sort'],
        }),
      );
      await store.transaction((tx) => tx.modules.insertMany(some.slice(0, 1)));
      await store.transaction((tx) => tx.modules.insertMany(some.slice(1)));
      expect(await slugs({ search: 'quail' })).toEqual(['together-1']);
      expect(await slugs({ facets: { TAG: ['quartz'] } })).toEqual(['together-2']);
      const query = { ...everything, search: 'qu' };
      expect(await store.moduleSearch.count(query)).toBe(3);
      const counted = await store.moduleSearch.facets(query, ['TAG', 'TASK', 'LIBRARY'], 2);
      expect(counted.get('TAG')).toEqual([
        { value: 'shared', count: 3 },
        { value: 'Quail', count: 1 },
      ]);
      expect(counted.get('TASK')).toEqual([{ value: 'Sort', count: 3 }]);
      expect(counted.get('LIBRARY')).toEqual([]);
    });
  });
}

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Actor, localOwner } from '../../../domain/actor.ts';
import { newId } from '../../../domain/ids.ts';
import type { Module } from '../../../domain/module.ts';
import { metadata, Shelf } from './shelf.ts';

const stranger: Actor = { subject: 'stranger', groups: [], system: false };

/** 24 modules whose values repeat in different rhythms, so that every combination of filters meets some. */
const kinds = Array.from({ length: 24 }, (_, n) => ({
  slug: `m-${String(n).padStart(2, '0')}`,
  tags: [`tag-${n % 5}`, ...(n % 2 === 0 ? ['even'] : [])],
  tasks: n % 3 === 0 ? ['Classification', 'Regression'] : ['Clustering'],
  libraries: n % 4 === 0 ? ['PyTorch'] : ['TensorFlow', 'Keras'],
  license: n % 6 === 0 ? 'MIT' : 'Apache-2.0',
  trainable: n % 2 === 0,
}));

let shelf: Shelf;
beforeAll(async () => {
  shelf = await Shelf.create();
  for (const { slug, trainable, ...fields } of kinds) {
    await shelf.put(slug, metadata({ title: `Title of ${slug}`, ...fields }), { trainable });
  }
  const words = { summary: 'About nothing.', description: 'Nothing.', tags: [], tasks: [] };
  await shelf.put('in-title', metadata({ ...words, title: 'Plankton finder' }));
  await shelf.put('in-tag', metadata({ ...words, title: 'Tagged', tags: ['plankton'] }));
  await shelf.put('in-summary', metadata({ ...words, title: 'Summed', summary: 'Sees plankton.' }));
  await shelf.put(
    'in-text',
    metadata({ ...words, title: 'Told', description: 'It eats plankton.' }),
  );
  await shelf.put('invalid', metadata({ title: 'Faulty', tasks: ['Guessing'] }));
  await shelf.catalogue.refresh(localOwner);
}, 30_000);
afterAll(() => shelf.destroy());
beforeEach(() => shelf.calls.clear());

interface Listed {
  readonly totalCount: number;
  readonly nodes: readonly { readonly slug: string; readonly [field: string]: unknown }[];
  readonly edges: readonly { readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  readonly facets: readonly {
    readonly facet: string;
    readonly values: readonly { readonly value: string; readonly count: number }[];
  }[];
}

async function modules(args: string, fields = 'nodes { slug }', actor?: Actor): Promise<Listed> {
  const answer = await shelf.ask(`{ modules(${args}) { ${fields} } }`, {}, actor);
  expect(answer.errors).toBeUndefined();
  return (answer.data as unknown as { modules: Listed }).modules;
}

const slugs = (list: Listed) => list.nodes.map((node) => node.slug);

describe('the list of modules', () => {
  it('puts a word in the title before one in a tag, the summary, the description', async () => {
    expect(slugs(await modules('first: 10, search: "plankton"'))).toEqual([
      'in-title',
      'in-tag',
      'in-summary',
      'in-text',
    ]);
    expect(slugs(await modules('first: 10, search: "PLANK"'))).toHaveLength(4);
    expect(slugs(await modules('first: 10, search: "finder plankton"'))).toEqual(['in-title']);
  });

  it.each(['"', '*', 'NEAR(', "'; drop table modules; --", 'a AND OR', '\\u0000'])(
    'takes %s for a text like any other',
    async (text) => {
      const answer = await shelf.ask(
        'query ($search: String) { modules(first: 5, search: $search) { totalCount } }',
        { search: text },
      );
      expect(answer.errors).toBeUndefined();
    },
  );

  it('counts all that match, and only when asked', async () => {
    const list = await modules('first: 2, filter: { tags: ["EVEN"] }', 'totalCount nodes { slug }');
    expect(list.nodes).toHaveLength(2);
    expect(list.totalCount).toBe(12);
    shelf.calls.clear();
    await modules('first: 2');
    expect([...shelf.calls]).toEqual([['moduleSearch.page', 1]]);
  });

  it('narrows by several filters at once, whose values are alternatives', async () => {
    const list = await modules(
      'first: 100, filter: { tags: ["tag-1", "tag-2"], libraries: ["pytorch"], trainable: true }',
    );
    const expected = kinds.filter(
      (kind, n) => [1, 2].includes(n % 5) && kind.libraries.includes('PyTorch') && kind.trainable,
    );
    expect(expected.length).toBeGreaterThan(0);
    expect(slugs(list).toSorted()).toEqual(expected.map((kind) => kind.slug));
  });

  it('tells valid from invalid entries', async () => {
    expect(slugs(await modules('first: 5, filter: { valid: false }'))).toEqual(['invalid']);
    const list = await modules(
      'first: 1, filter: { valid: false }',
      'nodes { slug valid findings { severity pointer message } }',
    );
    expect(list.nodes[0]).toMatchObject({
      valid: false,
      findings: [{ severity: 'ERROR', pointer: '/tasks/0' }],
    });
  });

  it.each([
    ['{ field: TITLE, direction: ASC }', 'Faulty', 'Told'],
    ['{ field: TITLE }', 'Told', 'Faulty'],
  ])('is sorted by %s', async (orderBy, first, last) => {
    const list = await modules(`first: 100, orderBy: ${orderBy}`, 'nodes { slug title }');
    expect(list.nodes.at(0)?.['title']).toBe(first);
    expect(list.nodes.at(-1)?.['title']).toBe(last);
  });

  it('counts facets as counting by hand does, whatever the page', async () => {
    const fields =
      'facets(names: [TAG, TASK, LIBRARY, LICENCE], limit: 100) { facet values { value count } }';
    const filter = 'filter: { tags: ["even"], licences: ["MIT", "Apache-2.0"] }';
    const { facets } = await modules(`first: 1, ${filter}`, fields);
    const even = kinds.filter((kind) => kind.tags.includes('even'));
    // The choice of tags leaves the counts of tags alone, and narrows the others.
    expect(countsOf(facets, 'TAG')).toEqual(byHand(kinds.flatMap((kind) => kind.tags)));
    expect(countsOf(facets, 'TASK')).toEqual(byHand(even.flatMap((kind) => kind.tasks)));
    expect(countsOf(facets, 'LIBRARY')).toEqual(byHand(even.flatMap((kind) => kind.libraries)));
    expect(countsOf(facets, 'LICENCE')).toEqual(byHand(even.map((kind) => kind.license)));
  });

  it('gives every facet when none is named, most frequent values first, at most as many as asked', async () => {
    const { facets } = await modules(
      'first: 1',
      'facets(limit: 1) { facet values { value count } }',
    );
    expect(facets.map((one) => one.facet)).toEqual([
      'TAG',
      'TASK',
      'CATEGORY',
      'LIBRARY',
      'DATA_TYPE',
      'LICENCE',
    ]);
    expect(facets[0]?.values).toEqual([{ value: 'even', count: 12 }]);
  });

  it('shows each module once when others come in between two pages', async () => {
    const fields = 'nodes { slug } pageInfo { hasNextPage endCursor }';
    const orderBy = 'orderBy: { field: TITLE, direction: ASC }, filter: { tasks: ["Clustering"] }';
    const seen: string[] = [];
    let list = await modules(`first: 5, ${orderBy}`, fields);
    for (let n = 0; ; n += 1) {
      seen.push(...slugs(list));
      if (!list.pageInfo.hasNextPage) break;
      // Before the cursor: it must not push anything over to the next page.
      await shelf.put(`late-${n}`, metadata({ title: `A${n}`, tasks: ['Clustering'] }));
      await shelf.catalogue.refresh(localOwner, [`late-${n}`]);
      list = await modules(`first: 5, after: "${list.pageInfo.endCursor}", ${orderBy}`, fields);
    }
    const expected = kinds.filter((kind) => kind.tasks.includes('Clustering'));
    expect(seen).toEqual(expected.map((kind) => kind.slug));
  });

  it.each([
    ['', 'INVALID_ARGUMENT', 'Give exactly one of `first` and `last`.'],
    ['(first: 1, last: 1)', 'INVALID_ARGUMENT', 'Give exactly one of `first` and `last`.'],
    ['(first: 101)', 'INVALID_ARGUMENT', '`first` is between 1 and 100.'],
    ['(first: 1, after: "x")', 'BAD_REQUEST', expect.any(String) as string],
    [
      `(first: 1, search: "${'x'.repeat(501)}")`,
      'INVALID_ARGUMENT',
      'A search has at most 500 characters.',
    ],
  ])('refuses modules%s', async (args, code, message) => {
    const { errors } = await shelf.ask(`{ modules${args} { totalCount nodes { slug } } }`);
    expect(errors?.[0]?.originalError).toMatchObject({ code, message });
    // The place in the answer, not the one in the input.
    expect(errors?.[0]?.path).toEqual(['modules']);
  });

  it('of twenty with their versions and counts costs as many reads as one of two', async () => {
    const fields = `nodes { slug latestVersion { digest module { slug } }
      versions(first: 3) { totalCount nodes { name module { title } } } }`;
    await modules('first: 2', fields);
    const few = new Map(shelf.calls);
    shelf.calls.clear();
    await modules('first: 20', fields);
    expect(new Map(shelf.calls)).toEqual(few);
    expect([...few.values()].reduce((sum, n) => sum + n)).toBeLessThanOrEqual(10);
  });
});

function countsOf(facets: Listed['facets'], name: string): ReadonlyMap<string, number> {
  const found = facets.find((one) => one.facet === name);
  return new Map(found?.values.map(({ value, count }) => [value, count]));
}

function byHand(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

async function idOf(slug: string): Promise<string> {
  return (await shelf.catalogue.bySlug(localOwner, slug))?.id ?? '';
}

describe('one module', () => {
  it('is found by id and by slug, and a version by its id', async () => {
    const id = await idOf('m-00');
    const answer = await shelf.ask(
      `query ($id: ID!) { byId: module(id: $id) { slug } bySlug: module(slug: "M-00") {
        id version licence links { rel href } metadataFormat metadataVersion createdAt
        latestVersion { id name trainSchema predictSchema sample { arguments expect } resources { training { cpus } } } } }`,
      { id },
    );
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toMatchObject({
      byId: { slug: 'm-00' },
      bySlug: {
        id,
        version: 1,
        licence: 'MIT',
        links: [{ rel: 'source_code', href: 'https://example.org/module' }],
        metadataFormat: 'AI4OS_V2',
        metadataVersion: '2.3.0',
        createdAt: expect.stringMatching(/^2026-01-31T/) as string,
        latestVersion: {
          name: '1.0.0',
          sample: { arguments: { text: 'hello' }, expect: { label: 'greeting' } },
          resources: { training: { cpus: 1 } },
        },
      },
    });
  });

  it.each([
    ['{ module { id } }', 'INVALID_ARGUMENT'],
    ['{ module(id: "a", slug: "b") { id } }', 'INVALID_ARGUMENT'],
    ['{ module(id: "junk") { id } }', 'BAD_ID'],
    ['{ moduleVersion(id: "mod_01K0000000000000000000000") { id } }', 'BAD_ID'],
    ['{ node(id: "junk") { id } }', 'BAD_ID'],
    ['{ nodes(ids: ["run_1"]) { id } }', 'BAD_ID'],
    ['{ modules(first: 1) { facets(limit: 0) { facet } } }', 'INVALID_ARGUMENT'],
  ])('%s is refused with %s', async (source, code) => {
    const { errors } = await shelf.ask(source);
    expect(errors?.[0]?.originalError).toMatchObject({ code });
  });

  it('that does not exist is null, and so is one that may not be seen', async () => {
    const id = newId('Module', 1, Math.random);
    const versionId = newId('ModuleVersion', 1, Math.random);
    const ask = () =>
      shelf.ask(
        `query ($id: ID!, $versionId: ID!) { module(id: $id) { id } bySlug: module(slug: "secret") { id }
          moduleVersion(id: $versionId) { id } node(id: $id) { id } nodes(ids: [$versionId, $id]) { id }
          _entities(representations: [{ __typename: "Module", id: $id }, { __typename: "ModuleVersion", id: $versionId }]) {
            ... on Module { slug } ... on ModuleVersion { digest } }
          modules(first: 1, search: "secret") { totalCount } }`
          .replaceAll('$id }', `"${id}" }`)
          .replaceAll('$versionId }', `"${versionId}" }`),
        { id, versionId },
        stranger,
      );
    const absent = await ask();
    expect(absent).toEqual({
      data: {
        module: null,
        bySlug: null,
        moduleVersion: null,
        node: null,
        nodes: [null, null],
        _entities: [null, null],
        modules: { totalCount: 0 },
      },
    });
    const model = await shelf.catalogue.bySlug(localOwner, 'm-00');
    const code = await shelf.catalogue.version(localOwner, model?.latestVersionId ?? '');
    if (model === null || code === null) throw new Error('m-00 is not listed');
    const secret: Module = {
      ...model,
      id,
      slug: 'secret',
      latestVersionId: versionId,
      title: 'Secret',
      owner: 'local',
      visibility: 'PRIVATE',
    };
    await shelf.store.transaction(async (tx) => {
      await tx.modules.insert(secret);
      await tx.moduleVersions.insert({ ...code, id: versionId, moduleId: id });
    });
    expect(await ask()).toEqual(absent);
    const mine = await shelf.ask('query ($id: ID!) { node(id: $id) { ... on Module { slug } } }', {
      id,
    });
    expect(mine.data).toEqual({ node: { slug: 'secret' } });
  });
});

describe('references of other subgraphs', () => {
  it('are resolved in one batch', async () => {
    const list = await modules('first: 20', 'nodes { slug latestVersion { id } }');
    const representations = list.nodes.map((node) => ({
      __typename: 'ModuleVersion',
      id: (node['latestVersion'] as { id: string }).id,
    }));
    shelf.calls.clear();
    const answer = await shelf.ask(
      'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on ModuleVersion { digest module { slug } } } }',
      { representations },
    );
    const { _entities: entities } = answer.data as unknown as {
      _entities: readonly { readonly module: { readonly slug: string } }[];
    };
    expect(entities.map((entity) => entity.module.slug)).toEqual(slugs(list));
    expect(shelf.calls.get('moduleVersions.getMany')).toBe(1);
    expect(shelf.calls.get('modules.getMany')).toBeLessThanOrEqual(2);
  });
});

describe('refreshCatalogue', () => {
  it('answers what it did', async () => {
    await shelf.put('newcomer', metadata({ title: 'Newcomer' }));
    const mutation = `mutation ($slugs: [String!]) { refreshCatalogue(input: { slugs: $slugs }) {
      refresh { seen added changed versioned missing problems } userErrors { code message path } } }`;
    const answer = await shelf.ask(mutation, { slugs: ['newcomer'] });
    expect(answer).toEqual({
      data: {
        refreshCatalogue: {
          refresh: {
            seen: ['newcomer'],
            added: ['newcomer'],
            changed: [],
            versioned: ['newcomer'],
            missing: [],
            problems: [],
          },
          userErrors: [],
        },
      },
    });
  });
});

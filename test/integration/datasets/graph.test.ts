import 'reflect-metadata';
import { graphql, type GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Actor } from '../../../domain/actor.ts';
import { createContext } from '../../../resolvers/context.ts';
import { datasetsSubgraph } from '../../../resolvers/datasets/subgraph.ts';
import type { Services } from '../../../services/services.ts';
import { alice, bob, openWorkshop, sha256, type Workshop } from './surroundings.ts';

let shop: Workshop;
let schema: GraphQLSchema;
beforeAll(async () => {
  shop = await openWorkshop();
  schema = buildSchemaSync({
    resolvers: [...datasetsSubgraph.resolvers],
    validate: false,
  });
});
afterAll(() => shop.destroy());

interface Answer {
  readonly data: unknown;
  readonly errors: readonly { readonly code: unknown; readonly message: string }[];
}

async function ask(source: string, variables: object = {}, actor: Actor = alice): Promise<Answer> {
  const services = { datasets: shop.datasets } as unknown as Services;
  const { data, errors } = await graphql({
    schema,
    source,
    variableValues: { ...variables },
    contextValue: createContext(actor, 'request', services),
  });
  return {
    data: JSON.parse(JSON.stringify(data ?? null)),
    errors: (errors ?? []).map(({ message, originalError }) => ({
      message,
      code: originalError && 'code' in originalError ? originalError.code : null,
    })),
  };
}

const create = `mutation ($input: CreateDatasetInput!) {
  createDataset(input: $input) { dataset { id name title visibility version } userErrors { code path } }
}`;

async function createdId(name: string): Promise<string> {
  const { data } = await ask(create, { input: { name } });
  return (data as { createDataset: { dataset: { id: string } } }).createDataset.dataset.id;
}

describe('the datasets subgraph', () => {
  test('a data set is made, filled, fixed as a version and read through the graph', async () => {
    const id = await createdId('flow');
    const announced = await ask(
      `mutation ($input: CreateUploadsInput!) {
        createUploads(input: $input) {
          uploads { id path bytes state url receivedBytes dataset { name } }
          userErrors { code path message }
        }
      }`,
      { input: { datasetId: id, files: [{ path: 'd.csv', bytes: 20, sha256: sha256(csv) }] } },
    );
    expect(announced.errors).toEqual([]);
    const payload = announced.data as {
      createUploads: { uploads: { id: string; url: string }[]; userErrors: unknown[] };
    };
    const [upload] = payload.createUploads.uploads;
    expect(payload.createUploads.userErrors).toEqual([]);
    expect(upload).toMatchObject({
      path: 'd.csv',
      bytes: 20,
      state: 'OPEN',
      receivedBytes: 0,
      dataset: { name: 'flow' },
      url: `http://127.0.0.1/uploads/${upload?.id}`,
    });
    await shop.datasets.uploads.receive(alice, upload?.id ?? '', 0, parts(csv));

    const made = await ask(
      `mutation ($input: CreateDatasetVersionInput!) {
        createDatasetVersion(input: $input) {
          datasetVersion {
            number format target exampleCount bytes digest
            labels { label count }
            files(first: 10) { totalCount nodes { path bytes sha256 url } }
            dataset { name format latestVersion { number } versions(first: 5) { totalCount } }
            defaultSplit { rule seed testFraction trainCount testCount url datasetVersion { number } }
            splits(first: 5) { totalCount nodes { rule } }
          }
          userErrors { code path message }
        }
      }`,
      { input: { datasetId: id, format: 'CSV', split: { rule: 'TAIL', testFraction: 0.5 } } },
    );
    expect(made.errors).toEqual([]);
    expect(made.data).toMatchObject({
      createDatasetVersion: {
        userErrors: [],
        datasetVersion: {
          number: 1,
          format: 'CSV',
          target: 'b',
          exampleCount: 4,
          bytes: 20,
          labels: [
            { label: 'x', count: 2 },
            { label: 'y', count: 2 },
          ],
          files: {
            totalCount: 1,
            nodes: [{ path: 'd.csv', url: `http://127.0.0.1/blobs/${sha256(csv)}/d.csv` }],
          },
          dataset: {
            name: 'flow',
            format: 'CSV',
            latestVersion: { number: 1 },
            versions: { totalCount: 1 },
          },
          defaultSplit: {
            rule: 'TAIL',
            seed: 0,
            testFraction: 0.5,
            trainCount: 2,
            testCount: 2,
            datasetVersion: { number: 1 },
          },
          splits: { totalCount: 1, nodes: [{ rule: 'TAIL' }] },
        },
      },
    });
  });

  test('what a person did wrong comes back with its path and changes nothing', async () => {
    const wrong = await ask(create, { input: { name: 'Not A Name', title: '' } });
    expect(wrong).toEqual({
      errors: [],
      data: {
        createDataset: {
          dataset: null,
          userErrors: [
            { code: 'INVALID_ARGUMENT', path: ['name'] },
            { code: 'INVALID_ARGUMENT', path: ['title'] },
          ],
        },
      },
    });
    await createdId('taken');
    const { data } = await ask(create, { input: { name: 'taken' } });
    expect(data).toMatchObject({
      createDataset: { dataset: null, userErrors: [{ code: 'ALREADY_EXISTS', path: ['name'] }] },
    });
  });

  test('hostile texts are taken as texts or refused, and never break anything', async () => {
    for (const title of [
      '__proto__',
      'a\u0000b',
      '\ud800',
      'x'.repeat(201),
      '<script>',
      '\u202e',
    ]) {
      const { errors, data } = await ask(create, { input: { name: 'hostile', title } });
      expect(errors).toEqual([]);
      const { createDataset: payload } = data as {
        createDataset: { dataset: object | null; userErrors: object[] };
      };
      expect(payload.userErrors.length > 0).toBe(payload.dataset === null);
    }
    for (const search of ["'; drop table datasets; --", '%', '_', '\\', '\u202e']) {
      const found = await ask(
        'query ($search: String) { datasets(first: 5, filter: { search: $search }) { totalCount } }',
        { search },
      );
      expect(found).toEqual({ errors: [], data: { datasets: { totalCount: 0 } } });
    }
  });

  test('a search that is no text is refused', async () => {
    for (const search of ['\u0000', '\ud800', 'x'.repeat(101)]) {
      const list =
        'query ($search: String) { datasets(first: 5, filter: { search: $search }) { totalCount } }';
      const { data, errors } = await ask(list, { search });
      expect(data).toBe(null);
      expect(errors).toHaveLength(1);
    }
  });

  test('an id of another kind is an error, an unknown one is null, and so is what you may not see', async () => {
    const id = await createdId('private');
    const one = 'query ($id: ID!) { dataset(id: $id) { name } }';
    expect((await ask(one, { id })).data).toEqual({ dataset: { name: 'private' } });
    expect(await ask(one, { id }, bob)).toEqual({ errors: [], data: { dataset: null } });
    const unknown = 'ds_00000000000000000000000000';
    expect(await ask(one, { id: unknown })).toEqual({ errors: [], data: { dataset: null } });
    for (const bad of ['', 'run_00000000000000000000000000', '1', "ds_'--", '__proto__']) {
      expect((await ask(one, { id: bad })).errors).toMatchObject([{ code: 'BAD_ID' }]);
    }
    const fields = ['datasetVersion(id: "x")', 'split(id: "x")', 'upload(id: "x")'];
    for (const field of fields) {
      expect((await ask(`{ ${field} { id } }`)).errors).toMatchObject([{ code: 'BAD_ID' }]);
    }
  });

  test('an update says which version it read; licences can be taken away', async () => {
    const id = await createdId('changing');
    const update = `mutation ($input: UpdateDatasetInput!) {
      updateDataset(input: $input) { dataset { title licence version } userErrors { code path } }
    }`;
    const first = await ask(update, { input: { id, expectedVersion: 1, licence: 'MIT' } });
    expect(first.data).toMatchObject({
      updateDataset: { dataset: { licence: 'MIT', version: 2 } },
    });
    const stale = await ask(update, { input: { id, expectedVersion: 1, title: 'x' } });
    expect(stale.data).toMatchObject({
      updateDataset: { dataset: null, userErrors: [{ code: 'VERSION_CONFLICT' }] },
    });
    const without = await ask(update, { input: { id, licence: null } });
    expect(without.data).toMatchObject({
      updateDataset: { dataset: { licence: null, title: 'changing', version: 3 } },
    });
  });

  test('lists are filtered, sorted and paged both ways', async () => {
    for (const name of ['zoo-a', 'zoo-b', 'zoo-c']) await createdId(name);
    const list = `query ($first: Int, $last: Int, $after: String) {
      datasets(first: $first, last: $last, after: $after, filter: { search: "ZOO-" }, orderBy: { field: NAME, direction: ASC }) {
        totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor }
      }
    }`;
    const page = async (variables: object) =>
      ((await ask(list, variables)).data as { datasets: ListAnswer }).datasets;
    const first = await page({ first: 2 });
    expect(first).toMatchObject({
      totalCount: 3,
      nodes: [{ name: 'zoo-a' }, { name: 'zoo-b' }],
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
    });
    const next = await page({ first: 2, after: first.pageInfo.endCursor });
    expect(next.nodes).toEqual([{ name: 'zoo-c' }]);
    expect((await page({ last: 1 })).nodes).toEqual([{ name: 'zoo-c' }]);
    for (const variables of [{}, { first: 0 }, { first: 101 }, { first: 1, last: 1 }]) {
      expect((await ask(list, variables)).errors).toMatchObject([{ code: 'INVALID_ARGUMENT' }]);
    }
    expect((await ask(list, { first: 1, after: 'nonsense' })).errors).toMatchObject([
      { code: 'BAD_REQUEST' },
    ]);
    const csvs = await ask(
      '{ datasets(first: 9, filter: { format: CSV, visibility: PRIVATE }) { nodes { name } } }',
    );
    expect(csvs.data).toEqual({ datasets: { nodes: [{ name: 'flow' }] } });
  });

  test('the files of a version are paged by path', async () => {
    const id = await createdId('files');
    const files = ['a', 'b', 'c', 'd'].map((path) => ({ path, bytes: 0, sha256: sha256('') }));
    await shop.datasets.uploads.create(alice, { datasetId: id, files, idempotencyKey: null });
    const version = await shop.datasets.createVersion(alice, {
      datasetId: id,
      format: 'FILES',
      target: null,
      files: null,
      split: null,
      idempotencyKey: null,
    });
    const list = `query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String) {
      datasetVersion(id: $id) {
        files(first: $first, last: $last, after: $after, before: $before) {
          nodes { path } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
      }
    }`;
    const page = async (variables: object) => {
      const { data } = await ask(list, { id: version.id, ...variables });
      return (data as { datasetVersion: { files: FilesAnswer } }).datasetVersion.files;
    };
    const first = await page({ first: 3 });
    expect(first.nodes.map((file) => file.path)).toEqual(['a', 'b', 'c']);
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const rest = await page({ first: 3, after: first.pageInfo.endCursor });
    expect(rest.nodes.map((file) => file.path)).toEqual(['d']);
    expect(rest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const back = await page({ last: 2, before: rest.pageInfo.startCursor });
    expect(back.nodes.map((file) => file.path)).toEqual(['b', 'c']);
  });

  test('a page of twenty asks the store as often as a page of one', async () => {
    for (let number = 0; number < 20; number++) {
      const id = await createdId(`many-${number}`);
      const files = [{ path: 'a', bytes: 0, sha256: sha256('') }];
      await shop.datasets.uploads.create(alice, { datasetId: id, files, idempotencyKey: null });
      await shop.datasets.createVersion(alice, {
        datasetId: id,
        format: 'FILES',
        target: null,
        files: null,
        split: null,
        idempotencyKey: null,
      });
    }
    const list = `query ($first: Int!) {
      datasets(first: $first, filter: { search: "many-" }) {
        totalCount
        nodes {
          latestVersion { defaultSplit { rule } dataset { name } splits(first: 2) { totalCount } }
          versions(first: 2) { totalCount nodes { number defaultSplit { id } } }
          uploads(first: 2) { totalCount nodes { path } }
        }
      }
    }`;
    const calls = async (first: number): Promise<number> => {
      const counted = countReads(shop);
      const { data, errors } = await ask(list, { first });
      expect(errors).toEqual([]);
      expect((data as { datasets: { nodes: object[] } }).datasets.nodes).toHaveLength(first);
      return counted.stop();
    };
    const one = await calls(1);
    expect(await calls(20)).toBe(one);
    expect(one).toBeLessThanOrEqual(25);
  });

  test('references answer for what may be seen, and for nothing else', async () => {
    const id = await createdId('referred');
    const services = { datasets: shop.datasets } as unknown as Services;
    const { Dataset } = datasetsSubgraph.references;
    expect(await Dataset({ id }, createContext(alice, 'r', services))).toMatchObject({ id });
    expect(await Dataset({ id }, createContext(bob, 'r', services))).toBe(null);
  });
});

const csv = 'a,b\n1,x\n2,y\n3,x\n4,y\n';

async function* parts(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

interface PageInfoAnswer {
  readonly startCursor: string;
  readonly endCursor: string;
}
interface ListAnswer {
  readonly nodes: readonly { readonly name: string }[];
  readonly pageInfo: PageInfoAnswer;
}
interface FilesAnswer {
  readonly nodes: readonly { readonly path: string }[];
  readonly pageInfo: PageInfoAnswer;
}

/** Counts the reads of the store's tables until stopped. */
function countReads({ at }: Workshop): { stop(): number } {
  let count = 0;
  const tables = [at.store.datasets, at.store.datasetVersions, at.store.splits, at.store.uploads];
  const names = ['getMany', 'page', 'pageEach', 'count', 'countEach', 'get', 'find'] as const;
  const undo: (() => void)[] = [];
  for (const table of tables) {
    for (const name of names) {
      const original: unknown = Reflect.get(table, name);
      if (typeof original !== 'function') continue;
      Reflect.set(table, name, (...values: unknown[]): unknown => {
        count += 1;
        return Reflect.apply(original, table, values);
      });
      undo.push(() => Reflect.deleteProperty(table, name));
    }
  }
  return {
    stop() {
      for (const step of undo) step();
      return count;
    },
  };
}

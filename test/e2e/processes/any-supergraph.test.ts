import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ProcessGroup } from './process-group.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

/**
 * Three subgraphs that have nothing to do with ours, and `supergraph.graphql`, which is what Apollo's composition 2.14.4
 * made of them: shared, moved, hidden, required and provided fields, an interface that one of them knows as an object.
 */
const folder = join(import.meta.dirname, 'any-supergraph');
const sdlOf = (name: string): Promise<string> => readFile(join(folder, `${name}.graphql`), 'utf8');

interface Keyed {
  readonly id: string;
}
const ada = { __typename: 'Publisher', id: 'p1', name: 'Ada' };
const books = [
  { id: 'b1', title: 'Odes', genre: 'POETRY', price: -1, weight: 3, internalCode: 'x' },
  { id: 'b2', title: 'Tales', genre: 'PROSE', price: -1, weight: 7, internalCode: 'y' },
].map((book) => ({ ...book, __typename: 'Book', publisher: ada }));
const media = [...books, { __typename: 'Film', id: 'f1', title: 'Metropolis' }];
const stars = new Map<string, readonly number[]>([['b1', [5]]]);

const resolvers = {
  catalog: {
    Query: {
      books: (_: unknown, { genre }: { genre?: string }) =>
        books.filter((book) => genre === undefined || book.genre === genre),
      media: (_: unknown, { id }: Keyed) => media.find((one) => one.id === id) ?? null,
    },
    Media: { __resolveReference: ({ id }: Keyed) => media.find((one) => one.id === id) },
    Book: { __resolveReference: ({ id }: Keyed) => books.find((one) => one.id === id) },
    Film: { __resolveReference: ({ id }: Keyed) => media.find((one) => one.id === id) },
    Publisher: { __resolveReference: () => ada },
  },
  shipping: {
    Query: { heaviest: () => ({ __typename: 'Book', id: 'b2' }) },
    Book: {
      __resolveReference: (book: Keyed) => book,
      price: ({ id }: Keyed) => (id === 'b1' ? 10 : 20),
      shippingCost: ({ weight }: { weight: number }) => weight * 100,
      publisher: () => ada,
    },
    Publisher: {
      __resolveReference: () => ada,
      newest: () => ({ __typename: 'Book', id: 'b2', weight: 7 }),
    },
  },
  reviews: {
    Mutation: {
      review: (_: unknown, { mediaId, stars: given }: { mediaId: string; stars: number }) => {
        stars.set(mediaId, [...(stars.get(mediaId) ?? []), given]);
        return { __typename: 'Media', id: mediaId };
      },
    },
    Media: {
      __resolveReference: (one: Keyed) => one,
      stars: ({ id }: Keyed) => stars.get(id) ?? [],
    },
  },
};

let group: ProcessGroup;
let scratch = '';
let url = '';
const servers: Server[] = [];
/** The subgraphs that were asked, in order. */
let asked: string[] = [];

beforeAll(async () => {
  let supergraph = await sdlOf('supergraph');
  for (const [name, own] of Object.entries(resolvers)) {
    const address = await serve(name, own);
    supergraph = supergraph.replaceAll(`http://${name}.example/graphql`, address);
  }
  scratch = await mkdtemp(join(tmpdir(), 'fathom-any-supergraph-'));
  const file = join(scratch, 'supergraph.graphql');
  await writeFile(file, supergraph);
  group = await ProcessGroup.create();
  url = await group.gatewayOver(file);
});
afterAll(async () => {
  await group.remove();
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await rm(scratch, { recursive: true, force: true });
});

test('a field that another one owns now, one that needs a neighbour’s, one that is provided', async () => {
  expect(
    await ask('{ books(genre: POETRY) { title genre price shippingCost publisher { name } } }'),
  ).toEqual({
    data: {
      books: [
        {
          title: 'Odes',
          genre: 'POETRY',
          price: 10,
          shippingCost: 300,
          publisher: { name: 'Ada' },
        },
      ],
    },
  });
  asked = [];
  expect(await ask('{ heaviest { publisher { name newest { weight } } } }')).toEqual({
    data: { heaviest: { publisher: { name: 'Ada', newest: { weight: 7 } } } },
  });
  expect(asked).toEqual(['shipping']);
});

test('an interface that one subgraph knows as an object', async () => {
  const query =
    'query ($id: ID!) { media(id: $id) { __typename title stars ... on Book { price } } }';
  expect(await ask(query, { id: 'b1' })).toEqual({
    data: { media: { __typename: 'Book', title: 'Odes', stars: [5], price: 10 } },
  });
  expect(await ask(query, { id: 'f1' })).toEqual({
    data: { media: { __typename: 'Film', title: 'Metropolis', stars: [] } },
  });
  const review = 'mutation { review(mediaId: "f1", stars: 4) { __typename title stars } }';
  expect(await ask(review)).toEqual({
    data: { review: { __typename: 'Film', title: 'Metropolis', stars: [4] } },
  });
});

test('what is hidden is not there: a field, and a value of an enum', async () => {
  expect(await ask('{ books { internalCode } }')).toMatchObject({
    errors: [{ extensions: { code: 'BAD_REQUEST' } }],
  });
  expect(await ask('{ books(genre: SECRET) { id } }')).toMatchObject({
    errors: [{ extensions: { code: 'BAD_REQUEST' } }],
  });
  expect(await ask('{ __type(name: "Genre") { enumValues { name } } }')).toEqual({
    data: { __type: { enumValues: [{ name: 'POETRY' }, { name: 'PROSE' }] } },
  });
});

async function serve(name: string, own: object): Promise<string> {
  const typeDefs = parse(await sdlOf(name));
  const schema = buildSubgraphSchema([{ typeDefs, resolvers: own as never }]);
  const server = createServer((request, response) => {
    // The gateway looks whether they are well; they have no such page.
    if (request.method !== 'POST') return void response.writeHead(404).end();
    void (async () => {
      asked.push(name);
      const { query, variables } = JSON.parse(await text(request)) as {
        readonly query: string;
        readonly variables?: Record<string, unknown>;
      };
      const result = await graphql({ schema, source: query, variableValues: variables ?? {} });
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    })();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

async function ask(query: string, variables: object = {}): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

import DataLoader from 'dataloader';
import { GraphQLScalarType, parse } from 'graphql';
import type { Incoming } from '../../../gateway/executor.ts';
import type { Failure } from '../../../gateway/presentation.ts';
import type { Subgraph } from '../../../gateway/subgraph.ts';

/** Three small subgraphs with every shape a real one has: joins both ways, a compound key, an interface and a union. */

interface ModuleRow {
  readonly id: string;
  title: string;
  readonly related: readonly string[];
}

interface Reference {
  readonly id: string;
}

export interface ToyContext {
  readonly who: string;
  readonly batches: { type: string; ids: readonly string[] }[];
  readonly module: DataLoader<string, ModuleRow | null>;
}

export class Sorry extends Error {
  readonly code = 'NOT_READY';
}

export interface Toys {
  readonly subgraphs: readonly Subgraph[];
  readonly modules: Map<string, ModuleRow>;
  /** Every context that was made, oldest first. */
  readonly contexts: ToyContext[];
  readonly contextFor: (incoming: Incoming) => ToyContext;
  /** Readers of `ticks` and `runEvents` that are open now. */
  readonly open: { readers: number; pulled: number };
}

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])`;
const PAGE_INFO = 'type PageInfo @shareable { hasNextPage: Boolean! endCursor: String }';
const NODE = 'interface Node { id: ID! }';

export function errorFor(error: unknown): Failure {
  if (error instanceof Sorry) {
    return { message: error.message, code: error.code, retryable: true, retryAfterMs: 250 };
  }
  return {
    message: 'Something went wrong.',
    code: 'INTERNAL',
    retryable: false,
    retryAfterMs: null,
  };
}

export function toys(): Toys {
  const modules = new Map<string, ModuleRow>(
    ['iris', 'digits', 'plants'].map((name, index) => [
      `mod_${index}`,
      { id: `mod_${index}`, title: name, related: index === 0 ? ['mod_1', 'mod_2', 'mod_9'] : [] },
    ]),
  );
  const contexts: ToyContext[] = [];
  const open = { readers: 0, pulled: 0 };
  return {
    modules,
    contexts,
    open,
    contextFor(incoming) {
      if (incoming.headers['authorization'] === 'Bearer expired') {
        throw new Sorry('Who you are could not be verified.');
      }
      const context = contextOver(modules, incoming.headers['authorization'] ?? 'nobody');
      contexts.push(context);
      return context;
    },
    subgraphs: [catalogue(modules), training(open), serving()],
  };
}

function contextOver(modules: Map<string, ModuleRow>, who: string): ToyContext {
  const batches: ToyContext['batches'] = [];
  return {
    who,
    batches,
    module: new DataLoader(async (ids: readonly string[]) => {
      batches.push({ type: 'Module', ids });
      return ids.map((id) => modules.get(id) ?? null);
    }),
  };
}

const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  serialize: (value) => (value as Date).toISOString(),
  parseValue: (value) => {
    if (typeof value !== 'string') throw new TypeError('DateTime must be a string.');
    return new Date(value);
  },
});

function catalogue(modules: Map<string, ModuleRow>): Subgraph {
  const module = (id: string, context: ToyContext) => context.module.load(id);
  return {
    name: 'catalogue',
    typeDefs: parse(`${LINK}
      ${PAGE_INFO} ${NODE}
      scalar DateTime
      "Where a module stands."
      enum Stage { DRAFT PUBLISHED }
      "Something that can be trained."
      type Module implements Node @key(fields: "id") {
        id: ID! title: String! stage: Stage! added: DateTime! related: [Module]! versions: [Version!]!
        secret: String
      }
      type Version @key(fields: "module { id } number") { module: Module! number: Int! digest: String! }
      type Run implements Node @key(fields: "id", resolvable: false) { id: ID! }
      type Collection { name: String! modules: [Module!]! }
      union Featured = Module | Collection
      type ModuleConnection { nodes: [Module!]! pageInfo: PageInfo! totalCount: Int! }
      input Within { most: Int! = 7 stages: [Stage!]! = [DRAFT] name: String }
      input Filter { within: Within = { name: "given" } tags: [String!] since: DateTime ids: [[ID]!] }
      input Rename { id: ID! title: String! }
      type RenamePayload { module: Module userErrors: [String!]! }
      type Query {
        module(id: ID!): Module
        modules(first: Int, last: Int, stage: Stage = PUBLISHED): ModuleConnection!
        node(id: ID!): Node
        nodes(ids: [ID!]!): [Node]!
        featured: [Featured!]!
        broken: String
        brokenRequired: String!
        sorry: String
        who: String!
        echo(text: String): String
        filtered(by: Filter, list: [Int!]): String
        slow(ms: Int!): String
        slowly(input: Patience!): String
      }
      input Patience { ms: Int!, deadlineMs: Int }
      type Mutation { rename(input: Rename!): RenamePayload! }
    `),
    resolvers: {
      DateTime,
      Query: {
        module: (_: unknown, { id }: Reference, context: ToyContext) => module(id, context),
        modules: (_: unknown, { first, last }: { first?: number; last?: number }) => ({
          nodes: [...modules.values()].slice(0, first ?? last),
          pageInfo: { hasNextPage: (first ?? 0) < modules.size, endCursor: null },
          totalCount: () => Promise.resolve(modules.size),
        }),
        node: (_: unknown, { id }: Reference, context: ToyContext) => nodeFor(id, context),
        nodes: (_: unknown, { ids }: { ids: string[] }, context: ToyContext) =>
          ids.map((id) => nodeFor(id, context)),
        featured: () => [
          { __typename: 'Collection', name: 'first steps', modules: [modules.get('mod_1')] },
          Object.assign(Object.create({ __typename: 'Module' }), modules.get('mod_0')),
        ],
        broken: () => {
          throw new Error('connect ECONNREFUSED 10.0.0.1 at /srv/secret.ts:1');
        },
        brokenRequired: () => Promise.reject(new Error('select * from users')),
        sorry: () => {
          throw new Sorry('Not yet.');
        },
        who: (_: unknown, __: unknown, context: ToyContext) => context.who,
        echo: (_: unknown, { text }: { text?: string }) => text ?? null,
        filtered: (_: unknown, args: object) => JSON.stringify(args),
        slow: (_: unknown, { ms }: { ms: number }) =>
          new Promise((resolve) => setTimeout(resolve, ms, 'done')),
        slowly: (_: unknown, { input: { ms } }: { input: { ms: number } }) =>
          new Promise((resolve) => setTimeout(resolve, ms, 'done')),
      },
      Mutation: {
        rename(_: unknown, { input }: { input: { id: string; title: string } }) {
          const row = modules.get(input.id);
          if (row === undefined) return { module: null, userErrors: ['There is no such module.'] };
          row.title = input.title;
          return { module: row, userErrors: [] };
        },
      },
      Module: {
        __resolveReference: ({ id }: Reference, context: ToyContext) => module(id, context),
        stage: ({ id }: Reference) => (id === 'mod_2' ? 'DRAFT' : 'PUBLISHED'),
        added: () => new Date(0),
        related: ({ related }: ModuleRow, _: unknown, context: ToyContext) =>
          related.map((id) => module(id, context)),
        versions: (row: ModuleRow) =>
          [1, 2].map((number) => ({ module: row, number, digest: `${row.id}@${number}` })),
        secret: () => {
          throw new Error('the key is hunter2');
        },
      },
      Version: {
        __resolveReference: (reference: { module: Reference; number: number }) => ({
          ...reference,
          digest: `${reference.module.id}@${reference.number}`,
        }),
      },
      Node: { __resolveType: (value: object) => Reflect.get(value, '__typename') as string },
    },
  };
}

async function nodeFor(id: string, context: ToyContext): Promise<unknown> {
  if (id.startsWith('run_')) return { __typename: 'Run', id };
  const row = await context.module.load(id);
  return row === null ? null : { ...row, __typename: 'Module' };
}

function training(open: Toys['open']): Subgraph {
  const run = (id: string) => ({
    id,
    state: id === 'run_3' ? 'FAILED' : 'RUNNING',
    number: Number(id.slice(4)),
  });
  const runsOf = ({ id }: Reference) => (id === 'mod_0' ? ['run_0', 'run_3'] : ['run_1']).map(run);
  return {
    name: 'training',
    typeDefs: parse(`${LINK}
      ${PAGE_INFO} ${NODE}
      enum RunState { RUNNING FAILED }
      type Metric { name: String! value: Float }
      type Run implements Node @key(fields: "id") {
        id: ID! state: RunState! number: Int! module: Module! version: Version! metrics: [Metric!]!
        trouble: String must: String!
      }
      type Module @key(fields: "id") { id: ID! runs(first: Int, last: Int): RunConnection! latest: Run count: Int! }
      type Version @key(fields: "module { id } number") { module: Module! number: Int! trained: Boolean! }
      type RunConnection { nodes: [Run!]! pageInfo: PageInfo! totalCount: Int! }
      type RunEvent { sequence: Int! run: Run! }
      type Query { run(id: ID!): Run runs(first: Int, last: Int): RunConnection! }
      type Subscription {
        runEvents(id: ID!, after: Int, upTo: Int!): RunEvent!
        ticks(upTo: Int!, bytes: Int = 0): String!
        silence: String!
        refused: String!
        failing: String!
      }
    `),
    resolvers: {
      Query: {
        run: (_: unknown, { id }: Reference) => (id.startsWith('run_') ? run(id) : null),
        runs: (_: unknown, { first, last }: { first?: number; last?: number }) => ({
          nodes: Array.from({ length: Math.min(first ?? last ?? 0, 4) }, (_unused, at) =>
            run(`run_${at}`),
          ),
          pageInfo: { hasNextPage: false, endCursor: 'end' },
          totalCount: 4,
        }),
      },
      Subscription: {
        runEvents: {
          subscribe: (_: unknown, args: { id: string; after?: number; upTo: number }) =>
            counted(
              open,
              (async function* () {
                for (let sequence = (args.after ?? 0) + 1; sequence <= args.upTo; sequence += 1) {
                  yield { runEvents: { sequence, run: run(args.id) } };
                }
              })(),
            ),
        },
        ticks: {
          subscribe: (_: unknown, { upTo, bytes }: { upTo: number; bytes: number }) =>
            counted(
              open,
              (async function* () {
                for (let at = 0; at < upTo; at += 1) {
                  open.pulled += 1;
                  yield { ticks: `${at}${'.'.repeat(bytes)}` };
                }
              })(),
            ),
        },
        silence: { subscribe: () => counted(open, silent()) },
        failing: {
          subscribe: () =>
            counted(
              open,
              (async function* () {
                yield { failing: 'first' };
                throw new Sorry('The store is away.');
              })(),
            ),
        },
        refused: {
          subscribe: () => {
            throw new Sorry('Not yet.');
          },
        },
      },
      Run: {
        __resolveReference: ({ id }: Reference) => (id === 'run_9' ? null : run(id)),
        module: ({ number }: { number: number }) => ({
          id: number === 2 ? 'mod_gone' : `mod_${number % 2}`,
        }),
        version: ({ number }: { number: number }) => ({
          module: { id: `mod_${number % 2}` },
          number: 1,
        }),
        metrics: () => [
          { name: 'loss', value: 0.25 },
          { name: 'accuracy', value: null },
        ],
        trouble: () => {
          throw new Sorry('No trouble today.');
        },
        must: ({ number }: { number: number }) => {
          if (number === 3) throw new Sorry('It must not.');
          return 'ok';
        },
      },
      Module: {
        __resolveReference: (reference: Reference) => {
          if (reference.id === 'mod_2') throw new Sorry('Training does not know it.');
          return { ...reference };
        },
        runs: (reference: Reference) => ({
          nodes: runsOf(reference),
          pageInfo: { hasNextPage: false, endCursor: null },
          totalCount: () => runsOf(reference).length,
        }),
        latest: (reference: Reference) => runsOf(reference)[0],
        count: (reference: Reference) => runsOf(reference).length,
      },
      Version: {
        __resolveReference: (reference: object) => ({ ...reference }),
        trained: ({ number }: { number: number }) => number === 1,
      },
    },
  };
}

function serving(): Subgraph {
  return {
    name: 'serving',
    typeDefs: parse(`${LINK}
      type Deployment @key(fields: "id") { id: ID! module: Module! }
      type Module @key(fields: "id") { id: ID! deployments: [Deployment!]! }
      type Version @key(fields: "module { id } number") { module: Module! number: Int! url: String }
      type Query { deployments: [Deployment!]! }
    `),
    resolvers: {
      Query: { deployments: () => [{ id: 'dep_1', module: { id: 'mod_1' } }] },
      Module: {
        __resolveReference: ({ id }: Reference) => Object.freeze({ id }),
        deployments: ({ id }: Reference) => [{ id: `dep_${id.slice(4)}`, module: { id } }],
      },
      Version: {
        __resolveReference: (reference: object) => ({ ...reference }),
        url: ({ module, number }: { module: Reference; number: number }) =>
          `http://module/${module.id}/${number}`,
      },
    },
  };
}

function counted(
  open: Toys['open'],
  source: AsyncIterator<unknown>,
): AsyncIterableIterator<unknown> {
  open.readers += 1;
  let isOpen = true;
  const closed = () => {
    if (isOpen) open.readers -= 1;
    isOpen = false;
  };
  return {
    async next() {
      const next = await source.next();
      if (next.done === true) closed();
      return next;
    },
    async return() {
      closed();
      void source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function silent(): AsyncIterator<unknown> {
  return { next: () => new Promise(() => undefined) };
}

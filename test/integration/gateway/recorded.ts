import { parse } from 'graphql';
import { compose } from '../../../gateway/composition.ts';
import { isResultStream } from '../../../gateway/executor.ts';
import type { Executor, Incoming, ResultStream } from '../../../gateway/executor.ts';
import { plannedExecutor } from '../../../gateway/planned.ts';
import { remoteLink } from '../../../gateway/remote-subgraph.ts';
import type { Subgraph } from '../../../gateway/subgraph.ts';
import { serveSubgraph } from '../../../gateway/subgraph-server.ts';
import type { SubgraphServer } from '../../../gateway/subgraph-server.ts';
import { errorFor } from './toys.ts';

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])`;

/** A record of which everything that is done for its readers is counted, in a subgraph behind a socket, and one beside it. */
export interface Recorded {
  readonly executor: Executor;
  readonly servers: ReadonlyMap<string, SubgraphServer>;
  readonly counts: Counts;
  append(count?: number): void;
  end(): void;
  /** From now on its events have no positions. */
  forgetPositions(): void;
  close(): Promise<void>;
}

export interface Counts {
  /** Subscriptions that the subgraph has now, ever had, and the most it had at once. */
  open: number;
  opened: number;
  mostOpen: number;
  /** Events that the subgraph was asked for by whoever reads it. */
  pulled: number;
  /** Executions of the plan that asked the other subgraph, and who they were for. */
  readonly named: string[];
  /** Contexts that were made for those. */
  contexts: number;
}

export async function recorded(): Promise<Recorded> {
  const counts: Counts = { open: 0, opened: 0, mostOpen: 0, pulled: 0, named: [], contexts: 0 };
  const record = { head: 0, ended: false, isPositioned: true, waiting: new Set<() => void>() };
  const wake = (): void => {
    for (const resolve of record.waiting) resolve();
    record.waiting.clear();
  };
  const subgraphs = [entries(record, counts), names(counts)];
  const servers = new Map<string, SubgraphServer>();
  for (const subgraph of subgraphs) {
    const contextFor = ({ headers }: Incoming) => {
      if (subgraph.name === 'names') counts.contexts += 1;
      return { who: headers['authorization'] ?? 'nobody' };
    };
    const newRequestId = () => 'unnamed';
    servers.set(
      subgraph.name,
      await serveSubgraph({ subgraph, contextFor, errorFor, newRequestId, port: 0 }),
    );
  }
  const { supergraphSdl } = compose(subgraphs);
  const links = [...servers].map(([name, { url }]) => remoteLink({ name, url }));
  const executor = await plannedExecutor({ supergraphSdl, links, errorFor });
  return {
    executor,
    servers,
    counts,
    append(count = 1) {
      record.head += count;
      wake();
    },
    end() {
      record.ended = true;
      wake();
    },
    forgetPositions() {
      record.isPositioned = false;
    },
    async close() {
      await executor.close();
      await Promise.all([...servers.values()].map((it) => it.close()));
    },
  };
}

interface Kept {
  head: number;
  ended: boolean;
  isPositioned: boolean;
  readonly waiting: Set<() => void>;
}

interface Entry {
  readonly sequence: number;
  readonly name: { readonly id: string };
}

function entries(record: Kept, counts: Counts): Subgraph {
  return {
    name: 'entries',
    typeDefs: parse(`${LINK}
      type Entry { sequence: Int! who: String! name: Name! }
      type Name @key(fields: "id") { id: ID! }
      type Query { head: Int! }
      type Subscription { entries(after: Int! = 0): Entry! }
    `),
    resolvers: {
      Query: { head: () => record.head },
      Entry: { who: (_: unknown, __: unknown, { who }: { who: string }) => who },
      Subscription: {
        entries: {
          subscribe: (_: unknown, { after }: { after: number }) => source(record, counts, after),
          resolve: (entry: Entry) => entry,
        },
      },
    },
  };
}

function names(counts: Counts): Subgraph {
  return {
    name: 'names',
    typeDefs: parse(`${LINK}
      type Name @key(fields: "id") { id: ID! text: String! }
      type Query { nameless: String }
    `),
    resolvers: {
      Name: {
        __resolveReference({ id }: { id: string }, { who }: { who: string }) {
          counts.named.push(`${id} for ${who}`);
          return { id, text: `the ${id}` };
        },
      },
    },
  };
}

function source(record: Kept, counts: Counts, after: number): AsyncIterableIterator<Entry> {
  counts.opened += 1;
  counts.open += 1;
  counts.mostOpen = Math.max(counts.mostOpen, counts.open);
  let cursor = after;
  const gone = new AbortController();
  const close = (): IteratorResult<Entry> => {
    if (!gone.signal.aborted) counts.open -= 1;
    gone.abort();
    return { done: true, value: undefined };
  };
  const iterator: AsyncIterableIterator<Entry> = {
    async next() {
      while (!gone.signal.aborted && cursor >= record.head) {
        if (record.ended) return close();
        await new Promise<void>((resolve) => record.waiting.add(resolve));
      }
      if (gone.signal.aborted) return close();
      cursor += 1;
      counts.pulled += 1;
      return { done: false, value: { sequence: cursor, name: { id: `n${cursor}` } } };
    },
    async return() {
      return close();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  if (!record.isPositioned) return iterator;
  return Object.assign(iterator, { position: ({ sequence }: Entry) => sequence });
}

export interface ReaderOptions {
  readonly after?: number;
  readonly authorization?: string;
  readonly query?: string;
}

/** What a transport pulls. */
export async function read(
  { executor }: Pick<Recorded, 'executor'>,
  { after = 0, authorization, query = FULL }: ReaderOptions = {},
): Promise<ResultStream> {
  const opened = await executor.subscribe({
    query,
    document: parse(query),
    variables: { after },
    incoming: {
      kind: 'subscription',
      headers: authorization === undefined ? {} : { authorization },
      requestId: 'r',
      signal: new AbortController().signal,
    },
  });
  if (!isResultStream(opened)) throw new Error(`refused: ${JSON.stringify(opened)}`);
  return opened;
}

const FULL =
  'subscription ($after: Int!) { entries(after: $after) { sequence who name { text } } }';

/** Of the one subgraph alone, so that many events cost little. */
export const PART = 'subscription ($after: Int!) { entries(after: $after) { sequence } }';

/** The next `count` events. */
export async function take(stream: ResultStream, count: number): Promise<unknown[]> {
  const taken: unknown[] = [];
  while (taken.length < count) {
    const next = await stream.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

export function sequences(results: readonly unknown[]): unknown[] {
  return results.map((result) => {
    const { data } = result as { data?: { entries: { sequence: number } } };
    return data?.entries.sequence ?? result;
  });
}

/** Whole numbers from `first` to `last`. */
export function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Resolves once it is so; what never becomes so is ended by the test's own limit. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

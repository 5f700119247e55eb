import { Kind, OperationTypeNode, isScalarType, parse } from 'graphql';
import { compose } from '../../../gateway/composition.ts';
import { Documents } from '../../../gateway/documents.ts';
import { isResultStream } from '../../../gateway/executor.ts';
import type { ContextFor, Executor, GraphRequest } from '../../../gateway/executor.ts';
import { limits } from '../../../gateway/limits.ts';
import { localLinks } from '../../../gateway/local-subgraph.ts';
import { mergedExecutor } from '../../../gateway/merged.ts';
import { plannedExecutor } from '../../../gateway/planned.ts';
import type { ErrorFor } from '../../../gateway/presentation.ts';
import { remoteLink } from '../../../gateway/remote-subgraph.ts';
import type { SubgraphLink } from '../../../gateway/subgraph-link.ts';
import type { Subgraph } from '../../../gateway/subgraph.ts';
import { serveSubgraph } from '../../../gateway/subgraph-server.ts';

export interface Sample {
  readonly name: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Mode = 'merged' | 'planned in process' | 'planned remotely';

export interface Graphs {
  readonly executors: ReadonlyMap<Mode, Executor>;
  /** The answer's bytes; of a subscription, one line an event. */
  answerOf(mode: Mode, sample: Sample): Promise<string>;
  /** The subgraphs that were asked since this was last called, by a gateway before remote ones: a name for each call, sorted. */
  calls(): readonly string[];
  close(): Promise<void>;
}

export interface GraphsOptions<C extends object> {
  readonly subgraphs: readonly Subgraph[];
  readonly contextFor: ContextFor<C>;
  readonly errorFor: ErrorFor;
}

/** One set of subgraphs behind all three executors; the remote one over real servers on ports of their own. */
export async function graphsOf<C extends object>(options: GraphsOptions<C>): Promise<Graphs> {
  const { subgraphs, contextFor, errorFor } = options;
  const { supergraphSdl } = compose(subgraphs);
  const newRequestId = () => 'unnamed-request';
  const servers = await Promise.all(
    subgraphs.map((subgraph) =>
      serveSubgraph({ subgraph, contextFor, errorFor, newRequestId, port: 0 }),
    ),
  );
  let asked: string[] = [];
  const remotes = subgraphs.map(({ name }, at) =>
    counted(remoteLink({ name, url: servers[at]?.url ?? '' }), () => asked.push(name)),
  );
  const scalars = subgraphs.flatMap(({ resolvers }) =>
    Object.values(resolvers).filter((it) => isScalarType(it)),
  );
  const planned = { supergraphSdl, errorFor, scalars, admit: contextFor };
  const executors = new Map<Mode, Executor>([
    ['merged', await mergedExecutor(options)],
    ['planned in process', await plannedExecutor({ ...planned, links: localLinks(options) })],
    ['planned remotely', await plannedExecutor({ ...planned, links: remotes })],
  ]);
  const documents = new Map(
    [...executors].map(([mode, { schema }]) => [
      mode,
      new Documents({ schema, limits, introspection: true }),
    ]),
  );
  return {
    executors,
    async answerOf(mode, sample) {
      const executor = executors.get(mode);
      const prepared = documents.get(mode)?.prepare(sample.query);
      if (executor === undefined || prepared === undefined) throw new Error(`no ${mode}`);
      if (!('document' in prepared)) return `refused: ${JSON.stringify(prepared)}`;
      const request: GraphRequest = {
        query: prepared.query,
        document: prepared.document,
        variables: sample.variables ?? {},
        incoming: {
          kind: prepared.kind,
          headers: sample.headers ?? {},
          requestId: 'differential-request',
          signal: AbortSignal.timeout(20_000),
        },
      };
      if (prepared.kind !== 'subscription') return JSON.stringify(await executor.run(request));
      const opened = await executor.subscribe(request);
      if (!isResultStream(opened)) return JSON.stringify(opened);
      const events: string[] = [];
      for await (const event of opened) events.push(JSON.stringify(event));
      return events.join('\n');
    },
    calls() {
      const told = asked.toSorted();
      asked = [];
      return told;
    },
    async close() {
      await Promise.all([...executors.values()].map((it) => it.close()));
      await Promise.all(servers.map((it) => it.close()));
    },
  };
}

function counted(link: SubgraphLink, count: () => void): SubgraphLink {
  return {
    name: link.name,
    execute(fetch) {
      count();
      return link.execute(fetch);
    },
    subscribe(fetch) {
      count();
      return link.subscribe(fetch);
    },
    close: () => link.close(),
  };
}

/**
 * Runs every sample in all modes and returns what differs, as sentences. Queries run often enough in the merged graph for
 * their compiled form to have answered; mutations run once a mode, so they should be idempotent.
 */
export async function differences(graphs: Graphs, samples: readonly Sample[]): Promise<string[]> {
  const found: string[] = [];
  for (const sample of samples) {
    const expected = await graphs.answerOf('planned in process', sample);
    const remote = await graphs.answerOf('planned remotely', sample);
    if (remote !== expected) found.push(difference(sample, 'remotely', expected, remote));
    const runs = isQuery(sample) ? limits.runsBeforeCompiling + 2 : 1;
    for (let run = 1; run <= runs; run += 1) {
      const merged = await graphs.answerOf('merged', sample);
      if (merged === expected) continue;
      found.push(difference(sample, `merged, run ${run}`, expected, merged));
      break;
    }
  }
  return found;
}

function isQuery({ query }: Sample): boolean {
  return parse(query).definitions.some(
    (it) => it.kind === Kind.OPERATION_DEFINITION && it.operation === OperationTypeNode.QUERY,
  );
}

function difference(sample: Sample, where: string, expected: string, got: string): string {
  return `${sample.name} (${where})\n  planned: ${expected}\n  got:     ${got}`;
}

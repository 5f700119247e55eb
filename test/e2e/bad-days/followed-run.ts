import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localOwner } from '../../../domain/actor.ts';
import { newId } from '../../../domain/ids.ts';
import { defaultResources } from '../../../domain/resources.ts';
import { untraced } from '../../../domain/traces.ts';
import type { TrainingRun } from '../../../domain/training-run.ts';
import { compose } from '../../../gateway/composition.ts';
import { mergedExecutor } from '../../../gateway/merged.ts';
import { plannedExecutor } from '../../../gateway/planned.ts';
import { remoteLink } from '../../../gateway/remote-subgraph.ts';
import { serveSubgraph } from '../../../gateway/subgraph-server.ts';
import { unwatched, type Watch } from '../../../gateway/watch.ts';
import { createContext } from '../../../resolvers/context.ts';
import { errorMapper } from '../../../server/errors.ts';
import { buildSubgraphs } from '../../../server/graph.ts';
import type { Services } from '../../../services/services.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import { tailsOf } from '../../../services/tail.ts';
import { TrainingRuns } from '../../../services/training/training-runs.ts';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { startEdge } from '../edge/edges.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

/** What the process holds for readers. */
export interface Held {
  /** Subscriptions that the edge counts. */
  readonly streams: number;
  /** Records that are followed, by whoever reads them here. */
  readonly tails: number;
  /** Listeners that wait in the store for a change. */
  readonly listeners: number;
}

/** One run whose log is read and written, behind an edge, in this process, so that all it holds can be counted. */
export interface FollowedRun {
  readonly url: string;
  readonly id: string;
  /** Where its newest event stands. */
  readonly head: () => number;
  readonly held: () => Held;
  /** Subscriptions that the edge has counted since the beginning. */
  readonly opened: () => number;
  /** One event more. */
  tell(): Promise<void>;
  close(): Promise<void>;
}

/** `events` are in its log already. `planned`: the gateway reaches the subgraphs over sockets, as other processes do. */
export async function followRun(mode: 'merged' | 'planned', events: number): Promise<FollowedRun> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-followed-'));
  const embedded = await openEmbeddedStore({ folder, ambient });
  let listeners = 0;
  let streams = 0;
  let opened = 0;
  const store: Store = {
    ...embedded,
    events: {
      read: (id, after, limit) => embedded.events.read(id, after, limit),
      head: (id) => embedded.events.head(id),
      async changed(id, after, signal) {
        listeners += 1;
        await embedded.events.changed(id, after, signal).finally(() => (listeners -= 1));
      },
    },
  };
  const run = await runIn(store, events);
  let head = events;
  const services = servicesOver(store);
  const contextFor = (incoming: { readonly requestId: string }) =>
    createContext(localOwner, incoming.requestId, services);
  const errorFor = errorMapper(() => undefined);
  const subgraphs = buildSubgraphs();
  const servers = mode === 'merged' ? [] : await Promise.all(subgraphs.map(serve));
  const executor =
    mode === 'merged'
      ? await mergedExecutor({ subgraphs, contextFor, errorFor })
      : await plannedExecutor({
          supergraphSdl: compose(subgraphs).supergraphSdl,
          links: subgraphs.map(({ name }, at) => remoteLink({ name, url: servers[at]?.url ?? '' })),
          errorFor,
        });
  const watch: Watch = {
    ...unwatched,
    streamOpened() {
      streams += 1;
      opened += 1;
      return () => (streams -= 1);
    },
  };
  const edge = await startEdge(executor, { watch });

  function serve(subgraph: (typeof subgraphs)[number]) {
    const newRequestId = () => 'unnamed';
    return serveSubgraph({ subgraph, contextFor, errorFor, newRequestId, port: 0 });
  }
  return {
    url: edge.url,
    id: run.id,
    head: () => head,
    held: () => ({ streams, tails: tailsOf(store).size, listeners }),
    opened: () => opened,
    async tell() {
      await append(store, run, 1);
      head += 1;
    },
    async close() {
      await edge.close();
      await Promise.all(servers.map((server) => server.close()));
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

function servicesOver(store: Store): Services {
  const at = { store, ambient, traces: untraced, log: () => undefined } as unknown as Surroundings;
  const nothing = () => Promise.reject(new Error('Only runs are read here.'));
  const trainingRuns = new TrainingRuns(
    at,
    { resolveVersion: nothing },
    { resolveVersion: nothing, splitFor: nothing },
  );
  return { trainingRuns } as unknown as Services;
}

async function runIn(store: Store, events: number): Promise<TrainingRun> {
  const now = ambient.now();
  const run: TrainingRun = {
    id: newId('TrainingRun', now, ambient.random),
    version: 1,
    owner: localOwner.subject,
    visibility: 'PRIVATE',
    number: 1,
    name: 'followed',
    moduleVersionId: newId('ModuleVersion', now, ambient.random),
    datasetVersionId: newId('DatasetVersion', now, ambient.random),
    splitId: newId('Split', now, ambient.random),
    arguments: {},
    seed: 0,
    resources: defaultResources,
    requestedBackend: null,
    backend: 'local',
    resumeFrom: null,
    state: 'RUNNING',
    stateSince: now,
    waiting: null,
    progress: null,
    metrics: {},
    outcome: null,
    cancelRequestedAt: null,
    observedAt: now,
    attempts: 1,
    startedAt: now,
    finishedAt: null,
    createdAt: now,
    updatedAt: now,
  };
  await store.transaction((tx) => tx.trainingRuns.insert(run));
  await append(store, run, events);
  return run;
}

async function append(store: Store, { id }: TrainingRun, count: number): Promise<void> {
  const progress = { done: 1, total: 2, unit: 'epoch' };
  const events = Array.from({ length: count }, () => {
    return { type: 'trainingRun.progressed' as const, progress };
  });
  await store.transaction((tx) => tx.events.append(id, ambient.now(), events));
}

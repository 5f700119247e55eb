import { compose } from '../../../gateway/composition.ts';
import type { Executor } from '../../../gateway/executor.ts';
import { mergedExecutor } from '../../../gateway/merged.ts';
import { plannedExecutor } from '../../../gateway/planned.ts';
import { remoteLink } from '../../../gateway/remote-subgraph.ts';
import { serveSubgraph } from '../../../gateway/subgraph-server.ts';
import { errorFor, toys } from '../../integration/gateway/toys.ts';
import type { Toys } from '../../integration/gateway/toys.ts';
import { startEdge } from './edges.ts';
import type { RunningEdge, StartOptions } from './edges.ts';

export const modes = ['merged', 'remote'] as const;
export type EdgeMode = (typeof modes)[number];

export interface RunningMode extends RunningEdge {
  readonly toys: Toys;
}

/** The whole way: an edge over the toys, in one process or over a server for each subgraph. */
export async function startMode(mode: EdgeMode, options: StartOptions = {}): Promise<RunningMode> {
  const own = toys();
  const { subgraphs, contextFor } = own;
  if (mode === 'merged') {
    const executor = await mergedExecutor({ subgraphs, contextFor, errorFor });
    return { ...(await startEdge(executor, options)), toys: own };
  }
  const servers = await Promise.all(
    subgraphs.map((subgraph) =>
      serveSubgraph({ subgraph, contextFor, errorFor, newRequestId: () => 'unnamed', port: 0 }),
    ),
  );
  const links = subgraphs.map(({ name }, at) => remoteLink({ name, url: servers[at]?.url ?? '' }));
  const { supergraphSdl } = compose(subgraphs);
  const executor: Executor = await plannedExecutor({ supergraphSdl, links, errorFor });
  const running = await startEdge(executor, options);
  return {
    ...running,
    toys: own,
    async close() {
      await running.close();
      await Promise.all(servers.map((it) => it.close()));
    },
  };
}

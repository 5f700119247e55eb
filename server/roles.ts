import type { Surroundings } from '../services/surroundings.ts';
import type { Config } from './config.ts';
import { serveEverything } from './role-server.ts';
import { serveGateway } from './role-gateway.ts';
import { serveSubgraphs } from './role-subgraph.ts';

export interface RoleRequest {
  readonly config: Config;
  readonly root: string;
  readonly args: readonly string[];
  readonly log: Surroundings['log'];
}

export interface Running {
  readonly url: string;
  stop(): Promise<void>;
}

export type Role = (request: RoleRequest) => Promise<Running>;

/** `fathom`, `fathom gateway …`, `fathom subgraph NAME …`. */
export const roles: Readonly<Record<string, Role>> = {
  server: serveEverything,
  gateway: serveGateway,
  subgraph: serveSubgraphs,
};

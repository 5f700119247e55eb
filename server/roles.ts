import type { Role } from './role.ts';

/** `fathom`, `fathom gateway …`, `fathom subgraph NAME …`, `fathom worker`. Each loads only what it needs. */
export const roles: Readonly<Record<string, Role>> = {
  server: async (request) => (await import('./role-server.ts')).serveEverything(request),
  gateway: async (request) => (await import('./role-gateway.ts')).serveGateway(request),
  subgraph: async (request) => (await import('./role-subgraph.ts')).serveSubgraphs(request),
  worker: async (request) => (await import('./role-worker.ts')).serveWorker(request),
  backup: async (request) => (await import('./backup.ts')).backup(request),
  restore: async (request) => (await import('./backup.ts')).restore(request),
};

import Fastify from 'fastify';
import { serverOptions } from '../gateway/server-options.ts';
import type { Config } from './config.ts';
import { sitePlane } from './data-plane/data-plane.ts';
import type { Installation } from './installation.ts';
import type { RoleRequest } from './role.ts';

/**
 * The address that jobs at other sites are given, when there is one in the settings: everything on it needs a token or a
 * signed link, so it may be open to a cluster while the graph stays on loopback.
 */
export async function listenForSites(
  { sites }: Config,
  { at, links, deliveries }: Pick<Installation, 'at' | 'links' | 'deliveries'>,
  log: RoleRequest['log'],
): Promise<{ close(): Promise<void> }> {
  if (sites === null) return { close: async () => {} };
  const app = Fastify({ logger: false, ...serverOptions });
  await app.register(sitePlane({ blobs: at.blobs, links, deliveries, log }));
  await app.listen({ host: sites.host, port: sites.port });
  return app;
}

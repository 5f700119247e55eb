import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Uploads } from '../../services/datasets/uploads.ts';
import type { BlobStore } from '../../storage/contract/blob-store.ts';
import { blobRoutes } from './blob-routes.ts';
import type { Deliveries } from './deliveries/deliveries.ts';
import { deliveryRoutes } from './deliveries/routes.ts';
import type { SignedLinks } from './links.ts';
import type { PartPace } from './part-content.ts';
import { PartsUnderWay } from './parts-under-way.ts';
import { problemHandler, type ProblemLog } from './problem.ts';
import { uploadRoutes } from './upload-routes.ts';

/** Milliseconds, bytes and counts. */
export const dataPlaneLimits = Object.freeze({
  idleMs: 30_000,
  windowMs: 60_000,
  windowBytes: 64 * 1024,
  /** Parts that are received at once. */
  parts: 256,
});

export interface SitePlaneOptions {
  readonly blobs: BlobStore;
  readonly links: SignedLinks;
  /** With links to blobs that are relative to a delivery. */
  readonly deliveries: { readonly desk: Deliveries; readonly links: SignedLinks };
  readonly log: ProblemLog;
  readonly limits?: Partial<PartPace & { readonly parts: number }>;
}

export interface DataPlaneOptions extends Omit<SitePlaneOptions, 'deliveries'> {
  readonly datasets: { readonly uploads: Uploads };
  readonly deliveries?: SitePlaneOptions['deliveries'];
}

/**
 * Where bytes travel: `/uploads/<id>` (tus 1.0) and `/blobs/<sha256>/<name>`, both at signed URLs, and
 * `/deliveries/<id>/…`, where the launcher of one job comes with a token of its own. Register it before anything that
 * reads bodies on the same server; closing the server ends the parts under way and keeps what came.
 */
export function dataPlane(options: DataPlaneOptions): FastifyPluginAsync {
  const limits = { ...dataPlaneLimits, ...options.limits };
  const { blobs, links, deliveries, log } = options;
  return async (app: FastifyInstance) => {
    const parts = new PartsUnderWay(limits.parts);
    endInOrder(app, [parts, ...(deliveries === undefined ? [] : [deliveries.desk.parts])]);
    app.setErrorHandler(problemHandler(log));
    uploadRoutes(app, { uploads: options.datasets.uploads, links, parts, pace: limits });
    blobRoutes(app, { blobs, links, idleMs: limits.idleMs });
    if (deliveries !== undefined) {
      deliveryRoutes(app, { deliveries: deliveries.desk, links: deliveries.links, pace: limits });
    }
  };
}

/** As much of it as jobs at other sites need: blobs and deliveries. */
export function sitePlane(options: SitePlaneOptions): FastifyPluginAsync {
  const limits = { ...dataPlaneLimits, ...options.limits };
  const { blobs, links, deliveries, log } = options;
  return async (app: FastifyInstance) => {
    endInOrder(app, [deliveries.desk.parts]);
    app.setErrorHandler(problemHandler(log));
    blobRoutes(app, { blobs, links, idleMs: limits.idleMs });
    deliveryRoutes(app, { deliveries: deliveries.desk, links: deliveries.links, pace: limits });
  };
}

function endInOrder(app: FastifyInstance, underWay: readonly PartsUnderWay[]): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
    await Promise.all(underWay.map((parts) => parts.close()));
  });
  // A connection whose answer is just going out is not idle yet when the server closes those that are.
  app.addHook('onResponse', async () => {
    if (closing) setImmediate(() => app.server.closeIdleConnections());
  });
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { systemActor } from '../../domain/actor.ts';
import { FathomError } from '../../domain/errors.ts';
import { datasetLimits } from '../../services/datasets/limits.ts';
import type { UploadProgress, Uploads } from '../../services/datasets/uploads.ts';
import type { SignedLinks } from './links.ts';
import { leaveBody } from './leave-body.ts';
import { partContent, type PartPace } from './part-content.ts';
import type { PartsUnderWay } from './parts-under-way.ts';

const partType = 'application/offset+octet-stream';

type UploadRequest = FastifyRequest<{ Params: { id: string }; Querystring: { token?: unknown } }>;

/**
 * The tus 1.0 core protocol with checksum, expiration and termination, at signed URLs: the link is the permission.
 * Uploads are announced through the graph, so there is no creation here.
 */
export function uploadRoutes(
  app: FastifyInstance,
  surroundings: {
    readonly uploads: Uploads;
    readonly links: SignedLinks;
    readonly parts: PartsUnderWay;
    readonly pace: PartPace;
  },
): void {
  const { uploads, links, parts, pace } = surroundings;
  // The body stays a stream: nothing is gathered in memory.
  app.addContentTypeParser(partType, (_request, body, done) => done(null, body));

  const open = (request: UploadRequest, reply: FastifyReply): string => {
    reply.header('tus-resumable', '1.0.0').header('cache-control', 'no-store');
    const { id } = request.params;
    if (!links.opensUpload(id, request.query.token)) {
      throw new FathomError('NOT_FOUND', 'There is no such upload, or the link has expired.');
    }
    return id;
  };

  app.options('/uploads/:id', (_request, reply) =>
    reply
      .code(204)
      .headers({
        'tus-resumable': '1.0.0',
        'tus-version': '1.0.0',
        'tus-extension': 'checksum,expiration,termination',
        'tus-checksum-algorithm': 'sha256',
        'tus-max-size': String(datasetLimits.fileBytes),
      })
      .send(),
  );

  app.head('/uploads/:id', async (request: UploadRequest, reply) => {
    const id = open(request, reply);
    await parts.take(id);
    const progress = await uploads.progress(systemActor, id);
    if (hasFailed(progress)) return reply.code(410).send();
    return told(reply.code(200), progress).send();
  });

  app.patch('/uploads/:id', async (request: UploadRequest, reply) => {
    try {
      const id = open(request, reply);
      const { offset, checksum } = partHeaders(request);
      const progress = await parts.run(id, (signal) =>
        uploads.receive(systemActor, id, offset, partContent(request.raw, pace, signal, checksum)),
      );
      return await told(reply.code(204), progress).send();
    } catch (error) {
      leaveBody(request, reply, error);
      throw error;
    }
  });

  app.delete('/uploads/:id', async (request: UploadRequest, reply) => {
    const id = open(request, reply);
    await parts.take(id);
    await uploads.abort(systemActor, id);
    return reply.code(204).send();
  });
}

function told(reply: FastifyReply, { upload, received }: UploadProgress): FastifyReply {
  return reply.headers({
    'upload-offset': String(received),
    'upload-length': String(upload.bytes),
    ...(upload.state === 'OPEN' && { 'upload-expires': new Date(upload.expiresAt).toUTCString() }),
  });
}

function hasFailed({ upload }: UploadProgress): boolean {
  return upload.state === 'REFUSED' || upload.state === 'EXPIRED';
}

function partHeaders(request: UploadRequest): {
  readonly offset: number;
  readonly checksum: string | null;
} {
  const header = (name: string): string | null => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const version = header('tus-resumable');
  if (version !== null && version !== '1.0.0') throw badRequest('Only tus 1.0.0 is spoken here.');
  if (header('content-type') !== partType) throw badRequest(`A part is sent as ${partType}.`);
  // Unpacking would let a small request become a large file.
  const encoding = header('content-encoding');
  if (encoding !== null && encoding !== 'identity') throw badRequest('A part is sent as it is.');
  const offset = header('upload-offset') ?? '';
  if (!/^\d{1,16}$/.test(offset)) throw badRequest('Upload-Offset is a whole number.');
  return { offset: Number(offset), checksum: checksumOf(header('upload-checksum')) };
}

function checksumOf(text: string | null): string | null {
  if (text === null) return null;
  const checksum = text.match(/^sha256 ([A-Za-z0-9+/]{43}=)$/)?.[1];
  if (checksum === undefined)
    throw badRequest('Upload-Checksum is `sha256` and the digest in Base64.');
  return checksum;
}

function badRequest(message: string): FathomError {
  return new FathomError('BAD_REQUEST', message);
}

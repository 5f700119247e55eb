import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FathomError } from '../../domain/errors.ts';
import type { BlobStore } from '../../storage/contract/blob-store.ts';
import { byteRange, type ByteRange } from './byte-range.ts';
import type { SignedLinks } from './links.ts';

type BlobRequest = FastifyRequest<{
  Params: { sha256: string; name: string };
  Querystring: { token?: unknown };
}>;

/** Blobs at signed URLs, with ranges. They are offered as files to save, and never as a page of ours. */
export function blobRoutes(
  app: FastifyInstance,
  surroundings: {
    readonly blobs: BlobStore;
    readonly links: SignedLinks;
    /** A reader that takes nothing for so long is let go. */
    readonly idleMs: number;
  },
): void {
  const { blobs, links, idleMs } = surroundings;
  app.route({
    method: ['GET', 'HEAD'],
    url: '/blobs/:sha256/:name',
    async handler(request: BlobRequest, reply) {
      const { sha256, name } = request.params;
      if (!links.opensBlob(sha256, name, request.query.token)) {
        throw new FathomError('NOT_FOUND', 'There is no such file, or the link has expired.');
      }
      const tag = `"${sha256}"`;
      const { bytes } = await blobs.open(sha256, { end: 0 });
      describe(reply, tag, name);
      if (names(request.headers['if-none-match'], tag)) return reply.code(304).send();
      const mayCut = (request.headers['if-range'] ?? tag) === tag;
      const range = mayCut ? byteRange(request.headers.range, bytes) : null;
      if (range === 'unsatisfiable') {
        return reply.code(416).header('content-range', `bytes */${bytes}`).send();
      }
      const whole = { start: 0, end: bytes };
      if (range !== null) reply.code(206).header('content-range', contentRange(range, bytes));
      const { start, end } = range ?? whole;
      reply.header('content-length', end - start);
      if (request.method === 'HEAD') return reply.send();
      const { content } = await blobs.open(sha256, { start, end });
      reply.raw.setTimeout(idleMs, () => reply.raw.destroy());
      return reply.send(Readable.from(content, { objectMode: false }));
    },
  });
}

function describe(reply: FastifyReply, tag: string, name: string): void {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  reply.headers({
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${ascii}"; filename*=UTF-8''${encoded(name)}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'referrer-policy': 'no-referrer',
    'cache-control': 'private, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    etag: tag,
  });
}

/** RFC 8187: four more characters than `encodeURIComponent` escapes. */
function encoded(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function names(header: string | undefined, tag: string): boolean {
  return (
    header !== undefined &&
    header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag)
  );
}

function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

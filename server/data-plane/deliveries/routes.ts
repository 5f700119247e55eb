import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { InputFile } from '../../../backends/contract/workload.ts';
import { writeOnce } from '../../../backends/work-folder/control-file.ts';
import { FathomError } from '../../../domain/errors.ts';
import type { Links } from '../../../services/links.ts';
import { leaveBody } from '../leave-body.ts';
import { partContent, type PartPace } from '../part-content.ts';
import { type Deliveries, exitOf, type OpenDelivery } from './deliveries.ts';
import { fileHeaders, offsetHeader } from './headers.ts';
import type { DeliveryLimits } from './limits.ts';
import { appendLog, beginSegment, logEnd } from './received-log.ts';
import { assertPresent, claim, hear, HeldError } from './sessions.ts';

const bytesType = 'application/octet-stream';
const longestLogPart = 1024 * 1024;

type DeliveryRequest = FastifyRequest<{ Params: { id: string; '*': string } }>;

const sessionBody = z.strictObject({
  session: z.string().regex(/^[\w-]{16,64}$/),
  role: z.enum(['RUN', 'RETURN']),
});

const exitBody = z.strictObject({
  cause: z.enum([
    'EXITED',
    'SIGNALLED',
    'OUT_OF_MEMORY',
    'TIME_LIMIT',
    'CANCELLED',
    'NOT_STARTED',
    'UNKNOWN',
  ]),
  code: z.int().min(0).max(255).nullable(),
  signal: z
    .string()
    .regex(/^SIG[A-Z0-9]{1,16}$/)
    .nullable(),
  message: z.string().max(16 * 1024),
  startedAt: z.number().nullable(),
  endedAt: z.number(),
});

/** What a launcher does, with the token of one delivery in its Authorization header and nowhere else. */
export function deliveryRoutes(
  app: FastifyInstance,
  surroundings: {
    readonly deliveries: Deliveries;
    /** Of blobs, relative to a delivery: whoever reached it reaches them by the same address. */
    readonly links: Pick<Links, 'blob'>;
    readonly pace: PartPace;
  },
): void {
  const { deliveries, links, pace } = surroundings;
  const { limits, ambient, parts } = deliveries;
  app.addContentTypeParser(bytesType, (_request, body, done) => done(null, body));

  const enter = (request: DeliveryRequest, reply: FastifyReply): OpenDelivery => {
    // A good answer says so too: pages of proxies and portals are good answers to somebody else.
    reply.header('cache-control', 'no-store').header('fathom-code', 'OK');
    return deliveries.enter(request.params.id, request.headers.authorization);
  };
  /** For everything that changes something: of several launchers only the present one may. */
  const enterPresent = (request: DeliveryRequest, reply: FastifyReply): OpenDelivery => {
    const delivery = enter(request, reply);
    assertPresent(delivery.folder, request.headers['fathom-session']);
    hear(delivery.folder, ambient.now());
    return delivery;
  };

  app.get('/deliveries/:id/manifest', (request: DeliveryRequest, reply) => {
    const inputs = deliveries.inputs(enter(request, reply));
    return reply
      .type('application/json; charset=utf-8')
      .send(Readable.from(manifest(inputs, limits, links), { objectMode: false }));
  });

  app.post('/deliveries/:id/session', async (request: DeliveryRequest, reply) => {
    const { folder } = enter(request, reply);
    const wanted = checked(sessionBody, request.body);
    const exit = exitOf(folder);
    const { silenceMs } = limits;
    if (exit === null) {
      try {
        const begin = (): void => beginSegment(folder);
        claim(folder, wanted, { now: ambient.now(), silenceMs, begin });
      } catch (error) {
        if (error instanceof HeldError)
          reply.header('retry-after', Math.ceil(limits.silenceMs / 12_000));
        throw error;
      }
      hear(folder, ambient.now());
    }
    return reply.send({ logBytes: logEnd(folder), silenceMs, exit });
  });

  app.post('/deliveries/:id/beat', (request: DeliveryRequest, reply) => {
    enterPresent(request, reply);
    return reply.code(204).send();
  });

  app.post('/deliveries/:id/logs', async (request: DeliveryRequest, reply) => {
    try {
      const { record, folder } = enterPresent(request, reply);
      const offset = offsetHeader(request.headers);
      const name = `${record.id} log`;
      await parts.take(name);
      const end = await parts.run(name, async (signal) => {
        const lines = await gathered(partContent(request.raw, pace, signal, null));
        if (exitOf(folder) !== null && offset + lines.length > logEnd(folder)) throw ended();
        return appendLog(folder, offset, lines, limits.logBytes).catch(async (error: unknown) => {
          reply.header('upload-offset', logEnd(folder));
          throw error;
        });
      });
      return await reply.code(204).header('upload-offset', end).send();
    } catch (error) {
      leaveBody(request, reply, error);
      throw request.raw.destroyed && !request.raw.complete ? cutOff(error) : error;
    }
  });

  app.head('/deliveries/:id/out/*', async (request: DeliveryRequest, reply) => {
    const delivery = enterPresent(request, reply);
    const path = request.params['*'];
    await parts.take(`${delivery.record.id} ${path}`);
    const file = fileHeaders(request.headers);
    const received = await (await deliveries.files(delivery)).received(path, file);
    return reply.header('upload-offset', received).header('upload-length', file.bytes).send();
  });

  app.put('/deliveries/:id/out/*', async (request: DeliveryRequest, reply) => {
    try {
      const delivery = enterPresent(request, reply);
      const path = request.params['*'];
      const file = fileHeaders(request.headers);
      const offset = offsetHeader(request.headers);
      const files = await deliveries.files(delivery);
      if (files.isWhole(path, file)) {
        leaveBody(request, reply, null);
        return await reply.code(204).header('upload-offset', file.bytes).send();
      }
      if (exitOf(delivery.folder) !== null) throw ended();
      const name = `${delivery.record.id} ${path}`;
      await parts.take(name);
      const received = await parts.run(name, (signal) =>
        files.receive(path, file, offset, partContent(request.raw, pace, signal, null)),
      );
      return await reply
        .code(received === file.bytes ? 201 : 204)
        .header('upload-offset', received)
        .send();
    } catch (error) {
      leaveBody(request, reply, error);
      throw request.raw.destroyed && !request.raw.complete ? cutOff(error) : error;
    }
  });

  app.put('/deliveries/:id/exit', (request: DeliveryRequest, reply) => {
    const { folder } = enterPresent(request, reply);
    const isFirst = writeOnce(join(folder, 'exit.json'), checked(exitBody, request.body));
    return reply.code(isFirst ? 201 : 200).send(exitOf(folder));
  });
}

const inputsAtOnce = 500;

/** Signing links for tens of thousands of files must not hold everybody else up. */
async function* manifest(
  inputs: readonly InputFile[],
  { files, bytes, logBytes }: DeliveryLimits,
  links: Pick<Links, 'blob'>,
): AsyncGenerator<string> {
  yield `{"version":1,"limits":${JSON.stringify({ files, bytes, logBytes })},"inputs":[`;
  for (let at = 0; at < inputs.length; at += inputsAtOnce) {
    const piece = inputs.slice(at, at + inputsAtOnce).map(({ path, content }) => {
      if (content.kind === 'TEXT') return JSON.stringify({ path, text: content.text });
      const { sha256, bytes: size } = content;
      return JSON.stringify({ path, sha256, bytes: size, url: links.blob(sha256, 'input') });
    });
    yield `${at === 0 ? '' : ','}${piece.join(',')}`;
    await nextTurn();
  }
  yield ']}';
}

function checked<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new FathomError('BAD_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** The rest did not come: nobody's mistake, and nobody is there to be answered. */
function cutOff(cause: unknown): FathomError {
  return new FathomError('BAD_REQUEST', 'The connection ended early.', { cause });
}

function ended(): FathomError {
  return new FathomError('WRONG_STATE', 'The end was told already; nothing comes behind it.');
}

async function gathered(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > longestLogPart) {
      throw new FathomError(
        'TOO_LARGE',
        `At most ${longestLogPart} bytes of log are sent at once.`,
      );
    }
    chunks.push(chunk);
  }
  const all = Buffer.concat(chunks);
  if (all.length > 0 && all.at(-1) !== 10) {
    throw new FathomError('BAD_REQUEST', 'A part of a log ends with its last line.');
  }
  return all;
}

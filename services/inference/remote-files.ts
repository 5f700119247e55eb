import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import { FathomError } from '../../domain/errors.ts';
import { isPublicAddress } from './public-address.ts';

export interface RemoteFile {
  readonly bytes: Uint8Array;
  readonly mediaType: string | null;
}

export interface RemoteFileOptions {
  readonly maximumBytes: number;
  /** Whether an address may be connected to; default: public ones only. */
  readonly mayConnect?: (address: string) => boolean;
}

const redirects = 3;
const fetchesAtOnce = 16;

/**
 * Fetches what a caller names by URL. The address that is connected to is checked itself, after its name was resolved
 * and for each redirect, so no name, no redirect and no second answer of a name server leads into a private network.
 * Rejects with INVALID_ARGUMENT, TOO_LARGE, DEADLINE_EXCEEDED or OVERLOADED at `path`.
 */
export class RemoteFiles {
  readonly #maximumBytes: number;
  readonly #mayConnect: (address: string) => boolean;
  readonly #agent: Agent;
  #underWay = 0;

  constructor({ maximumBytes, mayConnect = isPublicAddress }: RemoteFileOptions) {
    this.#maximumBytes = maximumBytes;
    this.#mayConnect = mayConnect;
    this.#agent = new Agent({
      connect: { timeout: 10_000, lookup: guarded(mayConnect) },
      keepAliveTimeout: 1_000,
      maxRedirections: 0,
    } as Agent.Options);
  }

  async fetch(url: string, timeMs: number, path: readonly string[]): Promise<RemoteFile> {
    if (this.#underWay >= fetchesAtOnce) {
      throw new FathomError('OVERLOADED', 'Too many files are being fetched already.', {
        path,
        retryAfterMs: 1_000,
      });
    }
    this.#underWay += 1;
    const signal = AbortSignal.timeout(Math.max(1, Math.min(timeMs, 2 ** 31 - 1)));
    try {
      return await this.#follow(url, signal, path);
    } catch (error) {
      if (error instanceof FathomError) throw error;
      if (signal.aborted) {
        throw new FathomError('DEADLINE_EXCEEDED', 'The file did not come in time.', { path });
      }
      throw refusal(`The file cannot be fetched: ${reasonOf(error)}.`, path, error);
    } finally {
      this.#underWay -= 1;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #follow(start: string, signal: AbortSignal, path: readonly string[]): Promise<RemoteFile> {
    let url = this.#checked(start, path);
    for (let hops = 0; ; hops += 1) {
      const answer = await request(url, {
        dispatcher: this.#agent,
        signal,
        headers: { accept: '*/*', 'user-agent': 'fathom' },
      });
      const { statusCode, headers, body } = answer;
      // A body that is let go emits an error, which without a listener would end the process.
      body.on('error', () => undefined);
      const location = headers['location'];
      if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
        body.destroy();
        if (hops >= redirects) throw refusal('The URL leads from one place to the next.', path);
        url = this.#checked(new URL(location, url).href, path);
        continue;
      }
      if (statusCode !== 200) {
        body.destroy();
        throw refusal(`The file cannot be fetched: the server answered ${statusCode}.`, path);
      }
      const type = headers['content-type'];
      const mediaType = typeof type === 'string' ? (type.split(';')[0] ?? '').trim() : null;
      return { bytes: await readWhole(body, this.#maximumBytes, path), mediaType };
    }
  }

  /** An address written as such is never resolved, so it is checked here. */
  #checked(text: string, path: readonly string[]): URL {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      throw refusal('A file is named by an http or https URL.', path);
    }
    if (url.username !== '' || url.password !== '') {
      throw refusal('A URL of a file holds no user name and no password.', path);
    }
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !this.#mayConnect(host)) throw refusal(notPublic, path);
    return url;
  }
}

const notPublic = 'The URL leads to an address that is not public';

class NotPublicError extends Error {}

type Lookup = typeof lookup;

/** Resolves a name and gives on only addresses that may be connected to. */
function guarded(mayConnect: (address: string) => boolean): Lookup {
  return ((
    host: string,
    options: object,
    done: (error: Error | null, ...found: unknown[]) => void,
  ) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error);
      const good = addresses.filter(({ address }) => mayConnect(address));
      const [first] = good;
      if (first === undefined) return done(new NotPublicError(notPublic));
      if ('all' in options && options.all === true) return done(null, good);
      return done(null, first.address, first.family);
    });
  }) as Lookup;
}

async function readWhole(
  body: AsyncIterable<Uint8Array>,
  maximumBytes: number,
  path: readonly string[],
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maximumBytes) throw tooLarge(maximumBytes, path);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function tooLarge(maximumBytes: number, path: readonly string[]): FathomError {
  return new FathomError('TOO_LARGE', `A file has at most ${maximumBytes} bytes here.`, { path });
}

function refusal(message: string, path: readonly string[], cause?: unknown): FathomError {
  return new FathomError('INVALID_ARGUMENT', message, { path, cause });
}

/** The words of the innermost cause: connection errors come wrapped. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message || error.name;
}

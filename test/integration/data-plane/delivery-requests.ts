import { createHash } from 'node:crypto';
import { request } from 'node:http';
import type { Delivery } from '../../../backends/contract/delivery.ts';

export interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a launcher would send, one request at a time, with whatever one wants to be wrong. */
export class Caller {
  readonly #delivery: Delivery;
  readonly #session: string;

  constructor(delivery: Delivery, session = 'session-0123456789') {
    this.#delivery = delivery;
    this.#session = session;
  }

  /** The path goes out as it is: no client may tidy it up. */
  send(
    method: string,
    path: string,
    body: string | Uint8Array | object | null = null,
    headers: Readonly<Record<string, string | number>> = {},
  ): Promise<Said> {
    const { hostname, port, pathname } = new URL(this.#delivery.url);
    const isJson = body !== null && typeof body === 'object' && !(body instanceof Uint8Array);
    const bytes =
      body === null ? null : Buffer.from(isJson ? JSON.stringify(body) : (body as string));
    const type = isJson ? 'application/json' : 'application/octet-stream';
    return new Promise((resolve, reject) => {
      const call = request({
        hostname,
        port,
        path: `${pathname}/${path}`,
        method,
        headers: {
          authorization: `Bearer ${this.#delivery.token}`,
          'fathom-session': this.#session,
          ...(bytes === null ? {} : { 'content-type': type, 'content-length': bytes.length }),
          ...headers,
        },
      });
      call.once('error', reject);
      call.once('response', (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.once('error', reject);
        answer.once('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers as Record<string, string>,
            body: parsed(text),
          }),
        );
      });
      call.end(bytes ?? undefined);
    });
  }

  claim(role: 'RUN' | 'RETURN' = 'RUN'): Promise<Said> {
    return this.send('POST', 'session', { session: this.#session, role });
  }

  put(
    path: string,
    content: Uint8Array,
    more: { readonly from?: number; readonly to?: number; readonly digest?: string } = {},
  ): Promise<Said> {
    const { from = 0, to = content.length } = more;
    return this.send('PUT', `out/${path}`, content.subarray(from, to), {
      ...fileHeaders(content, more.digest),
      'upload-offset': from,
    });
  }

  head(path: string, content: Uint8Array): Promise<Said> {
    return this.send('HEAD', `out/${path}`, null, fileHeaders(content));
  }

  log(offset: number, lines: string): Promise<Said> {
    return this.send('POST', 'logs', lines, { 'upload-offset': offset });
  }

  exit(code: number): Promise<Said> {
    const message = `It ended with exit code ${code}.`;
    const times = { startedAt: 1, endedAt: 2 };
    return this.send('PUT', 'exit', { cause: 'EXITED', code, signal: null, message, ...times });
  }
}

export function fileHeaders(content: Uint8Array, digest?: string) {
  const base64 = digest ?? createHash('sha256').update(content).digest('base64');
  return { 'repr-digest': `sha-256=:${base64}:`, 'upload-length': content.length };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

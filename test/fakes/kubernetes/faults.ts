import type { IncomingMessage, ServerResponse } from 'node:http';

/** What goes wrong with the next requests that match. */
export interface Fault {
  readonly method: string;
  /** Part of the path. */
  readonly path: string;
  readonly times: number;
  readonly kind:
    | { readonly is: 'STATUS'; readonly code: number; readonly retryAfterSeconds?: number }
    /** Done, and nobody hears of it. */
    | { readonly is: 'REPLY_LOST' }
    | { readonly is: 'HTML'; readonly code: number }
    /** The connection ends without a word. */
    | { readonly is: 'NOTHING' }
    | { readonly is: 'SLOW'; readonly milliseconds: number };
}

/** Those that are still to happen, in the order in which they were asked for. */
export class Faults {
  readonly #faults: (Fault & { left: number })[] = [];
  /** Every connection is cut: the network between us and the cluster is gone. */
  isPartitioned = false;

  add(fault: Fault): void {
    this.#faults.push({ ...fault, left: fault.times });
  }

  take(request: IncomingMessage): Fault | null {
    const found = this.#faults.find(
      ({ method, path, left }) =>
        left > 0 && request.method === method && request.url?.includes(path) === true,
    );
    if (found === undefined) return null;
    found.left--;
    return found;
  }
}

/** True when it was answered here. A reply that is to be lost is lost by whoever makes it. */
export async function answerFault(fault: Fault, response: ServerResponse): Promise<boolean> {
  const { kind } = fault;
  switch (kind.is) {
    case 'STATUS': {
      const more =
        kind.retryAfterSeconds === undefined
          ? {}
          : { 'retry-after': String(kind.retryAfterSeconds) };
      const reason = kind.code === 429 ? 'TooManyRequests' : 'InternalError';
      sendStatus(response, kind.code, reason, 'the fake was told to fail', more);
      return true;
    }
    case 'HTML':
      response.writeHead(kind.code, { 'content-type': 'text/html' });
      response.end('<html><body><h1>Bad Gateway</h1></body></html>');
      return true;
    case 'NOTHING':
      response.destroy();
      return true;
    case 'SLOW':
      await new Promise((resolve) => setTimeout(resolve, kind.milliseconds));
      return false;
    case 'REPLY_LOST':
      return false;
  }
}

/** A Status object, as the API server answers everything that is no success. */
export function sendStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  const base = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  response.end(JSON.stringify({ ...base, message, reason, code }));
}

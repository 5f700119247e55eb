import type { IncomingMessage, ServerResponse } from 'node:http';

/** What goes wrong with the next requests that match. */
export interface Fault {
  readonly method: string;
  /** Part of the path. */
  readonly path: string;
  readonly times: number;
  readonly kind:
    | { readonly is: 'STATUS'; readonly code: number; readonly message?: string }
    /** Done, and nobody hears of it. */
    | { readonly is: 'REPLY_LOST' }
    | { readonly is: 'HTML'; readonly code: number }
    /** Any JSON, in the place of what the platform would have said. */
    | { readonly is: 'DOCUMENT'; readonly code: number; readonly document: unknown }
    | { readonly is: 'SLOW'; readonly milliseconds: number };
}

/** Those that are still to happen, in the order in which they were asked for. */
export class Faults {
  readonly #faults: (Fault & { left: number })[] = [];
  /** Every connection is cut: the network between us and the platform is gone. */
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

/** True when it was answered here. */
export async function answerFault(
  { kind }: Fault,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  switch (kind.is) {
    case 'STATUS': {
      const body = JSON.stringify({ error: kind.message ?? 'told to fail', code: 'a1b2' });
      response.writeHead(kind.code, { 'content-type': 'application/json' }).end(body);
      return true;
    }
    case 'HTML':
      response.writeHead(kind.code, { 'content-type': 'text/html' });
      response.end('<html><body><h1>Bad Gateway</h1></body></html>');
      return true;
    case 'DOCUMENT':
      response.writeHead(kind.code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(kind.document));
      return true;
    case 'SLOW':
      await new Promise((resolve) => setTimeout(resolve, kind.milliseconds));
      return false;
    case 'REPLY_LOST':
      response.writeHead = () => response;
      response.end = () => {
        request.socket.destroy();
        return response;
      };
      return false;
  }
}

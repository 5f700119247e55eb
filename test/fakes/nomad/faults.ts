import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What goes wrong with the next requests of that kind. */
export interface Fault {
  readonly method: string;
  /** The path begins with it. */
  readonly path: string;
  times: number;
  readonly kind:
    | { readonly is: 'REPLY_LOST' }
    | {
        readonly is: 'STATUS';
        readonly code: number;
        readonly text?: string;
        readonly retryAfterSeconds?: number;
      }
    | { readonly is: 'HTML'; readonly code: number }
    | { readonly is: 'SLOW'; readonly milliseconds: number };
}

export class Faults {
  /** Nobody is answered, and no connection is kept. */
  isPartitioned = false;
  readonly #faults: Fault[] = [];

  add(fault: Fault): void {
    this.#faults.push(fault);
  }

  /** Whether the request is done with. `lost`: it is to be carried out, and nobody hears of it. */
  async meet(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<'none' | 'answered' | 'lost'> {
    if (this.isPartitioned) {
      request.socket.destroy();
      return 'answered';
    }
    const fault = this.#faults.find(
      (one) => one.times > 0 && one.method === request.method && path.startsWith(one.path),
    );
    if (fault === undefined) return 'none';
    fault.times--;
    const { kind } = fault;
    if (kind.is === 'REPLY_LOST') return 'lost';
    if (kind.is === 'SLOW') {
      await sleep(kind.milliseconds);
      return 'none';
    }
    const isPage = kind.is === 'HTML';
    const retry = kind.is === 'STATUS' ? kind.retryAfterSeconds : undefined;
    response.writeHead(kind.code, {
      'content-type': isPage ? 'text/html' : 'text/plain',
      ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
    });
    response.end(
      isPage ? '<html><body>Bad gateway</body></html>' : (kind.text ?? 'rpc error: try again'),
    );
    return 'answered';
  }
}

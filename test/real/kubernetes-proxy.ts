import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { RequestOptions } from 'node:https';
import { request as forward } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';

/** Stands between us and the API server of KUBECONFIG, with its credentials, and cuts what it is told to. */
export class CuttingProxy {
  /** Nothing gets through. */
  isPartitioned = false;
  /** Our own credentials go through as they are. */
  passesCredentials = false;
  readonly requests: string[] = [];
  readonly #config = new KubeConfig();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #lost: { readonly method: string; readonly path: string; left: number } | null = null;

  private constructor() {
    this.#config.loadFromDefault();
    this.#server = createServer((request, response) => void this.#pass(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<CuttingProxy> {
    const proxy = new CuttingProxy();
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get connection(): object {
    const { port } = this.#server.address() as AddressInfo;
    const server = `http://127.0.0.1:${port}`;
    return { kind: 'token', server, token: 'no-token-of-the-cluster', skipTlsVerify: true };
  }

  /** The next such request is carried out, and nobody hears of it. */
  loseReply(method: string, path: string): void {
    this.#lost = { method, path, left: 1 };
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    this.requests.push(`${method} ${url}`);
    if (this.isPartitioned) {
      request.socket.resetAndDestroy();
      return;
    }
    const lost = this.#lost;
    const isLost =
      lost !== null && lost.left > 0 && method === lost.method && url.includes(lost.path);
    if (isLost) lost.left--;
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { authorization = '', host: _, ...headers } = request.headers;
    const own = this.passesCredentials ? { authorization } : options.headers;
    const onward = forward(`${this.#config.getCurrentCluster()?.server ?? ''}${url}`, {
      ...options,
      method,
      headers: { ...headers, ...(own as Record<string, string>) },
    });
    onward.once('response', (answer) => {
      if (isLost) {
        request.socket.resetAndDestroy();
        answer.resume();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    onward.once('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  }
}

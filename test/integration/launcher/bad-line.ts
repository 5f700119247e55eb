import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A line to a port that breaks: each connection is cut when so many bytes have gone through it as the next number says,
 * in both directions together, so that now a request is lost and now the answer to one that was carried out.
 */
export class BadLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(port: number, budget: () => number): Promise<BadLine> {
    const server = createServer();
    const line = new BadLine(server);
    server.on('connection', (near) => {
      const far = connect(port, '127.0.0.1');
      let left = budget();
      const cut = (): void => {
        near.resetAndDestroy();
        far.resetAndDestroy();
      };
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        line.#sockets.add(from);
        from.on('error', cut);
        from.once('close', () => {
          line.#sockets.delete(from);
          to.end();
        });
        from.on('data', (chunk: Buffer) => {
          const fitting = chunk.subarray(0, Math.max(0, left));
          left -= chunk.length;
          if (left > 0) {
            if (to.write(fitting)) return;
            from.pause();
            to.once('drain', () => from.resume());
            return;
          }
          line.cuts++;
          from.pause();
          // What was let through arrives before the end does, if anybody takes it.
          to.write(fitting, cut);
          setTimeout(cut, 100);
        });
      }
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}

/** Numbers from `least` to `most` that are the same at every run. */
export function numbers(seed: number, least: number, most: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return least + (state % (most - least + 1));
  };
}

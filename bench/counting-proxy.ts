import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes HTTP requests on and counts them; in front of a subgraph it says what a gateway asks. Never in a timed run. */
export interface CountingProxy {
  readonly url: string;
  count(): number;
  close(): Promise<void>;
}

export async function countingProxy(target: string): Promise<CountingProxy> {
  let count = 0;
  const { origin, pathname } = new URL(target);
  const server = createServer((request, response) => {
    count += 1;
    const onward = send(
      origin,
      { path: request.url, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${pathname}`,
    count: () => count,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

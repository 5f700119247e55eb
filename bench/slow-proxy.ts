import { Agent, createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Passes HTTP requests on after a while, as a server far away would get them, and counts them. */
export interface SlowProxy {
  readonly url: string;
  latencyMs: number;
  count: number;
  close(): Promise<void>;
}

export async function slowProxy(target: string): Promise<SlowProxy> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    proxy.count += 1;
    const pass = (): void => {
      const onward = send(
        target,
        { path: request.url, method: request.method, headers: request.headers, agent },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    };
    if (proxy.latencyMs === 0) pass();
    else void delay(proxy.latencyMs).then(pass);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const proxy: SlowProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    latencyMs: 0,
    count: 0,
    close: () =>
      new Promise((closed) => {
        agent.destroy();
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

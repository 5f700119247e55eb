import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe } from 'vitest';
import type { RunningServer } from './module-process.ts';
import { moduleServerContract } from './module-server.contract.ts';

/**
 * The reference implementation itself, on request: `pip install
 * test/contract/module-server-deepaas` into any environment, then
 * `DEEPAAS_RUN=<environment>/bin/deepaas-run npx vitest run
 * test/contract/module-server-deepaas.test.ts`.
 */
const command = process.env['DEEPAAS_RUN'];

describe.runIf(command)('the reference implementation', () => {
  moduleServerContract('deepaas', () => startDeepaas(command ?? ''), {
    model: 'contract_demo',
    predict: { text: 'hello', topK: '2' },
    invalid: { arguments: { topK: 'many' }, field: 'topK' },
    upload: { field: 'data', bytes: new Uint8Array([1, 2, 3]) },
    train: { sleep: '0.5' },
    maxBody: null,
  });
});

async function startDeepaas(path: string): Promise<RunningServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['--listen-ip', '127.0.0.1', '--listen-port', String(port)];
  const child = spawn(path, args, { stdio: 'ignore' });
  const closed = once(child, 'close') as Promise<[number | null]>;
  while (child.exitCode === null) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    await pause(100);
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGINT');
      const [code] = await closed;
      return code;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

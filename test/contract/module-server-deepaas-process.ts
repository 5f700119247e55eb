import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningServer } from './module-process.ts';

const longestStopMs = 20_000;

/** The reference implementation itself, without anything of ours. `path` is its `deepaas-run`. */
export async function startDeepaas(path: string, model: string): Promise<RunningServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['--listen-ip', '127.0.0.1', '--listen-port', String(port), '--model-name', model];
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
      // One that fell silent does not hear of that either.
      const timer = setTimeout(() => child.kill('SIGKILL'), longestStopMs);
      const [code] = await closed.finally(() => clearTimeout(timer));
      return code;
    },
  };
}

/** What `module-server-deepaas/` is asked. */
export const contractDemo = {
  model: 'contract_demo',
  predict: { text: 'hello', topK: '2' },
  invalid: { arguments: { topK: 'many' }, field: 'topK' },
  upload: { field: 'data', bytes: new Uint8Array([1, 2, 3]) },
  train: { sleep: '0.5' },
  maxBody: null,
  maySilence: true,
} as const;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { RunningServer } from './module-process.ts';
import { moduleFolder } from './module-process.ts';

const root = resolve(import.meta.dirname, '../..');
export const scriptedModule = resolve(root, 'test/fakes/openwhisk/scripted-module');
export const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';

export interface RunningAction extends RunningServer {
  readonly init: (value?: unknown) => Promise<ActionAnswer>;
  readonly run: (value?: unknown, more?: Readonly<Record<string, string>>) => Promise<ActionAnswer>;
  /** What it printed so far. */
  readonly printed: { readonly stdout: string; readonly stderr: string };
}

export interface ActionAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The runtime as an action container, as a process; `module` is a name or a folder. */
export async function startAction(
  module: string,
  options: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningAction> {
  const folder = module.startsWith('/') ? module : moduleFolder(module);
  const main = resolve(root, 'modules/runtime/main.ts');
  const where = ['--host', '127.0.0.1', '--openwhisk-port', '0'];
  const args = [main, 'openwhisk', '--module', folder, ...where, ...options];
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => (printed[stream] += text));
  }
  const port = await new Promise<number>((found, failed) => {
    child.stdout.on('data', () => {
      const match = /"listening","port":(\d+)\}\n/.exec(printed.stdout);
      if (match !== null) found(Number(match[1]));
    });
    child.once('close', () => failed(new Error(`The action ended: ${printed.stderr}`)));
  });
  printed.stdout = '';
  const url = `http://127.0.0.1:${port}`;
  const post = async (path: string, message: unknown): Promise<ActionAnswer> => {
    const body = typeof message === 'string' ? message : JSON.stringify(message);
    const answer = await fetch(url + path, { method: 'POST', body });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  return {
    url,
    printed,
    init: (value = { name: 'a', main: 'main', binary: false }) => post('/init', { value }),
    run: (value = {}, more = {}) => post('/run', { value, ...more }),
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await closed;
      return code;
    },
  };
}

/** An action behind an HTTP server that puts each request into a `/run`, as a client of OpenWhisk does. */
export async function startBehindAction(
  module: string,
  options: readonly string[] = [],
): Promise<RunningServer> {
  const action = await startAction(module, options);
  await action.init();
  const server = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const { headers, method = 'GET', url = '/' } = request;
      const isText = (headers['content-type'] ?? '').startsWith('text/');
      const said = await action.run({
        __ow_method: method.toLowerCase(),
        __ow_path: url,
        __ow_headers: headers,
        __ow_body: body.toString(isText ? 'utf8' : 'base64'),
      });
      const result = JSON.parse(said.text) as {
        statusCode: number;
        headers: Record<string, string>;
        body: string;
      };
      response.writeHead(result.statusCode, result.headers).end(result.body);
    })();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      return action.stop();
    },
  };
}

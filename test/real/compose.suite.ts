import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeComposeImages } from './compose-images.ts';
import { DockerEngine } from './docker-engine.ts';

const run = promisify(execFile);
const example = resolve(import.meta.dirname, '../../docs/examples/compose');
const password = 'a long password';
const credential = `Basic ${Buffer.from(`somebody:${password}`).toString('base64')}`;

let engine: DockerEngine;
let url = '';
let compose: (...argv: string[]) => Promise<string>;

beforeAll(async () => {
  engine = await DockerEngine.start();
  await makeComposeImages(engine);
  const folder = join(engine.folder, 'example');
  await cp(example, folder, { recursive: true });
  const caddy = ['run', '--rm', '--network', 'none', 'docker.io/library/caddy:2', 'caddy'];
  const version = await engine.docker(...caddy, 'version');
  // Until 2.8 the directive had another name.
  if (/^v?2\.[0-7]\b/u.test(version)) {
    const file = join(folder, 'Caddyfile');
    await writeFile(file, (await readFile(file, 'utf8')).replace('basic_auth', 'basicauth'));
  }
  const port = await freePort();
  const file = join(folder, 'compose.yaml');
  const whole = (await readFile(file, 'utf8')).replace('127.0.0.1:8080:', `127.0.0.1:${port}:`);
  await writeFile(file, whole);
  const hash = await engine.docker(...caddy, 'hash-password', '--plaintext', password);
  const env = {
    ...engine.environment,
    POSTGRES_PASSWORD: 'of-the-database',
    FATHOM_USER: 'somebody',
    FATHOM_PASSWORD_HASH: hash,
  };
  compose = async (...argv) => {
    const options = { env, cwd: folder, maxBuffer: 64 * 1024 * 1024 };
    return (await run('docker-compose', ['--file', file, ...argv], options)).stdout;
  };
  await compose('up', '--detach', '--no-build');
  url = `http://127.0.0.1:${port}`;
}, 1_200_000);
afterAll(async () => {
  await compose?.('down', '--volumes', '--timeout', '5').catch(() => '');
  await engine?.stop();
}, 120_000);

describe('the compose file', { timeout: 240_000 }, () => {
  test('brings up all roles, and their health checks pass', async () => {
    await eventually(async () => (await get('/readyz')).status, 200, 180_000);
    for (const service of ['gateway', 'postgres', 'redis']) {
      await eventually(() => inspect(service, '.State.Health.Status'), 'healthy');
    }
    for (const service of ['subgraphs', 'worker', 'proxy']) {
      expect(await inspect(service, '.State.Running')).toBe('true');
      expect(await inspect(service, '.RestartCount')).toBe('0');
    }
  });

  test('lets nobody in without the password', async () => {
    const answer = await fetch(`${url}/graphql?query={__typename}`);
    expect(answer.status).toBe(401);
  });

  test('trains a module to its end, with its events through the proxy', async () => {
    const id = await train('through-the-proxy');
    const states = await statesOf(id);
    expect(states.at(0)).toBe('QUEUED');
    expect(states.at(-1)).toBe('SUCCEEDED');
  });

  test('goes on after gateway and subgraphs were killed, and has lost nothing', async () => {
    const id = await train('through-the-storm');
    for (const service of ['gateway', 'subgraphs']) {
      process.kill(Number(await inspect(service, '.State.Pid')), 'SIGKILL');
    }
    await eventually(async () => (await get('/readyz')).status, 200);
    expect((await statesOf(id)).at(-1)).toBe('SUCCEEDED');
    const ended = await ask<{ trainingRun: { attempts: readonly unknown[] } }>(
      'query ($id: ID!) { trainingRun(id: $id) { attempts { id } } }',
      { id },
    );
    expect(ended.trainingRun.attempts).toHaveLength(1);
    expect(await inspect('gateway', '.RestartCount')).toBe('1');
  });

  test('says what ended with the container of its worker, and goes on with what was accepted meanwhile', async () => {
    const lost = await train('in-the-worker', { epochs: 500, batchSize: 1 });
    await eventually(() => stateOf(lost), 'RUNNING');
    process.kill(Number(await inspect('worker', '.State.Pid')), 'SIGKILL');
    const next = await train('after-the-worker');
    expect((await statesOf(lost)).at(-1)).toBe('LOST');
    expect((await statesOf(next)).at(-1)).toBe('SUCCEEDED');
    expect(await inspect('worker', '.RestartCount')).toBe('1');
  });

  test('goes on without Redis and says so, stays ready, and says when it is back', async () => {
    await compose('stop', 'redis');
    await eventually(async () => /Redis/u.test(await inWorker('healthz')), true);
    expect((await get('/readyz')).status).toBe(200);
    expect((await statesOf(await train('without-redis'))).at(-1)).toBe('SUCCEEDED');
    await compose('start', 'redis');
    await eventually(async () => /Redis/u.test(await inWorker('healthz')), false);
  });

  test('keeps everything when it is taken down and brought up again', async () => {
    const before = await runs();
    await compose('down', '--timeout', '20');
    await compose('up', '--detach', '--no-build');
    await eventually(async () => (await get('/readyz').catch(() => null))?.status, 200, 180_000);
    expect(await runs()).toEqual(before);
    expect(before.length).toBe(5);
  });
});

function get(path: string): Promise<Response> {
  return fetch(`${url}${path}`, { headers: { authorization: credential } });
}

async function ask<T>(query: string, variables: object = {}): Promise<T> {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: credential, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as { data: T | null; errors?: unknown };
  if (data === null || errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

async function runs(): Promise<readonly unknown[]> {
  const { trainingRuns } = await ask<{ trainingRuns: { nodes: readonly unknown[] } }>(
    '{ trainingRuns(first: 20) { nodes: edges { node { id name state finishedAt } } } }',
  );
  return trainingRuns.nodes;
}

async function stateOf(id: string): Promise<string> {
  const query = 'query ($id: ID!) { trainingRun(id: $id) { state } }';
  return (await ask<{ trainingRun: { state: string } }>(query, { id })).trainingRun.state;
}

async function train(name: string, settings: object = { epochs: 20 }): Promise<string> {
  const { module, datasets } = await ask<{
    module: { latestVersion: { id: string } };
    datasets: { edges: readonly { node: { name: string; latestVersion: { id: string } } }[] };
  }>(
    '{ module(slug: "tabular-classifier") { latestVersion { id } } datasets(first: 20) { edges { node { name latestVersion { id } } } } }',
  );
  const iris = datasets.edges.find(({ node }) => node.name === 'iris')?.node;
  const { createTrainingRun: made } = await ask<{
    createTrainingRun: { trainingRun: { id: string } | null; userErrors: readonly unknown[] };
  }>(
    'mutation ($input: CreateTrainingRunInput!) { createTrainingRun(input: $input) { trainingRun { id } userErrors { message } } }',
    {
      input: {
        name,
        moduleVersionId: module.latestVersion.id,
        datasetVersionId: iris?.latestVersion.id,
        arguments: settings,
        idempotencyKey: name,
      },
    },
  );
  if (made.trainingRun === null) throw new Error(JSON.stringify(made.userErrors));
  return made.trainingRun.id;
}

/** From the run's event stream, resumed behind the last event where it is cut, until the run has ended. */
async function statesOf(id: string): Promise<readonly string[]> {
  const query =
    'subscription ($id: ID!, $after: Int!) { trainingRunEvents(id: $id, after: $after) { sequence change { ... on TrainingRunStateChanged { to } ... on TrainingRunAccepted { __typename } } } }';
  const states: string[] = [];
  let after = 0;
  for (const limit = Date.now() + 200_000; Date.now() < limit; await sleep(500)) {
    try {
      const answer = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: {
          authorization: credential,
          'content-type': 'application/json',
          accept: 'text/event-stream',
        },
        body: JSON.stringify({ query, variables: { id, after } }),
      });
      let text = '';
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString();
        const messages = text.split('\n\n');
        text = messages.pop() ?? '';
        for (const message of messages) {
          const json = /^data: (\{.*\})$/mu.exec(message)?.[1];
          const event = json === undefined ? undefined : eventIn(json);
          if (event === undefined) continue;
          expect(event.sequence).toBe(after + 1);
          after = event.sequence;
          const { to = '' } = event.change;
          if (to !== '') states.push(to);
          if (['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'].includes(to)) return states;
        }
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
  throw new Error(`${id} came to ${states.join(', ')}.`);
}

interface Told {
  readonly sequence: number;
  readonly change: { readonly to?: string };
}

function eventIn(json: string): Told | undefined {
  const { data } = JSON.parse(json) as { data?: { trainingRunEvents?: Told } | null };
  return data?.trainingRunEvents;
}

async function inspect(service: string, field: string): Promise<string> {
  const id = (await compose('ps', '--quiet', service)).trim();
  return engine.docker('inspect', '--format', `{{${field}}}`, id);
}

/** What the worker says on its own port, from inside. */
async function inWorker(path: string): Promise<string> {
  const id = (await compose('ps', '--quiet', 'worker')).trim();
  const script = `fetch('http://127.0.0.1:4009/${path}').then(async (a) => console.log(await a.text()))`;
  return engine.docker('exec', id, 'node', '-e', script);
}

async function eventually(
  read: () => Promise<unknown>,
  wanted: unknown,
  timeoutMs = 60_000,
): Promise<void> {
  let last: unknown;
  for (const limit = Date.now() + timeoutMs; Date.now() < limit; await sleep(500)) {
    last = await read().catch((error: unknown) => String(error));
    if (last === wanted) return;
  }
  throw new Error(`It stayed at ${String(last)}.\n${await compose('logs', '--tail', '20')}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModule } from './scripted-module.ts';
import { bringData, eventually, Server, type UserError } from './server.ts';

let modules: string;
let server: Server;
let data: string;

const train = `
switch (how) {
  case 'crash': console.error('no such column'); process.exit(3);
  case 'throw': throw new Error('matrix is singular');
  case 'hang': process.on('SIGTERM', () => {}); console.log('hanging'); for (;;) await sleep(1000);
  case 'spin': console.log('spinning'); for (;;);
  case 'exit': console.log('all good'); process.exit(0);
  case 'garbage': writeFileSync(join(out, 'output.json'), '<html>'); process.exit(0);
  case 'nested': writeFileSync(join(out, 'output.json'), '['.repeat(500_000)); process.exit(0);
  case 'children': {
    spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();
    spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { stdio: 'ignore' }).unref();
    break;
  }
  case 'flood': {
    const block = ('x'.repeat(99) + '\\n').repeat(10_000);
    for (let at = 0; at < 200; at++) {
      if (!process.stdout.write(block)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    break;
  }
  case 'line': {
    for (let at = 0; at < 50; at++) {
      if (!process.stdout.write('y'.repeat(1_000_000))) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    break;
  }
  case 'name': {
    mkdirSync(join(out, 'model'));
    writeFileSync(join(out, 'model', 'a\\\\b'), '');
    writeFileSync(join(out, 'output.json'), JSON.stringify({ artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model' }] }));
    process.exit(0);
  }
  case 'binary': process.stdout.write(Buffer.from([0, 255, 254, 10, 27, 91, 51, 49, 109, 237, 160, 128, 10])); break;
  case 'chatter': {
    for (let at = 0; at < 20_000; at++) {
      console.log(JSON.stringify({ type: 'metrics', epoch: 1, step: at, values: { ['m' + at]: at } }));
    }
    break;
  }
}
`;

/** Long enough for a machine that these modules load, the one that hangs has to wait for it. */
const loadTimeoutSeconds = 15;

interface Endpoint {
  readonly state: string;
  readonly failure: string | null;
}

let versions: ReadonlyMap<string, string>;

const servers = {
  'crashes-late': `setTimeout(() => { console.error('out of ideas'); process.exit(4); }, 0); await sleep(60_000);`,
  hangs: `process.on('SIGTERM', () => {}); await sleep(600_000);`,
  garbage: `predict = () => ({ labels: 'x'.repeat(100_000) });`,
  throws: `predict = () => { throw new Error('matrix is singular'); };`,
  parent: `
    spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();
    const block = ('x'.repeat(99) + '\\n').repeat(1_000);
    for (let at = 0; at < 100; at++) process.stdout.write(block);`,
};

beforeAll(async () => {
  modules = await mkdtemp(join(tmpdir(), 'fathom-bad-modules-'));
  await writeModule(modules, 'trainer', { train });
  await Promise.all(
    Object.entries(servers).map(([name, load]) => writeModule(modules, name, { load })),
  );
  const settings = { logLimitMiB: 4, cpus: 32, loadTimeoutSeconds, restart: { giveUpAfter: 1 } };
  server = await Server.start({ modules, settings });
  data = await bringData(server);
  const { nodes } = await server.field<{
    nodes: { slug: string; latestVersion: { id: string } }[];
  }>('{ modules(first: 10) { nodes { slug latestVersion { id } } } }');
  versions = new Map(nodes.map(({ slug, latestVersion }) => [slug, latestVersion.id]));
}, 60_000);

afterAll(async () => {
  await server.destroy();
  await rm(modules, { recursive: true });
});

describe('a run of a module that', () => {
  test.concurrent.each([
    ['crash', 'FAILED', 'NON_ZERO_EXIT', /exit code 3\. .*no such column/su],
    ['throw', 'FAILED', 'NON_ZERO_EXIT', /matrix is singular/u],
    ['exit', 'FAILED', 'NO_OUTPUT', /without writing out\/output\.json/u],
    ['garbage', 'FAILED', 'BAD_OUTPUT', /not JSON/u],
    ['nested', 'FAILED', 'BAD_OUTPUT', /not JSON/u],
    ['name', 'FAILED', 'BAD_OUTPUT', /"out\/model\/a.*b" cannot be read/u],
    ['children', 'SUCCEEDED', 'OK', /./u],
    ['line', 'SUCCEEDED', 'OK', /./u],
    ['binary', 'SUCCEEDED', 'OK', /./u],
  ])('does this: %s, ends %s %s and says why', async (how, state, code, why) => {
    const after = await ended(await run(how));
    expect(after).toMatchObject({ state, outcome: { code }, waiting: null });
    expect(after.outcome?.message).toMatch(why);
    expect(after.log.ended).toBe(true);
  });

  test.concurrent('hangs and refuses to stop ends at its time limit', async () => {
    const resources = { cpus: 0.1, memoryMiB: 512, timeLimitSeconds: 2 };
    const after = await ended(await run('hang', { resources }));
    expect(after).toMatchObject({ state: 'FAILED', outcome: { code: 'TIME_LIMIT' } });
  });

  test.concurrent('never gives the processor back can be cancelled', async () => {
    const id = await run('spin');
    await eventually(
      () => runOf(id),
      ({ log }) => log.head > 0,
    );
    await server.change(
      'cancelTrainingRun',
      'CancelTrainingRunInput',
      { id },
      'trainingRun { id }',
    );
    expect(await ended(id)).toMatchObject({ state: 'CANCELLED', outcome: { code: 'CANCELLED' } });
  });

  test.concurrent(
    'prints 200 MB has its beginning kept, and what was dropped is said',
    async () => {
      const after = await ended(await run('flood'));
      const last = await server.field<Run>(lastLines, { id: after.id, after: after.log.head - 2 });
      expect(last.log.lines.map(({ text }) => text)).toEqual([
        expect.stringContaining('has reached its limit') as string,
        expect.stringMatching(/\d{8,} bytes of output were dropped/u) as string,
      ]);
    },
  );

  test.concurrent('makes up metrics keeps a bounded number of them', async () => {
    const after = await ended(await run('chatter'));
    expect(after.metrics.length).toBeGreaterThan(100);
    expect(after.metrics.length).toBeLessThan(300);
  });
});

describe('an endpoint of a module that', () => {
  test.concurrent.each([
    ['crashes-late', /out of ideas/u],
    ['hangs', /not ready after 15 s/u],
    ['garbage', /sample/u],
    ['throws', /matrix is singular/u],
  ])(
    '%s is FAILED with the reason, and answers no call',
    async (name, why) => {
      const id = await deploy(name);
      await eventually(
        () => endpoint(id),
        ({ state }) => state === 'FAILED',
        60_000,
      );
      expect((await endpoint(id)).failure).toMatch(why);
      const { prediction, userErrors } = await server.change<Predicted>(
        'predict',
        'PredictInput',
        { deploymentId: id, arguments: { probe: 'x' } },
        'prediction { output }',
      );
      expect(prediction).toBeNull();
      expect(userErrors).toMatchObject([{ message: expect.stringMatching(why) as string }]);
      await remove(id);
    },
    90_000,
  );

  test.concurrent(
    'has children and talks much serves, and leaves nothing when deleted',
    async () => {
      const id = await deploy('parent');
      await eventually(
        () => endpoint(id),
        ({ state }) => state === 'WARM' || state === 'FAILED',
      );
      expect(await endpoint(id)).toEqual({ state: 'WARM', failure: null });
      await remove(id);
    },
  );
});

test('no process is left of any of them', async () => {
  const left = await eventually(
    () => server.processes(),
    (all) => all.length === 0,
  );
  expect(left).toEqual([]);
});

const runQuery = `query ($id: ID!) { trainingRun(id: $id) { id state outcome { code message } waiting { code } metrics { name } log(first: 5) { head ended lines { text } } } }`;
const lastLines = `query ($id: ID!, $after: Int!) { trainingRun(id: $id) { id log(first: 5, after: $after) { head ended lines { text } } } }`;
const ends = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'];

interface Run {
  readonly id: string;
  readonly state: string;
  readonly outcome: { readonly code: string; readonly message: string } | null;
  readonly metrics: readonly unknown[];
  readonly log: {
    readonly head: number;
    readonly ended: boolean;
    readonly lines: readonly { readonly text: string }[];
  };
}

interface Predicted {
  readonly prediction: unknown;
  readonly userErrors: readonly UserError[];
}

async function run(how: string, more: object = {}): Promise<string> {
  const input = {
    moduleVersionId: versions.get('trainer'),
    datasetVersionId: data,
    arguments: { how },
    resources: { cpus: 0.1, memoryMiB: 512 },
    ...more,
  };
  const type = 'CreateTrainingRunInput';
  const { trainingRun, userErrors } = await server.change<{
    trainingRun: { id: string } | null;
    userErrors: readonly UserError[];
  }>('createTrainingRun', type, input, 'trainingRun { id }');
  if (trainingRun === null) throw new Error(JSON.stringify(userErrors));
  return trainingRun.id;
}

async function ended(id: string): Promise<Run> {
  return await eventually(
    () => runOf(id),
    ({ state }) => ends.includes(state),
  );
}

async function runOf(id: string): Promise<Run> {
  return await server.field<Run>(runQuery, { id });
}

async function deploy(name: string): Promise<string> {
  const resources = { cpus: 0.1, memoryMiB: 512 };
  const { deployment, userErrors } = await server.change<{
    deployment: { id: string } | null;
    userErrors: readonly UserError[];
  }>(
    'createDeployment',
    'CreateDeploymentInput',
    { name, moduleVersionId: versions.get(name), resources },
    'deployment { id }',
  );
  if (deployment === null) throw new Error(JSON.stringify(userErrors));
  return deployment.id;
}

async function endpoint(id: string): Promise<Endpoint> {
  const query = 'query ($id: ID!) { deployment(id: $id) { endpoint { state failure } } }';
  return (await server.field<{ endpoint: Endpoint }>(query, { id })).endpoint;
}

async function remove(id: string): Promise<void> {
  await server.change('deleteDeployment', 'DeleteDeploymentInput', { id }, 'deployment { id }');
  const query = 'query ($id: ID!) { deployment(id: $id) { state } }';
  const read = () => server.field<{ state: string }>(query, { id });
  await eventually(read, ({ state }) => state === 'DELETED');
}

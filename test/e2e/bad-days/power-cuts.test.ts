import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeModule } from './scripted-module.ts';
import { announce, bringData, eventually, partHeaders, Server, type UserError } from './server.ts';

let modules: string;
let server: Server;
let data: string;
let version: string;

/** Waits at its gates, so that a cut finds it running however slow the machine is. Hidden files are no code of a module. */
const train = `
console.log('pid ' + process.pid);
for (let at = 1; at <= 30; at++) {
  console.log('line ' + at);
  report.metrics(at, at, { loss: 1 / at });
  while ((how === 'endless' || at % 10 === 0) && !existsSync(join(import.meta.dirname, '.' + how + at))) {
    await sleep(20);
  }
}
`;
// It takes its time, so that a cut finds it loading.
const load = `await sleep(800);`;

beforeAll(async () => {
  modules = await mkdtemp(join(tmpdir(), 'fathom-slow-modules-'));
  await writeModule(modules, 'slow', { train, load });
  server = await Server.start({ modules });
  data = await bringData(server);
  const { latestVersion } = await server.field<{ latestVersion: { id: string } }>(
    '{ module(slug: "slow") { latestVersion { id } } }',
  );
  version = latestVersion.id;
}, 60_000);

afterAll(async () => {
  await server.destroy();
  await rm(modules, { recursive: true });
});

test('a second server on the folder says who has it and stops; the first goes on', async () => {
  const second = server.launch();
  let words = '';
  second.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
  const [code] = (await once(second, 'exit')) as [number];
  expect(code).toBe(1);
  expect(words).toContain(`in use by process ${server.pid}`);
  expect(words).not.toContain('    at ');
  expect(await server.ask('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
}, 60_000);

test('a power cut while it trains: one job, every line and point once, in order', async () => {
  const { trainingRun } = await server.change<{ trainingRun: { id: string } }>(
    'createTrainingRun',
    'CreateTrainingRunInput',
    { moduleVersionId: version, datasetVersionId: data, idempotencyKey: 'once' },
    'trainingRun { id }',
  );
  const { id } = trainingRun;
  for (const gate of [10, 20, 30]) {
    await eventually(
      () => runOf(id),
      // With the line that names the process.
      (run) => run.log.head === gate + 1,
    );
    await server.kill();
    // It goes on while nobody looks.
    await writeFile(join(modules, 'slow', `.well${gate}`), '');
    await server.revive();
  }
  const again = await server.change<{ trainingRun: { id: string } }>(
    'createTrainingRun',
    'CreateTrainingRunInput',
    { moduleVersionId: version, datasetVersionId: data, idempotencyKey: 'once' },
    'trainingRun { id }',
  );
  expect(again.trainingRun.id).toBe(id);
  const run = await eventually(
    () => runOf(id),
    ({ state }) => state === 'SUCCEEDED' || state === 'FAILED',
  );
  expect(run).toMatchObject({ state: 'SUCCEEDED', attempts: [{ number: 1 }], waiting: null });
  const [first, ...lines] = run.log.lines.map(({ text }) => text);
  expect(first).toMatch(/^pid \d+$/u);
  expect(lines).toEqual(Array.from({ length: 30 }, (_, at) => `line ${at + 1}`));
  expect(run.metricPoints.map(({ step }) => step)).toEqual(lines.map((_, at) => at + 1));
  const events = await eventsOf(id);
  expect(events).toEqual(events.map((_, at) => at + 1));
}, 60_000);

test('a power cut just when it was accepted: it is dispatched once, or was never accepted', async () => {
  for (let round = 0; round < 2; round += 1) {
    const idempotencyKey = `cut ${round}`;
    const input = {
      moduleVersionId: version,
      datasetVersionId: data,
      arguments: { how: 'endless' },
      idempotencyKey,
    };
    const create = () =>
      server.change<{ trainingRun: { id: string } }>(
        'createTrainingRun',
        'CreateTrainingRunInput',
        input,
        'trainingRun { id }',
      );
    // Whether the answer of the first call arrives is up to the cut.
    const answered = create().then(
      ({ trainingRun }) => trainingRun.id,
      () => null,
    );
    await new Promise((resolve) => setTimeout(resolve, round * 20));
    await server.kill();
    const before = await answered;
    await server.revive();
    const { trainingRun } = await create();
    expect([trainingRun.id, null]).toContain(before);
    const { log } = await eventually(
      () => runOf(trainingRun.id),
      (run) => run.log.head > 0,
    );
    const training = server.processes().filter(({ command }) => command.includes(' train '));
    expect(training).toHaveLength(1);
    expect(log.lines.filter(({ text }) => text.startsWith('pid '))).toHaveLength(1);
    await server.change(
      'cancelTrainingRun',
      'CancelTrainingRunInput',
      { id: trainingRun.id },
      'trainingRun { id }',
    );
    const ended = await eventually(
      () => runOf(trainingRun.id),
      ({ state }) => state === 'CANCELLED',
    );
    expect(ended.attempts).toHaveLength(1);
  }
}, 60_000);

test('a power cut while a file comes in: what was acknowledged is kept, the rest is sent again', async () => {
  const { dataset } = await server.change<{ dataset: { id: string } }>(
    'createDataset',
    'CreateDatasetInput',
    { name: 'large' },
    'dataset { id }',
  );
  const bytes = Buffer.alloc(6_000_000, 'fathom ');
  const upload = await announce(server, dataset.id, 'large.bin', bytes);
  const first = await part(upload.url, 0, bytes.subarray(0, 1_000_000));
  expect(first.headers.get('upload-offset')).toBe('1000000');
  // Half of the next part is under way at the cut.
  const half = (async function* () {
    yield bytes.subarray(1_000_000, 3_000_000);
    await new Promise((resolve) => setTimeout(resolve, 10_000).unref());
  })();
  const request = { method: 'PATCH', headers: partHeaders(1_000_000), body: half, duplex: 'half' };
  const cut = fetch(upload.url, request as unknown as RequestInit).catch(() => null);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await server.kill();
  expect(await cut).toBeNull();
  await server.revive();
  const url = await urlOf(upload.id);
  const told = await fetch(url, { method: 'HEAD' });
  const offset = Number(told.headers.get('upload-offset'));
  expect(offset).toBeGreaterThanOrEqual(1_000_000);
  expect((await part(url, offset + 1, bytes.subarray(offset + 1))).status).toBe(409);
  expect((await part(url, offset, bytes.subarray(offset))).status).toBe(204);
  const query = 'query ($id: ID!) { upload(id: $id) { state receivedBytes } }';
  expect(await server.field(query, { id: upload.id })).toEqual({
    state: 'COMPLETE',
    receivedBytes: bytes.length,
  });
  expect(await blobDigest(dataset.id)).toBe(createHash('sha256').update(bytes).digest('hex'));
}, 60_000);

test('a power cut while an endpoint loads: it becomes warm, with one server', async () => {
  const { deployment, userErrors } = await server.change<{
    deployment: { id: string } | null;
    userErrors: readonly UserError[];
  }>(
    'createDeployment',
    'CreateDeploymentInput',
    { name: 'slow', moduleVersionId: version },
    'deployment { id }',
  );
  expect(userErrors).toEqual([]);
  const id = deployment?.id ?? '';
  for (const state of ['LOADING', 'WARM']) {
    await eventually(
      () => endpoint(id),
      (it) => it.state === state || it.state === 'WARM',
    );
    await server.kill();
    await server.revive();
  }
  const warm = await eventually(
    () => endpoint(id),
    (it) => it.state === 'WARM' && it.readyReplicas === 1,
  );
  expect(warm).toMatchObject({ restarts: 0 });
  const serving = server.processes().filter(({ command }) => command.includes(' serve '));
  expect(serving).toHaveLength(1);
  const { prediction } = await server.change<{ prediction: { output: unknown } }>(
    'predict',
    'PredictInput',
    { deploymentId: id, arguments: { probe: 'y' } },
    'prediction { output }',
  );
  expect(prediction.output).toMatchObject({ labels: ['yes'], probe: 'y', pid: serving[0]?.pid });
  await server.change('deleteDeployment', 'DeleteDeploymentInput', { id }, 'deployment { id }');
  await server.kill();
  await server.revive();
  await eventually(
    () => server.processes(),
    (all) => all.length === 0,
  );
  expect(await readdir(join(server.state, 'storage', 'uploads'))).toEqual([]);
}, 60_000);

interface Run {
  readonly state: string;
  readonly attempts: readonly unknown[];
  readonly waiting: unknown;
  readonly metricPoints: readonly { readonly step: number }[];
  readonly log: { readonly head: number; readonly lines: readonly { readonly text: string }[] };
}

async function runOf(id: string): Promise<Run> {
  const query =
    'query ($id: ID!) { trainingRun(id: $id) { state attempts { number } waiting { message } metricPoints(first: 100) { step } log(first: 100) { head lines { text } } } }';
  return await server.field<Run>(query, { id });
}

/** The sequences of all events of a run that ended. */
async function eventsOf(id: string): Promise<readonly number[]> {
  const query = `subscription { trainingRunEvents(id: "${id}") { sequence } }`;
  const { text } = await server.post(JSON.stringify({ query }), { accept: 'text/event-stream' });
  return [...text.matchAll(/"sequence":(\d+)/gu)].map(([, sequence]) => Number(sequence));
}

interface Endpoint {
  readonly state: string;
  readonly readyReplicas: number;
}

async function endpoint(id: string): Promise<Endpoint> {
  const query =
    'query ($id: ID!) { deployment(id: $id) { endpoint { state readyReplicas restarts failure } } }';
  return (await server.field<{ endpoint: Endpoint }>(query, { id })).endpoint;
}

function part(url: string, offset: number, body: Uint8Array): Promise<Response> {
  const bytes = new Uint8Array(body);
  return fetch(url, { method: 'PATCH', headers: partHeaders(offset), body: bytes });
}

async function urlOf(id: string): Promise<string> {
  const query = 'query ($id: ID!) { upload(id: $id) { url } }';
  return (await server.field<{ url: string }>(query, { id })).url;
}

/** Of the one file of a version that is made of the uploads. */
async function blobDigest(datasetId: string): Promise<string> {
  const { datasetVersion } = await server.change<{
    datasetVersion: { files: { nodes: readonly { url: string }[] } };
  }>(
    'createDatasetVersion',
    'CreateDatasetVersionInput',
    { datasetId, format: 'FILES' },
    'datasetVersion { files(first: 1) { nodes { url } } }',
  );
  const response = await fetch(datasetVersion.files.nodes[0]?.url ?? '');
  return createHash('sha256')
    .update(new Uint8Array(await response.arrayBuffer()))
    .digest('hex');
}

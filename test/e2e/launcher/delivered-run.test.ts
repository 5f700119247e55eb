import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { FakeNomad } from '../../fakes/nomad/server.ts';
import { modern } from '../../fakes/slurm/rest-shapes.ts';
import { fakeRest } from '../../fakes/slurm/site.ts';
import { writeModule } from '../bad-days/scripted-module.ts';
import { bringData, eventually, Server, type UserError } from '../bad-days/server.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');

interface Run {
  readonly state: string;
  readonly metrics: readonly { readonly name: string; readonly value: number }[];
  readonly artifacts: { readonly nodes: readonly Artifact[] };
  readonly attempts: readonly { readonly number: number }[];
}
interface Artifact {
  readonly kind: string;
  readonly name: string;
  readonly files: readonly {
    readonly path: string;
    readonly url: string;
    readonly bytes: number;
  }[];
}

/** No folder is shared: what there is comes and goes by the launcher. */
const launcher = [process.execPath, join(root, 'dist', 'launcher.mjs')];
const runtime = [process.execPath, join(root, 'modules', 'runtime', 'main.ts')];

interface FarSite {
  readonly settings: object;
  close(): Promise<void>;
}

/** Their nodes work below `folder`. */
const sites: Readonly<Record<'nomad' | 'slurm', (folder: string) => Promise<FarSite>>> = {
  nomad: async (at) => {
    const nomad = await FakeNomad.start({ folder: join(at, 'agent') });
    const place = { address: nomad.url, token: nomad.token, namespace: 'ml' };
    const settings = { ...place, launcher: { command: launcher }, runtime };
    return { settings, close: () => nomad.close() };
  },
  slurm: async (at) => {
    const slurm = await fakeRest(modern);
    const { transport } = slurm;
    const settings = { transport, launcher, runtime, nodeFolder: join(at, 'node'), pollMs: 200 };
    return { settings, close: () => slurm.destroy() };
  },
};

let folder: string;
let site: FarSite;
let server: Server;

async function start(type: keyof typeof sites): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'fathom-delivered-'));
  site = await sites[type](folder);
  const config = join(folder, 'fathom.config.json');
  const listener = { host: '127.0.0.1', port: await freePort() };
  const backends = [{ name: 'far', type, settings: site.settings }];
  await writeFile(config, JSON.stringify({ dataPlane: { sites: listener }, backends }));
  const modules = join(folder, 'modules');
  await mkdir(modules);
  await writeModule(modules, 'steps', { train: waitsAfterItsFirstCheckpoint });
  server = await Server.start({ modules, environment: { FATHOM_CONFIG: config } });
}
afterEach(async () => {
  await server.destroy();
  await site.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

test.each(['nomad', 'slurm'] as const)(
  'a module is trained on %s where no folder is shared, and the server is killed in the middle',
  { timeout: 180_000 },
  async (type) => {
    await start(type);
    const datasetVersionId = await bringData(server);
    const { module } = await server
      .ask('{ module(slug: "steps") { latestVersion { id } } }')
      .then(({ data }) => data as unknown as { module: { latestVersion: { id: string } } });
    const { trainingRun, userErrors } = await server.change<{
      trainingRun: { id: string } | null;
      userErrors: readonly UserError[];
    }>(
      'createTrainingRun',
      'CreateTrainingRunInput',
      {
        moduleVersionId: module.latestVersion.id,
        datasetVersionId,
        arguments: { how: join(folder, 'go-on') },
        backend: 'far',
      },
      'trainingRun { id }',
    );
    expect(userErrors).toEqual([]);
    const id = trainingRun?.id ?? '';
    const run = () => server.field<Run>(runQuery, { id });

    // While it runs: lines and a checkpoint are here although nothing is shared.
    await eventually(
      run,
      ({ artifacts, state }) => artifacts.nodes.length > 0 && state === 'RUNNING',
    );
    await server.kill();
    // It goes on, and comes to its end, without us.
    await writeFile(join(folder, 'go-on'), '');
    await eventually(
      () => readdir(folder, { recursive: true }),
      (paths) => paths.some((path) => path.endsWith('/out/output.json')),
    );
    await server.revive();
    const ended = await eventually(run, ({ state }) => terminal.has(state), 120_000);
    expect(ended.state).toBe('SUCCEEDED');
    expect(ended.attempts.length).toBe(1);
    const kinds = ended.artifacts.nodes.map(({ kind }) => kind).toSorted();
    expect(kinds).toEqual([...Array.from({ length: 4 }, () => 'CHECKPOINT'), 'MODEL']);
    for (const { files } of ended.artifacts.nodes) {
      expect(files.length).toBeGreaterThan(0);
      for (const { url, bytes } of files) {
        expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(bytes);
      }
    }
    // Every epoch told its loss, once, whoever was away.
    const losses = (await points(id)).filter(({ name }) => name === 'loss');
    expect(losses.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: 200 }, (_, at) => at + 1),
    );
    expect(ended.metrics.length).toBeGreaterThan(0);
    // What was taken over is kept nowhere twice.
    await eventually(
      () => readdir(join(server.state, 'deliveries')),
      (left) => left.length === 0,
    );
  },
);

/** So that the server is killed while it runs, however slow the machine: it waits for the file that `how` names. */
const waitsAfterItsFirstCheckpoint = `
  for (let at = 1; at <= 200; at++) {
    report.metrics(at, at, { loss: 1 / at });
    if (at % 50 === 0) {
      await report.checkpoint(at, async (folder) => writeFileSync(join(folder, 'weights'), 'weights'));
    }
    while (at === 50 && !existsSync(how)) await sleep(20);
  }
`;

const terminal = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST']);

const runQuery = `query ($id: ID!) { trainingRun(id: $id) {
  state attempts { number } metrics { name value }
  artifacts(first: 20) { nodes { kind name files { path url bytes } } } } }`;
interface Point {
  readonly name: string;
  readonly epoch: number;
  readonly offset: number;
}

async function points(id: string): Promise<readonly Point[]> {
  const query = `query ($id: ID!, $after: Int!) { trainingRun(id: $id) {
    metricPoints(after: $after, first: 100) { name epoch offset } } }`;
  const all: Point[] = [];
  for (;;) {
    const variables = { id, after: all.at(-1)?.offset ?? 0 };
    const { metricPoints } = await server.field<{ metricPoints: readonly Point[] }>(
      query,
      variables,
    );
    if (metricPoints.length === 0) return all;
    all.push(...metricPoints);
  }
}

async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  const { port } = listener.address() as { port: number };
  await new Promise((done) => listener.close(done));
  return port;
}

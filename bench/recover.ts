import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import 'reflect-metadata';
import { build } from 'esbuild';
import { request } from 'undici';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { openPostgresStore } from '../store/postgres/postgres-store.ts';
import { openPostgresServer } from '../test/real/postgres-server.ts';
import { stateFolder } from './catalogue.ts';
import { ask } from './graph.ts';
import type { LedgerCounts } from './ledger-process.ts';
import { root, type Server, start } from './process.ts';
import { fillRuns } from './recover-state.ts';
import { quantile, type Result, rounded, type Row } from './result.ts';
import { createRun, steadyInput, type SteadyInput, steadyModules } from './steady-run.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };
/** `--runs 5000` for a shorter one; `--engine embedded` for one of the two. */
const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]) || 50_000;
const only = process.argv[process.argv.indexOf('--engine') + 1];
/** `--profile FOLDER` for a CPU profile there of each server that is not killed. */
const profileIn = process.argv.includes('--profile')
  ? process.argv[process.argv.indexOf('--profile') + 1]
  : undefined;
const accepts = { all: 600, beforeTheKill: 400, atOnce: 20 } as const;
/** Meanwhile, while nobody looks. */
const change = { end: Math.ceil(runs / 50), begin: Math.ceil(runs / 100) } as const;
const settleMs = 60_000;
const convergeWithinMs = 600_000;
const steadyMs = 10_000;

/**
 * A server with so many runs under way on a cluster in another process is killed while it submits more, and started again:
 * when the graph answers, when every run was looked at again and the graph says of each what the cluster says, and how
 * many native jobs there are of one run.
 */
export async function recover(): Promise<Result> {
  const rows: Row[] = [];
  if (only !== 'postgres') rows.push(await measure('embedded', null));
  if (only !== 'embedded') {
    const postgres = await openPostgresServer();
    try {
      rows.push(await measure('PostgreSQL', await postgres.schema()));
    } finally {
      await postgres.stop();
    }
  }
  return {
    about: `${runs} runs under way; SIGKILL while more are submitted; ${change.end} end and ${change.begin} begin before the server is started again. Times in ms from that start; the aim is 5,000.`,
    rows,
    ours: Object.fromEntries(rows.map((row) => [row.name, row])),
    peers: {},
    ratios: {},
  };
}

async function measure(name: string, databaseUrl: string | null): Promise<Row> {
  const state = await stateFolder(0);
  const ledger = await start([join(root, 'bench', 'ledger-process.ts')]);
  const servers: Server[] = [];
  try {
    const config = join(state.folder, 'fathom.config.json');
    const backend = { name: 'ledger', type: 'ledger', settings: { url: ledger.url } };
    await writeFile(config, JSON.stringify({ backends: [backend] }));
    const env = {
      ...state.env,
      FATHOM_CONFIG: config,
      FATHOM_MODULES: await steadyModules(state.folder),
      ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }),
    };
    await bundle();
    const open = async (seed: 'on' | 'off'): Promise<Server> => {
      const entry = join(root, 'dist', 'bench-recover.js');
      const profile = profileIn === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileIn}`];
      const server = await start(
        [...profile, entry],
        { ...env, FATHOM_SEED: seed },
        /GraphiQL\)\s+(\S+)/,
      );
      servers.push(server);
      return server;
    };
    const first = await open('on');
    const input = await steadyInput(first.url, 1_000);
    const like = await createRun(first.url, input);
    await until(
      async () => (await counted(first.url)).running === 1,
      settleMs,
      'the first run runs',
    );
    await first.stop();
    await fill(state.env['FATHOM_STATE'] ?? '', databaseUrl, like, ledger.url);
    const killed = await open('off');
    // As far as it gets: where there are too many for it, it is killed behind with its work.
    await until(async () => lookedAt(killed) > runs * 0.9, settleMs, 'looked at').catch(
      (error: unknown) => console.log(String(error)),
    );
    const accepted = await acceptAndKill(killed, input);
    console.log(`killed after ${accepted.length} were accepted`);
    await tell(ledger.url, '/change', change);
    return await converge(name, ledger.url, accepted, () => open('off'));
  } finally {
    for (const server of servers) await server.kill();
    await ledger.kill();
    await state.remove();
  }
}

/** As `npm start` builds it, so that its start costs the same. */
async function bundle(): Promise<void> {
  await build({
    entryPoints: { 'bench-recover': 'bench/recover-server.ts' },
    outdir: 'dist',
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    packages: 'external',
    alias: { 'nomad-client': './node_modules/nomad-client' },
    tsconfig: 'tsconfig.json',
    logLevel: 'silent',
  });
}

async function fill(
  folder: string,
  databaseUrl: string | null,
  like: string,
  ledgerUrl: string,
): Promise<void> {
  const started = performance.now();
  const store =
    databaseUrl === null
      ? await openEmbeddedStore({ folder, ambient })
      : await openPostgresStore({ url: databaseUrl, ambient });
  try {
    const jobs = await fillRuns(store, runs - 1, like);
    for (let at = 0; at < jobs.length; at += 5_000) {
      await tell(ledgerUrl, '/fill', jobs.slice(at, at + 5_000));
    }
  } finally {
    await store.close();
  }
  console.log(`filled in ${rounded((performance.now() - started) / 1_000, 0)} s`);
}

/** Submits through the graph, and ends the server in the middle; gives the runs whose acceptance was answered. */
async function acceptAndKill(server: Server, input: SteadyInput): Promise<readonly string[]> {
  const accepted: string[] = [];
  let next = 0;
  const dead: Promise<void>[] = [];
  await Promise.all(
    Array.from({ length: accepts.atOnce }, async () => {
      while (next < accepts.all && dead.length === 0) {
        const idempotencyKey = `recover-${(next += 1)}`;
        const id = await createRun(server.url, { ...input, idempotencyKey }).catch(() => null);
        if (id !== null) accepted.push(id);
        if (accepted.length >= accepts.beforeTheKill && dead.length === 0) dead.push(server.kill());
      }
    }),
  );
  await Promise.all(dead);
  return accepted;
}

async function converge(
  name: string,
  ledgerUrl: string,
  accepted: readonly string[],
  open: () => Promise<Server>,
): Promise<Row> {
  const before = await countsOf(ledgerUrl);
  const started = performance.now();
  const server = await open();
  const graph = await counted(server.url);
  const graphMs = performance.now() - started;
  const all = Object.values(graph).reduce((sum, count) => sum + count, 0);
  let lookedMs = NaN;
  let latest = graph;
  await until(
    async () => {
      if (Number.isNaN(lookedMs) && lookedAt(server) >= Math.floor((all - 1) / 250) * 250) {
        lookedMs = performance.now() - started;
      }
      const [said, told] = await Promise.all([countsOf(ledgerUrl), counted(server.url)]);
      latest = told;
      const { phases } = said;
      return (
        !Number.isNaN(lookedMs) &&
        told.starting === 0 &&
        told.ended === phases.ENDED &&
        told.pending === phases.PENDING &&
        told.running === phases.RUNNING
      );
    },
    convergeWithinMs,
    () => `converged: ${JSON.stringify(latest)}`,
  );
  const convergedMs = performance.now() - started;
  const cpuMs = server.cpuMs();
  const rssMiB = server.rssMiB();
  const lost = await missing(server.url, accepted);
  const steady = await steadyState(server);
  const { jobs, duplicates, submits, adopted } = await countsOf(ledgerUrl);
  if (lost > 0 || jobs !== all) throw new Error(`${lost} lost, ${jobs} jobs of ${all} runs`);
  await server.stop();
  return {
    name,
    runs: all,
    'graph ms': rounded(graphMs, 0),
    'all looked at ms': rounded(lookedMs, 0),
    'converged ms': rounded(convergedMs, 0),
    duplicates,
    lost,
    'submits after': submits - before.submits,
    'adopted after': adopted - before.adopted,
    'CPU ms': rounded(cpuMs, 0),
    'RSS MiB': rssMiB,
    ...steady,
  };
}

/** What it costs to look after them when nothing happens, and how the graph answers meanwhile. */
async function steadyState(server: Server): Promise<Omit<Row, 'name'>> {
  const before = server.cpuMs();
  const ended = performance.now() + steadyMs;
  const times: number[] = [];
  while (performance.now() < ended) {
    const started = performance.now();
    await ask(server.url, '{ trainingRuns(first: 20) { nodes { id state observedAt } } }');
    times.push(performance.now() - started);
    await delay(100);
  }
  return {
    'CPU of a core afterwards': `${rounded(((server.cpuMs() - before) / steadyMs) * 100, 0)} %`,
    'query p50 ms': rounded(quantile(times, 0.5), 1),
    'query p99 ms': rounded(quantile(times, 0.99), 1),
  };
}

interface Counted {
  readonly starting: number;
  readonly pending: number;
  readonly running: number;
  readonly ended: number;
}

/** What the graph says of all runs. */
async function counted(url: string): Promise<Counted> {
  const count = (states: string) =>
    `trainingRuns(first: 1, filter: { states: [${states}] }) { totalCount }`;
  const said = await ask<Record<keyof Counted, { totalCount: number }>>(
    url,
    `{ starting: ${count('QUEUED, PLACED, SUBMITTED')} pending: ${count('PENDING')}
      running: ${count('PREPARING, RUNNING')} ended: ${count('SUCCEEDED')} }`,
  );
  const { starting, pending, running, ended } = said;
  return {
    starting: starting.totalCount,
    pending: pending.totalCount,
    running: running.totalCount,
    ended: ended.totalCount,
  };
}

async function missing(url: string, ids: readonly string[]): Promise<number> {
  let lost = 0;
  for (const id of ids) {
    const said = await ask<{ trainingRun: { id: string } | null }>(
      url,
      'query Is($id: ID!) { trainingRun(id: $id) { id } }',
      { id },
    );
    if (said.trainingRun === null) lost += 1;
  }
  return lost;
}

function lookedAt(server: Server): number {
  const output = server.output();
  const words = 'ledger: looked at ';
  const at = output.lastIndexOf(words);
  return at < 0 ? 0 : Number.parseInt(output.slice(at + words.length), 10);
}

async function countsOf(url: string): Promise<LedgerCounts> {
  const response = await request(`${url}/counts`);
  return (await response.body.json()) as LedgerCounts;
}

async function tell(url: string, path: string, body: object): Promise<void> {
  const response = await request(url + path, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.body.text();
  if (response.statusCode !== 200) throw new Error(text);
}

async function until(
  isSo: () => Promise<boolean>,
  withinMs: number,
  what: string | (() => string),
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await delay(200);
  }
}

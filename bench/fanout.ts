import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Audience, followed, openFiles } from './audience.ts';
import { stateFolder } from './catalogue.ts';
import { fathom, root, type Server, start } from './process.ts';
import { quantile, ratio, type Result, rounded, type Row } from './result.ts';
import { startSteadyRun, steadyModules } from './steady-run.ts';
import type { Seen, Share } from './subscribers.ts';

const sizes = [1_000, 5_000];
const everyMs = 1_000;
const windowMs = 15_000;
const quietMs = 5_000;
const processes = 2;

/** Subscribers that follow one run, over the protocol, in processes of their own; each gets one event a second. */
export async function fanout(): Promise<Result> {
  const rows: Row[] = [];
  const allowed = openFiles();
  for (const size of sizes) {
    if (size > allowed - 200) {
      console.log(
        `${size} subscribers are left out: only ${allowed} files may be open (ulimit -n).`,
      );
      continue;
    }
    rows.push(await ours(size));
    for (const [name, file] of [
      ['graphql-ws', 'graphql-ws'],
      ['raw ws broadcast', 'raw-ws'],
    ] as const) {
      const argv = [join(root, 'bench', 'peers', `${file}.mjs`), String(everyMs)];
      const server = await start(argv);
      try {
        rows.push(await measure(name, server, 'run_none', size));
      } finally {
        await server.stop();
      }
    }
  }
  const own = rows.filter(({ name }) => name.startsWith('fathom'));
  const peers = rows.filter((row) => !own.includes(row));
  return {
    about: `Subscribers of one run, an event every ${everyMs} ms, a window of ${windowMs / 1000} s; CPU µs of the server's process per delivered event, and what of it is more than without subscribers; from the event's time to its receipt, ms.`,
    rows,
    ours: Object.fromEntries(own.map((row) => [String(row['subscribers']), row])),
    peers: Object.fromEntries(peers.map((row) => [row.name, row])),
    ratios: Object.fromEntries(
      peers.map((row) => {
        const same = own.find((one) => one['subscribers'] === row['subscribers']);
        return [`cpu vs ${row.name}`, ratio(Number(same?.['cpuUs']), Number(row['cpuUs']))];
      }),
    ),
  };
}

async function ours(size: number): Promise<Row> {
  const state = await stateFolder(0);
  const env = { ...state.env, FATHOM_MODULES: await steadyModules(state.folder) };
  try {
    // The first start decodes the reference data sets, which would be part of the memory measured.
    await (await fathom([], env)).stop();
    const server = await fathom([], { ...env, FATHOM_SEED: 'off' });
    try {
      const run = await startSteadyRun(server.url, everyMs);
      try {
        return await measure('fathom', server, run.id, size);
      } finally {
        await run.end();
      }
    } finally {
      await server.stop();
    }
  } finally {
    await state.remove();
  }
}

async function measure(name: string, server: Server, id: string, size: number): Promise<Row> {
  const quiet = await spent(server, quietMs);
  const rssBefore = server.rssMiB();
  const share: Share = {
    url: server.url,
    query: followed,
    variables: { id, after: 0 },
    subscribers: size / processes,
  };
  const audience = await Audience.open(Array.from({ length: processes }, () => share));
  try {
    audience.begin();
    const cpu = await spent(server, windowMs);
    const seen = await audience.end();
    return figures(`${name}, ${size}`, size, server, { cpu, quiet, rssBefore, seen });
  } finally {
    await audience.close();
  }
}

/** CPU milliseconds that the server spends in so many milliseconds. */
async function spent(server: Server, ms: number): Promise<number> {
  const before = server.cpuMs();
  await delay(ms);
  return server.cpuMs() - before;
}

function figures(
  name: string,
  subscribers: number,
  server: Server,
  at: {
    readonly cpu: number;
    readonly quiet: number;
    readonly rssBefore: number;
    readonly seen: readonly Seen[];
  },
): Row {
  const latencies = at.seen.flatMap((one) => one.latencies);
  const delivered = latencies.length;
  const expected = (subscribers * windowMs) / everyMs;
  if (delivered < expected * 0.8) throw new Error(`${name}: ${delivered} of ${expected} events`);
  const rss = server.rssMiB();
  return {
    name,
    subscribers,
    delivered,
    cpuUs: rounded((at.cpu * 1000) / delivered, 1),
    addedCpuUs: rounded(((at.cpu - (at.quiet * windowMs) / quietMs) * 1000) / delivered, 1),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    gaps: at.seen.reduce((sum, one) => sum + one.gaps, 0),
    rssMiB: rss,
    rssKiBEach: rounded(((rss - at.rssBefore) * 1024) / subscribers, 1),
  };
}

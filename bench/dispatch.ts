import type { DispatchServer } from './dispatch-servers.ts';
import { fakeKubernetes, fakeSlurm, realSlurm, workload } from './dispatch-servers.ts';
import { median, type Result, rounded, type Row } from './result.ts';

const latencies = [0, 5, 50];
const oneByOne = 20;
const manyAtOnce = 8;
const many = 80;

interface Figures {
  readonly p50Ms: number;
  readonly perSecond: number;
  readonly requests: number;
}

/** What a submit costs beside the server's own API. */
export async function dispatch(): Promise<Result> {
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const start of [fakeSlurm, realSlurm, fakeKubernetes]) {
    const server = await start();
    if ('missing' in server) {
      notes.push(`Left out: ${server.missing}`);
      continue;
    }
    try {
      for (const latencyMs of latencies) rows.push(await compare(server, latencyMs));
    } finally {
      await server.close();
    }
  }
  return {
    about: [
      `A submit through the backend and one bare request of the server's own API, ${oneByOne} one after another and ${many} by ${manyAtOnce} at once,`,
      'with the latency that a proxy adds to each request.',
      ...notes,
    ].join('\n'),
    rows,
    ours: Object.fromEntries(rows.map(({ name, ...figures }) => [name, figures])),
    peers: Object.fromEntries(
      rows.map((row) => [row.name, { p50Ms: row['straight ms'], perSecond: row['straight /s'] }]),
    ),
    ratios: Object.fromEntries(rows.map((row) => [`added ms, ${row.name}`, row['added ms']])),
  };
}

async function compare(server: DispatchServer, latencyMs: number): Promise<Row> {
  server.proxy.latencyMs = latencyMs;
  const straight = await measure(server, (name) => server.submitStraight(name));
  const ours = await measure(server, async (name) => {
    const signal = AbortSignal.timeout(60_000);
    await server.backend.jobs?.submit(workload, { key: name, signal });
  });
  return {
    name: `${server.name}, +${latencyMs} ms`,
    'straight ms': straight.p50Ms,
    'ours ms': ours.p50Ms,
    'added ms': rounded(ours.p50Ms - straight.p50Ms, 1),
    requests: ours.requests,
    'straight /s': straight.perSecond,
    'ours /s': ours.perSecond,
  };
}

let submits = 0;

async function measure(
  { proxy }: DispatchServer,
  submit: (name: string) => Promise<void>,
): Promise<Figures> {
  const next = (): Promise<void> => submit(`dispatch-${process.pid}-${++submits}`);
  for (let warm = 0; warm < 5; warm++) await next();
  const times: number[] = [];
  const before = proxy.count;
  for (let at = 0; at < oneByOne; at++) {
    const start = performance.now();
    await next();
    times.push(performance.now() - start);
  }
  const requests = (proxy.count - before) / oneByOne;
  const start = performance.now();
  let left = many;
  await Promise.all(
    Array.from({ length: manyAtOnce }, async () => {
      while (left-- > 0) await next();
    }),
  );
  const perSecond = many / ((performance.now() - start) / 1000);
  return { p50Ms: rounded(median(times), 1), perSecond: rounded(perSecond, 0), requests };
}

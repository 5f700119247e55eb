// A cluster that does nothing, in a process of its own: it outlives whoever submits to it, and counts every submit.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

export type LedgerPhase = 'PENDING' | 'RUNNING' | 'ENDED';

/** A job as it is listed: its key, its phase, and when it started and ended. */
export type LedgerJob = readonly [
  key: string,
  phase: LedgerPhase,
  startedAt: number | null,
  endedAt: number | null,
];

/** What changed since `version`, as schedulers with a watch or a blocking query tell it. */
export interface LedgerChanges {
  readonly version: number;
  readonly jobs: readonly LedgerJob[];
}

export interface LedgerCounts {
  readonly jobs: number;
  readonly submits: number;
  /** Submits of a key that was there already: adopted. */
  readonly adopted: number;
  /** Runs that have more than one job. */
  readonly duplicates: number;
  readonly phases: { readonly [P in LedgerPhase]: number };
}

interface Job {
  readonly run: string;
  phase: LedgerPhase;
  startedAt: number | null;
  endedAt: number | null;
  version: number;
}

/** Each way, so that whoever is killed meanwhile does not hear whether it has the job. */
const submitMs = 20;

const jobs = new Map<string, Job>();
const runs = new Map<string, number>();
let version = 1;
let submits = 0;
let adopted = 0;

const routes: Readonly<Record<string, (body: unknown, query: URLSearchParams) => unknown>> = {
  'POST /fill': (body) => {
    for (const [key, run, phase] of body as readonly [string, string, LedgerPhase][]) {
      add(key, run, phase);
    }
  },
  'POST /submit': async (body) => {
    const { key, run } = body as { readonly key: string; readonly run: string };
    await delay(submitMs);
    submits += 1;
    if (jobs.has(key)) adopted += 1;
    else add(key, run, 'RUNNING');
    await delay(submitMs);
  },
  // So many of those that run end, and so many of those that wait begin.
  'POST /change': (body) => {
    const { end, begin } = body as { readonly end: number; readonly begin: number };
    move('RUNNING', 'ENDED', end);
    move('PENDING', 'RUNNING', begin);
  },
  'GET /changes': (_body, query): LedgerChanges => {
    const since = Number(query.get('since'));
    const changed = [...jobs].filter(([, job]) => job.version > since);
    return {
      version,
      jobs: changed.map(([key, job]) => [key, job.phase, job.startedAt, job.endedAt]),
    };
  },
  'GET /counts': (): LedgerCounts => ({
    jobs: jobs.size,
    submits,
    adopted,
    duplicates: [...runs.values()].filter((count) => count > 1).length,
    phases: { PENDING: count('PENDING'), RUNNING: count('RUNNING'), ENDED: count('ENDED') },
  }),
};

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`http://127.0.0.1:${port} `);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://ledger');
  const route = routes[`${request.method} ${pathname}`];
  if (route === undefined) throw new Error(`no ${request.method} ${pathname}`);
  const body = await text(request);
  const said = await route(body === '' ? null : JSON.parse(body), searchParams);
  response.end(JSON.stringify(said ?? null));
}

function add(key: string, run: string, phase: LedgerPhase): void {
  const startedAt = phase === 'PENDING' ? null : Date.now();
  jobs.set(key, { run, phase, startedAt, endedAt: null, version: (version += 1) });
  runs.set(run, (runs.get(run) ?? 0) + 1);
}

function move(from: LedgerPhase, to: LedgerPhase, most: number): void {
  let left = most;
  for (const job of jobs.values()) {
    if (job.phase !== from) continue;
    if ((left -= 1) < 0) return;
    job.phase = to;
    job.version = version += 1;
    if (to === 'ENDED') job.endedAt = Date.now();
    else job.startedAt = Date.now();
  }
}

function count(phase: LedgerPhase): number {
  return [...jobs.values()].filter((job) => job.phase === phase).length;
}

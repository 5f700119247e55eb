import { Pool } from 'undici';
import type { Server } from './process.ts';
import { median, quantile, rounded } from './result.ts';

export interface Load {
  /** The body of request number `at`; they differ where a server could share one answer between requests in flight. */
  readonly body: (at: number) => string;
  /** Throws when an answer is not the right one: a fast wrong answer is no answer. */
  readonly check: (text: string, at: number) => void;
  readonly requests: number;
  readonly concurrency: number;
}

export interface Contender {
  readonly name: string;
  readonly server: Server;
  /** Processes that work for it; what they spend is shown beside its own. */
  readonly behind?: readonly Server[];
  readonly load: Load;
}

export interface Figures {
  /** User and system time of the server's process, milliseconds per request. */
  readonly cpuMs: number;
  /** The same of the processes behind it; 0 when there are none. */
  readonly behindCpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMiB: number;
}

/** Sends the load once, shorter, to warm up and once to measure. */
async function measure({ server, behind = [], load }: Contender): Promise<Figures> {
  await send(server.url, { ...load, requests: Math.max(200, load.requests / 2) });
  const spent = () => behind.reduce((sum, one) => sum + one.cpuMs(), 0);
  const [before, behindBefore] = [server.cpuMs(), spent()];
  const times = await send(server.url, load);
  return {
    cpuMs: rounded((server.cpuMs() - before) / load.requests),
    behindCpuMs: rounded((spent() - behindBefore) / load.requests),
    p50Ms: rounded(quantile(times, 0.5), 2),
    p99Ms: rounded(quantile(times, 0.99), 2),
    rssMiB: server.rssMiB(),
  };
}

/** Milliseconds of each request. */
export async function send(url: string, load: Load): Promise<readonly number[]> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: load.concurrency });
  const times: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < load.requests) {
      const at = next++;
      const began = performance.now();
      const response = await pool.request({
        path: pathname,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: load.body(at),
      });
      const text = await response.body.text();
      times.push(performance.now() - began);
      load.check(text, at);
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, worker));
  await pool.close();
  return times;
}

/** Rounds over the contenders in turn, so that a machine that slows down slows all of them; medians. */
export async function compare(
  contenders: readonly Contender[],
  rounds: number,
): Promise<ReadonlyMap<string, Figures>> {
  const seen = new Map<string, Figures[]>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const figures = await measure(contender);
      seen.set(contender.name, [...(seen.get(contender.name) ?? []), figures]);
    }
  }
  return new Map([...seen].map(([name, all]) => [name, medians(all)]));
}

function medians(all: readonly Figures[]): Figures {
  const of = (figure: keyof Figures) => median(all.map((one) => one[figure]));
  return {
    cpuMs: of('cpuMs'),
    behindCpuMs: of('behindCpuMs'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    rssMiB: of('rssMiB'),
  };
}

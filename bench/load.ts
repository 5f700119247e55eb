import { Pool } from 'undici';
import type { Server } from './process.ts';
import { quantile, rounded } from './result.ts';

export interface Load {
  readonly path: string;
  /** Made anew for each request, so that no answer can be shared between requests in flight. */
  readonly body: (at: number) => string;
  /** Throws when an answer is not the right one: a fast wrong answer is no answer. */
  readonly check: (text: string) => void;
  readonly requests: number;
  readonly concurrency: number;
}

export interface Figures {
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMiB: number;
}

/** Sends the load once to warm up and once to measure; CPU is that of the server's process, per request. */
export async function measure(server: Server, load: Load): Promise<Figures> {
  await send(server, { ...load, requests: Math.max(200, load.requests / 2) });
  const before = server.cpuMs();
  const times = await send(server, load);
  return {
    cpuMs: rounded((server.cpuMs() - before) / load.requests),
    p50Ms: rounded(quantile(times, 0.5), 2),
    p99Ms: rounded(quantile(times, 0.99), 2),
    rssMiB: server.rssMiB(),
  };
}

/** Milliseconds of each request. */
export async function send(
  server: { readonly url: string },
  load: Load,
): Promise<readonly number[]> {
  const pool = new Pool(new URL(server.url).origin, { connections: load.concurrency });
  const times: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < load.requests) {
      const at = next++;
      const began = performance.now();
      const response = await pool.request({
        path: load.path,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: load.body(at),
      });
      const text = await response.body.text();
      times.push(performance.now() - began);
      load.check(text);
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, worker));
  await pool.close();
  return times;
}

/** Rounds of `measure` over servers in turn, so that a machine that slows down slows all of them; medians. */
export async function compare(
  servers: readonly { readonly name: string; readonly server: Server; readonly load: Load }[],
  rounds: number,
): Promise<ReadonlyMap<string, Figures>> {
  const seen = new Map<string, Figures[]>();
  for (let round = 0; round < rounds; round++) {
    for (const { name, server, load } of servers) {
      seen.set(name, [...(seen.get(name) ?? []), await measure(server, load)]);
    }
  }
  const median = (all: readonly Figures[], figure: keyof Figures) =>
    quantile(
      all.map((one) => one[figure]),
      0.5,
    );
  return new Map(
    [...seen].map(([name, all]) => [
      name,
      {
        cpuMs: median(all, 'cpuMs'),
        p50Ms: median(all, 'p50Ms'),
        p99Ms: median(all, 'p99Ms'),
        rssMiB: median(all, 'rssMiB'),
      },
    ]),
  );
}

import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { type FollowedRun, followRun } from './followed-run.ts';
import { eventually } from './server.ts';
import { firstOf, vanish } from './vanishing-readers.ts';

const none = { streams: 0, tails: 0, listeners: 0 };
const events = 100;
const atOnce = 100;
/** Each costs some milliseconds of CPU, over subgraphs twice as many; the whole number is for a machine that is quiet. */
const whole = process.env['FATHOM_DISCONNECTS'];
const inOne = Number(whole ?? 2_000);
const overSubgraphs = Number(whole ?? 1_000);
/** A stream that stays costs more than this. */
const bytesOfEach = 1_024;
/** What a heap differs by that holds the same. */
const heapNoise = 2_000_000;
let run: FollowedRun | null = null;

afterEach(async () => {
  await run?.close();
  run = null;
});

describe.each([
  ['from a gateway in one process', 'merged', inOne],
  ['from a gateway over subgraphs behind sockets', 'planned', overSubgraphs],
] as const)('connections that are cut off %s (%s, %i of them)', (_where, mode, count) => {
  test('leave no iterator, timer, socket, file, listener or memory, and the next reader is served', async () => {
    const own = (run = await followRun(mode, events));
    // Before anybody came.
    const quiet = resources();
    // What is loaded, compiled and kept once is in the heap then.
    await vanishFrom(own, count / 4);
    const before = await settledHeap();
    await vanishFrom(own, (count * 3) / 4);
    // All but those that are gone before they hear anything were surely there.
    expect(own.opened()).toBeGreaterThan(Math.floor((count * 2) / 3) - 2);
    await eventually(resources, (now) => isNoMore(now, quiet));
    expect((await settledHeap()) - before).toBeLessThan(heapNoise + count * bytesOfEach);
    const head = own.head();
    expect(await firstOf(own, head - 1)).toEqual({
      data: { trainingRunEvents: { sequence: head } },
    });
    await eventually(own.held, isNone);
  }, 1_800_000);
});

/** While the run goes on. Resolves when nothing is held for any of them. */
async function vanishFrom(own: FollowedRun, count: number): Promise<void> {
  await vanish(own, count, atOnce);
  await eventually(own.held, isNone);
}

function isNone(held: object): boolean {
  return JSON.stringify(held) === JSON.stringify(none);
}

interface Resources {
  readonly timers: number;
  readonly sockets: number;
  readonly files: number;
}

/** What keeps the process busy: the test's own timers and its server are among it, before and after. */
function resources(): Resources {
  const all = process.getActiveResourcesInfo();
  const count = (kind: string) => all.filter((it) => it === kind).length;
  const files = readdirSync('/dev/fd').length;
  return { timers: count('Timeout'), sockets: count('TCPSocketWrap'), files };
}

function isNoMore(now: Resources, then: Resources): boolean {
  return now.timers <= then.timers && now.sockets <= then.sockets && now.files <= then.files;
}

const collect = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

/** Bytes that are left when nobody refers to the rest. */
async function settledHeap(): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < 5; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Order, Told } from './platform.ts';
import type { ToldOfSweep } from './sweep-scenario.ts';

const here = dirname(fileURLToPath(import.meta.url));
let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fathom-crash-points-'));
  program = join(folder, 'platform.mjs');
  // Packages too: half of the time of a process that ends so soon went into finding and reading them.
  await build({
    entryPoints: [join(here, 'platform.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
    },
    logLevel: 'silent',
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Ran<T> {
  readonly killed: boolean;
  /** What it was about to do, or had just done. */
  readonly lastWords: string;
  readonly told: T | null;
}

async function run<T = Told>(order: Order, crashAt: number): Promise<Ran<T>> {
  const env = { PATH: process.env['PATH'] ?? '', CRASH_AT: String(crashAt) };
  return new Promise((resolve, reject) => {
    const argv = [program, JSON.stringify(order)];
    execFile(process.execPath, argv, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const killed = error?.signal === 'SIGKILL';
      if (error !== null && !killed) reject(new Error(`${error.message}\n${stderr}`));
      else resolve({ killed, lastWords: stderr, told: killed ? null : (JSON.parse(stdout) as T) });
    });
  });
}

const ends = {
  success: {
    states: [
      'QUEUED',
      'PLACED',
      'SUBMITTED',
      'PENDING',
      'PREPARING',
      'RUNNING',
      'EVALUATING',
      'SUCCEEDED',
    ],
    artifacts: ['MODEL model'],
    metricSteps: [1, 2],
    logLines: ['a line for people'],
  },
  cancel: {
    states: [
      'QUEUED',
      'PLACED',
      'SUBMITTED',
      'PENDING',
      'PREPARING',
      'RUNNING',
      'CANCELLING',
      'CANCELLED',
    ],
    artifacts: [],
  },
} as const;

describe('a process that is killed at any step between accept and the end', () => {
  test.each(['success', 'cancel'] as const)(
    '%s: one native job, one run, one answer, no event missing or doubled',
    async (scenario) => {
      // Module and data are there before: their own making is another matter.
      const empty = join(folder, `${scenario}-0`);
      const undisturbed = await run({ folder: empty, scenario }, 0);
      expect(undisturbed.told).toMatchObject(ends[scenario]);
      const points = await everyPoint(scenario, async (again, point, at) => {
        const { told } = await run(again, 0);
        expect({ point, at, ...told }).toMatchObject({
          point,
          ...ends[scenario],
          sameAnswer: true,
          nativeJobs: 1,
          attempts: 1,
          sequences: gapless(told?.sequences),
        });
      });
      const kinds = new Set(points);
      expect(points.length).toBeGreaterThan(30);
      for (const kind of [
        'before a transaction',
        'after a transaction',
        'after a claim',
        'before the submit is sent',
        'before the submit is acknowledged',
        'before an observation',
        'after an observation',
        'before a release',
        ...(scenario === 'cancel'
          ? ['before the cancel is sent', 'after the cancel was sent']
          : []),
      ]) {
        expect(kinds).toContain(kind);
      }
    },
    600_000,
  );

  test.each(['sweep', 'array'] as const)(
    '%s of two runs: one native job for each, every end told once, nothing under way at the end',
    async (scenario) => {
      const wanted = {
        sameAnswer: true,
        sweeps: 1,
        runs: ['1 SUCCEEDED', '2 SUCCEEDED'],
        attempts: 2,
        state: 'SUCCEEDED',
        underWay: 0,
        best: 1,
        lastEvent: 'sweep.stateChanged',
        native: { jobs: 2, arrays: scenario === 'array' ? 1 : 0 },
      };
      const empty = { folder: join(folder, `${scenario}-0`), scenario };
      expect((await run<ToldOfSweep>(empty, 0)).told).toMatchObject(wanted);
      const points = await everyPoint(scenario, async (again, point, at) => {
        const { told } = await run<ToldOfSweep>(again, 0);
        expect({ point, at, ...told }).toMatchObject({
          point,
          ...wanted,
          sequences: gapless(told?.sequences),
        });
        const ended = told?.ended ?? [];
        // One at the same time: the first ends first. The site keeps to that itself where it took both.
        expect(scenario === 'sweep' ? ended : ended.toSorted(ascending)).toEqual([1, 2]);
      });
      expect(points.length).toBeGreaterThan(25);
      for (const kind of ['before the submit is sent', 'before the submit is acknowledged']) {
        expect(points).toContain(kind);
      }
    },
    600_000,
  );
});

/** Kills a new process at each step in turn and has `check` go on in its folder; gives what each was about to do. */
async function everyPoint(
  scenario: Order['scenario'],
  check: (order: Order, point: number, at: string) => Promise<void>,
): Promise<readonly string[]> {
  const points: string[] = [];
  let isDone = false;
  const worker = async (): Promise<void> => {
    while (!isDone) {
      const point = points.push('');
      const order = { folder: join(folder, `${scenario}-${point}`), scenario };
      const first = await run(order, point);
      if (!first.killed) {
        isDone = true;
        points[point - 1] = 'nothing';
        continue;
      }
      points[point - 1] = first.lastWords;
      await check(order, point, first.lastWords);
      await rm(order.folder, { recursive: true });
    }
  };
  await Promise.all([worker(), worker()]);
  return points;
}

function gapless(sequences: readonly number[] | undefined): readonly number[] {
  return Array.from({ length: sequences?.length ?? 0 }, (_, at) => at + 1);
}

function ascending(a: number, b: number): number {
  return a - b;
}

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Order, Told } from './platform.ts';

const here = dirname(fileURLToPath(import.meta.url));
let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fathom-crash-points-'));
  program = join(here, `.platform-${process.pid}.mjs`);
  await build({
    entryPoints: [join(here, 'platform.ts')],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(program, { force: true });
});

interface Ran {
  readonly killed: boolean;
  /** What it was about to do, or had just done. */
  readonly lastWords: string;
  readonly told: Told | null;
}

async function run(order: Order, crashAt: number): Promise<Ran> {
  const env = { PATH: process.env['PATH'] ?? '', CRASH_AT: String(crashAt) };
  return new Promise((resolve, reject) => {
    const argv = [program, JSON.stringify(order)];
    execFile(process.execPath, argv, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const killed = error?.signal === 'SIGKILL';
      if (error !== null && !killed) reject(new Error(`${error.message}\n${stderr}`));
      else
        resolve({ killed, lastWords: stderr, told: killed ? null : (JSON.parse(stdout) as Told) });
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
      const points: string[] = [];
      let isDone = false;
      const worker = async (): Promise<void> => {
        while (!isDone) {
          const point = points.push('');
          const own = join(folder, `${scenario}-${point}`);
          const first = await run({ folder: own, scenario }, point);
          if (!first.killed) {
            isDone = true;
            points[point - 1] = 'nothing';
            continue;
          }
          points[point - 1] = first.lastWords;
          const { told } = await run({ folder: own, scenario }, 0);
          expect({ point, at: first.lastWords, ...told }).toMatchObject({
            point,
            ...ends[scenario],
            sameAnswer: true,
            nativeJobs: 1,
            attempts: 1,
            sequences: Array.from({ length: told?.sequences.length ?? 0 }, (_, at) => at + 1),
          });
          await rm(own, { recursive: true });
        }
      };
      await Promise.all([worker(), worker()]);
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
});

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobExit } from '../../../backends/contract/job-runner.ts';
import type { JobWorkload } from '../../../backends/contract/workload.ts';
import type { LocalUnderTest } from './local-under-test.ts';
import { openLocal } from './local-under-test.ts';
import { job, submit, untilEnded } from './under-test.ts';

const here = dirname(fileURLToPath(import.meta.url));
const open: LocalUnderTest[] = [];

async function local(settings: object = {}): Promise<LocalUnderTest> {
  const under = await openLocal(settings);
  open.push(under);
  return under;
}

afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

describe('a submit that is killed', () => {
  test.each([
    ['without secrets', {}, 1],
    // The lines that make the folder are the same; what comes behind them is not.
    ['with secrets', { TOKEN: 'x' }, 18],
  ])(
    'at any line is finished by the next one, and one program starts: %s',
    async (_, secrets, from) => {
      const under = await local();
      const program = await builtSubmitter(under.folder);
      const starts = join(under.folder, '..', 'starts');
      await mkdir(starts);
      const workloadOf = (step: number): JobWorkload =>
        job(under.shell(`echo start >> '${starts}/${step}'; test -z "$1" || exit 0`, 'x'), {
          secrets,
          inputs: [
            { path: 'a', content: { kind: 'TEXT', text: 'a' } },
            { path: 'b/c', content: { kind: 'TEXT', text: 'c' } },
          ],
        });
      // In a folder that nobody else looks at, so that nobody else finishes what was begun.
      const order = { stateFolder: under.folder, blobs: under.folder, settings: under.settings };
      await under.backend.close();
      let step = from - 1;
      for (let killed = true; killed;) {
        step++;
        const { status, signal } = spawnSync(
          process.execPath,
          ['--import', join(here, 'crash-at.mjs'), program],
          {
            input: JSON.stringify({ ...order, workload: workloadOf(step), key: `step ${step}` }),
            env: { PATH: process.env['PATH'] ?? '', CRASH_AT: String(step) },
            timeout: 30_000,
          },
        );
        killed = signal === 'SIGKILL';
        expect(killed || status === 0).toBe(true);
      }
      expect(step).toBeGreaterThan(25);
      const after = await under.again();
      const { jobs } = after;
      if (jobs === null) throw new Error('no jobs');
      const again = async (number: number): Promise<JobExit | null> => {
        const handle = await submit(jobs, workloadOf(number), `step ${number}`);
        return (await untilEnded(jobs, handle)).exit;
      };
      const ends = await Promise.all(
        Array.from({ length: step - from + 1 }, (_each, index) => again(index + from)),
      );
      for (const exit of ends) expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
      for (let number = from; number <= step; number++) {
        expect(readFileSync(join(starts, String(number)), 'utf8')).toBe('start\n');
      }
      await after.close();
    },
    180_000,
  );
});

async function builtSubmitter(folder: string): Promise<string> {
  const outfile = join(folder, '..', 'submitter.mjs');
  await build({
    entryPoints: [join(here, 'submitting-process.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return outfile;
}

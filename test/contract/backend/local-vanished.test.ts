import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { allGone, processesOf } from './local-processes.ts';
import type { LocalUnderTest } from './local-under-test.ts';
import { openLocal } from './local-under-test.ts';
import {
  job,
  kindOf,
  nativeText,
  newKey,
  printed,
  submit,
  untilEnded,
  untilPrinted,
} from './under-test.ts';

const open: LocalUnderTest[] = [];
afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

async function local(): Promise<LocalUnderTest> {
  const under = await openLocal();
  open.push(under);
  return under;
}

describe('a job whose folder somebody removed', () => {
  test('is NotFound everywhere, its program ends, and others do not notice', async () => {
    const under = await local();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
    const other = await submit(under.jobs, job(under.shell('echo up; sleep 0.4; exit 2')));
    await untilPrinted(under.jobs, handle, 'up');
    const { supervisor, marked } = processesOf(under, handle);
    await rm(join(under.folder, 'jobs', nativeText(handle, 'name')), { recursive: true });
    for (const call of [
      () => under.jobs.inspect(handle),
      () => under.jobs.cancel(handle),
      () => printed(under.jobs, handle),
      () => under.jobs.outputs(handle),
    ]) {
      expect(await kindOf(call)).toBe('NotFound');
    }
    await under.backend.release(handle);
    expect(await allGone([supervisor, ...marked])).toBe(true);
    expect((await untilEnded(under.jobs, other)).exit?.code).toBe(2);
  });
});

describe('control files that were written by nobody of ours', () => {
  test.each(['', 'not JSON', '[]', '{"cause":"SUCCEEDED"}', '{"cause":"EXITED","code":"0"}'])(
    'an end that says %j is never a success',
    async (text) => {
      const under = await local();
      const key = newKey();
      const workload = job(under.shell('exit 0'), {
        resources: { cpus: 1000, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 },
      });
      const handle = await submit(under.jobs, workload, key);
      const file = join(under.folder, 'jobs', nativeText(handle, 'name'), 'exit.json');
      await writeFile(file, text);
      const { phase, exit } = await under.jobs.inspect(handle);
      expect(phase === 'ENDED' && exit?.cause === 'EXITED' && exit.code === 0).toBe(false);
      await rm(file);
      await under.jobs.cancel(handle);
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
    },
  );
});

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import { createBackend } from '../../../backends/registry.ts';
import { localSurroundings } from './local-surroundings.ts';
import { openLocal, releaseAll } from './local-under-test.ts';
import { job, nativeText, newKey, submit, untilPrinted } from './under-test.ts';

test('of two processes on one folder only the one that may starts what waits; the right can move', async () => {
  const under = await openLocal();
  const blobs = join(dirname(under.folder), 'blobs');
  const stateFolder = join(dirname(under.folder), 'shared');
  await mkdir(stateFolder);
  const open = (mayDispatch: () => boolean): Promise<Backend> =>
    createBackend('local', 'here', under.settings, {
      ...localSurroundings(stateFolder, blobs, []),
      mayDispatch,
    });
  let onDuty: 'nobody' | 'one' | 'two' = 'nobody';
  const one = await open(() => onDuty === 'one');
  const two = await open(() => onDuty === 'two');
  onTestFinished(async () => {
    onDuty = 'one';
    await releaseAll(one, stateFolder);
    await Promise.all([one.close(), two.close()]);
    await under.destroy();
  });
  const start = (backend: Backend, script: string) =>
    backend.jobs?.submit(job(under.shell(script)), {
      key: newKey(),
      signal: new AbortController().signal,
    });
  const phaseOf = async (handle: Awaited<ReturnType<typeof start>>) =>
    handle === undefined ? undefined : (await two.jobs?.inspect(handle))?.phase;

  const long = await start(one, 'sleep 60');
  // Both look once a second: neither takes what it may not.
  await sleep(1_500);
  expect(await phaseOf(long)).toBe('PENDING');
  onDuty = 'two';
  await expect.poll(() => phaseOf(long), { timeout: 15_000 }).toBe('RUNNING');
  const inUse = async () => (await one.health()).capacity?.cpusInUse;
  await expect.poll(inUse, { timeout: 15_000 }).toBeCloseTo(0.1);

  onDuty = 'one';
  const short = await start(one, 'exit 0');
  await expect.poll(() => phaseOf(short), { timeout: 15_000 }).toBe('ENDED');
  expect(await phaseOf(long)).toBe('RUNNING');
});

test('who only looks on buries nobody: a supervisor that it does not see may be in another container', async () => {
  const under = await openLocal();
  onTestFinished(() => under.destroy());
  const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
  await untilPrinted(under.jobs, handle, 'up');
  const onlooker = await createBackend('local', under.backend.name, under.settings, {
    ...localSurroundings(under.folder, join(dirname(under.folder), 'blobs'), []),
    mayDispatch: () => false,
  });
  onTestFinished(() => onlooker.close());
  const claim = join(under.folder, 'jobs', nativeText(handle, 'name'), 'supervisor.1.json');
  const words = JSON.parse(await readFile(claim, 'utf8')) as object;
  await writeFile(claim, JSON.stringify({ ...words, startTime: 'another' }));
  expect((await onlooker.jobs?.inspect(handle))?.phase).toBe('RUNNING');
  expect((await under.jobs.inspect(handle)).phase).toBe('ENDED');
});

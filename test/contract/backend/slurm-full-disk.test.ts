import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { readControlFile, writeOnce } from '../../../backends/work-folder/control-file.ts';
import { legacy } from '../../fakes/slurm/rest-shapes.ts';
import type { FakeSite } from '../../fakes/slurm/site.ts';
import { fakeCommands, fakeRest } from '../../fakes/slurm/site.ts';
import { orderOf, submitAll, submitOne } from './job-arrays.contract.ts';
import type { SlurmUnderTest } from './slurm-under-test.ts';
import { openSlurm } from './slurm-under-test.ts';
import {
  job,
  kindOf,
  nativeText,
  newKey,
  printed,
  submit,
  textOf,
  untilEnded,
  untilJob,
  untilPrinted,
} from './under-test.ts';

/** A shared folder of 16 MiB, where one may be mounted. */
const disk = await mkdtemp(join(tmpdir(), 'fathom-slurm-disk-'));
const isThere =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]).status === 0;

const opened: SlurmUnderTest[] = [];
afterEach(async () => {
  empty();
  for (const under of opened.splice(0)) await under.destroy();
});
afterAll(async () => {
  if (isThere) spawnSync('umount', ['-l', disk]);
  await rm(disk, { recursive: true });
});

async function open<S extends FakeSite>(
  site: S,
): Promise<SlurmUnderTest & { readonly site: S; readonly cluster: S['cluster'] }> {
  const under = await openSlurm(site, { visibilitySeconds: 0.2, pollMs: 50 }, disk);
  opened.push(under);
  return { ...under, site, cluster: site.cluster };
}

/** Up to so many blocks. */
function fill(left = 0): void {
  for (let part = 0; ; part++) {
    const { bavail, bsize } = statfsSync(disk);
    if (bavail <= left) return;
    writeFileSync(join(disk, `filler.${part}`), Buffer.alloc((bavail - left) * bsize));
  }
}

function empty(): void {
  for (const name of readdirSync(disk)) {
    if (name.startsWith('filler.')) rmSync(join(disk, name));
  }
}

function kept({ sharedFolder }: SlurmUnderTest): readonly string[] {
  return ['jobs', 'arrays', 'staging'].flatMap((place) => readdirSync(join(sharedFolder, place)));
}

const transports = [
  { name: 'commands', open: () => Promise.resolve(fakeCommands()) },
  { name: 'slurmrestd', open: () => fakeRest(legacy) },
] as const;

describe.skipIf(!isThere)('a shared folder that is full', { timeout: 60_000 }, () => {
  test.each(transports)(
    'takes no job by $name, keeps nothing of it, and takes it once when there is room',
    async (transport) => {
      const under = await open(await transport.open());
      const key = newKey();
      const content = { kind: 'TEXT', text: 'x'.repeat(200_000) } as const;
      const workload = job(under.shell('wc -c < data'), { inputs: [{ path: 'data', content }] });
      fill();
      await expect(submit(under.jobs, workload, key)).rejects.toMatchObject({
        kind: 'Unavailable',
        temporary: true,
        message: expect.stringMatching(/no space left/i) as string,
      });
      expect(kept(under)).toEqual([]);
      expect(under.cluster.list()).toEqual([]);
      empty();
      const handle = await submit(under.jobs, workload, key);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
      expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['200000']);
      expect(under.cluster.list()).toHaveLength(1);
    },
  );

  test('has each file of ours whole, or not at all', async () => {
    fill(1);
    const path = join(disk, 'record.json');
    expect(() => writeOnce(path, { long: 'x'.repeat(10_000) })).toThrow('ENOSPC');
    expect(readdirSync(disk).filter((name) => name.startsWith('record'))).toEqual([]);
    empty();
    expect(writeOnce(path, { long: 'x'.repeat(10_000) })).toBe(true);
    expect(readControlFile(path)).toEqual({ long: 'x'.repeat(10_000) });
    rmSync(path);
  });

  test('takes no array either, and one of all its jobs when there is room', async () => {
    const under = await open(await fakeRest(legacy));
    const order = orderOf(under, ['exit 1', 'exit 2', 'exit 3']);
    const [first] = order.members;
    if (first === undefined) throw new Error('no members');
    fill();
    expect(await kindOf(() => submitOne(under, first, order))).toBe('Unavailable');
    expect(under.cluster.list()).toEqual([]);
    empty();
    const handles = await submitAll(under, order);
    const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
    expect(ends.map(({ exit }) => exit?.code)).toEqual([1, 2, 3]);
    expect(under.cluster.list().map(({ arrayId }) => arrayId)).toEqual([1, 1, 1]);
  });

  test('loses no job that Slurm took while its number could not be written', async () => {
    const under = await open(await fakeRest(legacy));
    const key = newKey();
    const workload = job(
      under.shell('while [ ! -e go ]; do sleep 0.05; done; echo 1 >> out/starts'),
    );
    under.cluster.plant('submit', 'slow');
    const refused = kindOf(() => submit(under.jobs, workload, key));
    await expect.poll(() => readdirSync(join(under.sharedFolder, 'jobs'))).toHaveLength(1);
    fill();
    expect(await refused).toBe('Unavailable');
    expect(under.cluster.list()).toHaveLength(1);
    empty();
    const handle = await submit(under.jobs, workload, key);
    const name = nativeText(handle, 'name');
    writeFileSync(join(under.sharedFolder, 'jobs', name, 'work/go'), '');
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
    expect(await textOf(await under.jobs.outputs(handle), 'starts')).toBe('1\n');
    expect(under.cluster.list()).toHaveLength(1);
  });

  test('fails the program that filled it as itself, and its end is told when there is room', async () => {
    const under = await open(await fakeRest(legacy));
    const script =
      'echo up; head -c 30000000 /dev/zero > out/big && exit 0; echo full >&2; touch /proc/self/comm; sleep 0.2; exit 9';
    const handle = await submit(under.jobs, job(under.shell(script)));
    await untilPrinted(under.jobs, handle, 'up');
    await expect.poll(() => statfsSync(disk).bavail, { timeout: 10_000 }).toBe(0);
    // Nobody may believe in an end of which there is no record.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await under.jobs.inspect(handle)).phase).toBe('RUNNING');
    const name = nativeText(handle, 'name');
    rmSync(join(under.sharedFolder, 'jobs', name, 'work/out/big'));
    expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 9 });
  });

  test('keeps nobody from ending the job that fills it, or from releasing it', async () => {
    const under = await open(await fakeRest(legacy));
    const script = 'echo up; sleep 60';
    const handle = await submit(under.jobs, job(under.shell(script)));
    await untilPrinted(under.jobs, handle, 'up');
    const other = await submit(under.jobs, job(under.shell(script)));
    await untilJob(under.jobs, other, ({ phase }) => phase === 'RUNNING');
    fill();
    await under.jobs.cancel(handle);
    const states = (): readonly string[] => under.cluster.list().map(({ state }) => state);
    await expect.poll(states, { timeout: 10_000 }).toContain('COMPLETING');
    empty();
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
    fill();
    const releasing = under.backend.release(other);
    await expect.poll(states, { timeout: 10_000 }).not.toContain('RUNNING');
    // The supervisor waits until it can write down how its program ended, or is killed.
    empty();
    await releasing;
    expect(await kindOf(() => under.jobs.inspect(other))).toBe('NotFound');
    await under.backend.release(handle);
    expect(kept(under)).toEqual([]);
  });
});

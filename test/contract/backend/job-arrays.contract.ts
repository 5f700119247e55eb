import { expect, test } from 'vitest';
import type { ArrayMember, JobArray, JobStatus } from '../../../backends/contract/job-runner.ts';
import type { Handle, JobWorkload } from '../../../backends/contract/workload.ts';
import type { ArrayOrder, JobsUnderTest } from './under-test.ts';
import {
  job,
  kindOf,
  newKey,
  printed,
  soon,
  submit,
  textOf,
  untilEnded,
  untilJob,
  untilPrinted,
} from './under-test.ts';

/** Jobs that are handed over together; where that is not to be had, the wish costs nothing. */
export function arrayPromises(opened: () => JobsUnderTest): void {
  test('a wish for an array is passed over where there are none', async ({ skip }) => {
    const under = opened();
    if (under.backend.capabilities.arrays) skip();
    let asked = 0;
    const order = orderOf(under, ['exit 3', 'exit 4']);
    const array = arrayOf(order, () => asked++);
    const handles = await submitAll(under, order, array);
    const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
    expect(ends.map(({ exit }) => exit?.code)).toEqual([3, 4]);
    expect(asked).toBe(0);
    for (const handle of handles) expect((await under.arrayOf?.(handle)) ?? null).toBeNull();
    const [first] = order.members;
    if (first === undefined) throw new Error('there is no member');
    expect(await submit(under.jobs, first.workload, first.key)).toEqual(handles[0]);
  });

  test('jobs of an array are one native object, and each is a job of its own', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const word = `it's "$(id)" \n é`;
    const members = [0, 1, 2].map((number): ArrayMember => {
      const script =
        'printf "%s|%s|%s" "$1" "$NUMBER" "$SECRET" > out/said; cat given; exit $NUMBER';
      const workload = job(under.shell(script, `${word}${number}`), {
        environment: { NUMBER: String(number) },
        secrets: { SECRET: `s3cret-${process.pid}-${number}` },
        inputs: [{ path: 'given', content: { kind: 'TEXT', text: `input ${number}\n` } }],
      });
      return { key: newKey(), workload };
    });
    const order = { key: newKey(), title: 'three of them', atOnce: null, members };
    const handles = await submitAll(under, order);
    expect(new Set(handles.map((handle) => JSON.stringify(handle))).size).toBe(3);
    expect(await nativeObjects(under, handles)).toHaveLength(1);
    await Promise.all(
      handles.map(async (handle, number) => {
        const { exit } = await untilEnded(under.jobs, handle);
        expect(exit).toMatchObject({ cause: 'EXITED', code: number });
        const lines = await printed(under.jobs, handle);
        expect(lines.map(({ text }) => text)).toEqual([`input ${number}`]);
        const said = await textOf(await under.jobs.outputs(handle), 'said');
        expect(said).toBe(`${word}${number}|${number}|s3cret-${process.pid}-${number}`);
        const { key, workload } = members[number] ?? { key: '', workload: job(under.shell('')) };
        expect(await submit(under.jobs, workload, key)).toEqual(handle);
      }),
    );
    const listing = await under.listing();
    for (const number of [0, 1, 2]) {
      expect(listing).not.toContain(`s3cret-${process.pid}-${number}\0`);
    }
    await releaseAll(under, handles);
  });

  test('members submitted at one moment, here and from other processes, make one array', async ({
    skip,
  }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const order = orderOf(under, ['echo a', 'echo b', 'echo c', 'echo d']);
    const elsewhere = order.members
      .slice(0, 3)
      .map(({ key, workload }) => under.submitElsewhere(workload, key, order));
    const handles = await submitAll(under, order);
    expect(await Promise.all(elsewhere)).toEqual(handles.slice(0, 3));
    expect(await nativeObjects(under, handles)).toHaveLength(1);
    for (const [at, handle] of handles.entries()) {
      await untilEnded(under.jobs, handle);
      const lines = (await printed(under.jobs, handle)).map(({ text }) => text);
      expect(lines).toEqual([['a', 'b', 'c', 'd'][at]]);
    }
    await releaseAll(under, handles);
  });

  test('a member is adopted by whoever submits it, by itself or from another process', async ({
    skip,
  }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const order = orderOf(under, ['echo a', 'echo b', 'echo c']);
    const [one, two, three] = order.members;
    if (one === undefined || two === undefined || three === undefined)
      throw new Error('no members');
    const first = await submitOne(under, one, order);
    const second = await submit(under.jobs, two.workload, two.key);
    const third = await under.submitElsewhere(three.workload, three.key);
    const handles = [first, second, third];
    expect(await nativeObjects(under, handles)).toHaveLength(1);
    expect(await submitAll(under, order)).toEqual(handles);
    const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
    expect(ends.map(({ exit }) => exit?.code)).toEqual([0, 0, 0]);
    await releaseAll(under, handles);
  });

  test('who has a job already is not in the array, who is missing in it is submitted alone', async ({
    skip,
  }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const order = orderOf(under, ['echo a', 'echo b', 'echo c', 'echo d']);
    const [early, one, two, late] = order.members;
    if (early === undefined || one === undefined || two === undefined || late === undefined) {
      throw new Error('no members');
    }
    const before = await submit(under.jobs, early.workload, early.key);
    const first = await submitOne(under, one, { ...order, members: [early, one, two] });
    const second = await submitOne(under, two, order);
    const last = await submitOne(under, late, order);
    expect(await submitOne(under, early, order)).toEqual(before);
    expect(await under.arrayOf?.(before)).toBeNull();
    expect(await under.arrayOf?.(last)).toBeNull();
    expect(await nativeObjects(under, [first, second])).toHaveLength(1);
    const all = [before, first, second, last];
    for (const [at, handle] of all.entries()) {
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
      const lines = (await printed(under.jobs, handle)).map(({ text }) => text);
      expect(lines).toEqual([['a', 'b', 'c', 'd'][at]]);
    }
    await releaseAll(under, all);
  });

  test('never more at once than was said, and all of them in the end', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const scripts = Array.from({ length: 5 }, () => 'sleep 0.4');
    const order = { ...orderOf(under, scripts), atOnce: 2 };
    const handles = await submitAll(under, order);
    expect(await nativeObjects(under, handles)).toHaveLength(1);
    const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
    expect(ends.map(({ exit }) => exit?.code)).toEqual([0, 0, 0, 0, 0]);
    const times = ends.map(({ startedAt, endedAt }) => [startedAt ?? NaN, endedAt ?? NaN] as const);
    const mostAtOnce = times.map(
      ([start]) => times.filter(([from, to]) => from <= start && start < to).length,
    );
    expect(Math.max(...mostAtOnce)).toBeLessThanOrEqual(2);
    await releaseAll(under, handles);
  });

  test('a cancel of one ends that one, whether it runs or waits', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const order = {
      ...orderOf(under, ['echo up; sleep 60', 'echo up; sleep 60', 'echo up; exit 5', 'exit 6']),
      atOnce: 2,
    };
    const handles = await submitAll(under, order);
    const [one, two, three, four] = handles;
    if (one === undefined || two === undefined || three === undefined || four === undefined) {
      throw new Error('no handles');
    }
    for (const handle of [one, two]) await untilPrinted(under.jobs, handle, 'up');
    const isHeldBack = ({ waiting }: JobStatus): boolean => waiting?.code === 'SWEEP_LIMIT';
    const waiting = await untilJob(under.jobs, four, isHeldBack);
    expect(waiting).toMatchObject({ phase: 'PENDING', startedAt: null });
    await under.jobs.cancel(four);
    const never = await untilEnded(under.jobs, four);
    expect(never).toMatchObject({ exit: { cause: 'CANCELLED', code: null }, startedAt: null });
    await under.jobs.cancel(one);
    expect((await untilEnded(under.jobs, one)).exit?.cause).toBe('CANCELLED');
    expect((await untilEnded(under.jobs, three)).exit?.code).toBe(5);
    expect((await under.jobs.inspect(two)).phase).toBe('RUNNING');
    expect(await printed(under.jobs, four)).toEqual([]);
    await releaseAll(under, handles);
  });

  test('each is released by itself, also while others run; then its key is free', async ({
    skip,
  }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const order = orderOf(under, ['echo up; sleep 60', 'echo up; sleep 60', 'echo up; sleep 60']);
    const handles = await submitAll(under, order);
    const [one, two, three] = handles;
    const [first] = order.members;
    if (one === undefined || two === undefined || three === undefined || first === undefined) {
      throw new Error('no handles');
    }
    for (const handle of handles) await untilPrinted(under.jobs, handle, 'up');
    await under.backend.release(one);
    expect(await kindOf(() => under.jobs.inspect(one))).toBe('NotFound');
    expect((await under.jobs.inspect(two)).phase).toBe('RUNNING');
    const again = await submitOne(under, { ...first, workload: job(under.shell('exit 4')) }, order);
    expect((await untilEnded(under.jobs, again)).exit?.code).toBe(4);
    await releaseAll(under, [again, two, three, two]);
    expect(await kindOf(() => under.jobs.inspect(three))).toBe('NotFound');
    // Nothing is left, so the array may be made again.
    const second = await submitAll(under, { ...order, members: order.members.map(ended) });
    expect(await nativeObjects(under, second)).toHaveLength(1);
    const ends = await Promise.all(second.map((handle) => untilEnded(under.jobs, handle)));
    expect(ends.map(({ exit }) => exit?.code)).toEqual([7, 7, 7]);
    await releaseAll(under, second);

    function ended({ key }: ArrayMember): ArrayMember {
      return { key, workload: job(under.shell('exit 7')) };
    }
  });

  test('each member of an array is given what it asked for', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const { gpu } = under;
    const gpus = gpu === null ? null : { count: 1, model: gpu.model, memoryMiB: null };
    const more = { resources: { cpus: 2, memoryMiB: 300, gpus, timeLimitSeconds: 60 } };
    const order = orderOf(under, ['echo up; sleep 60', 'echo up; sleep 60'], more);
    const handles = await submitAll(under, order);
    for (const handle of handles) await untilPrinted(under.jobs, handle, 'up');
    const asked = {
      cpus: 2,
      memoryMiB: 300,
      gpus: gpu === null ? null : { count: 1, model: gpu.native },
    };
    for (const handle of handles) expect(await under.requested(handle)).toEqual(asked);
    await releaseAll(under, handles);
  });

  test('another instance sees members of an array that it did not make', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.arrays) skip();
    const order = orderOf(under, ['sleep 0.3; exit 1', 'sleep 0.3; exit 2']);
    const handles = await submitAll(under, order);
    const other = await under.again();
    try {
      const { jobs } = other;
      if (jobs === null) throw new Error('the other instance runs no jobs');
      const stored = JSON.parse(JSON.stringify(handles)) as readonly Handle[];
      const ends = await Promise.all(stored.map((handle) => untilEnded(jobs, handle)));
      expect(ends.map(({ exit }) => exit?.code)).toEqual([1, 2]);
      for (const handle of stored) await other.release(handle);
    } finally {
      await other.close();
    }
    for (const handle of handles) {
      expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
    }
  });
}

export function orderOf(
  under: Pick<JobsUnderTest, 'shell'>,
  scripts: readonly string[],
  more: Partial<JobWorkload> = {},
): ArrayOrder {
  const members = scripts.map((script) => ({
    key: newKey(),
    workload: job(under.shell(script), more),
  }));
  return { key: newKey(), title: 'an array of the contract suite', atOnce: null, members };
}

export function arrayOf(order: ArrayOrder, onAsked: () => void = () => undefined): JobArray {
  return {
    ...order,
    members: async () => {
      onAsked();
      return order.members;
    },
  };
}

export async function submitOne(
  under: Pick<JobsUnderTest, 'jobs'>,
  { key, workload }: ArrayMember,
  order: ArrayOrder,
  array = arrayOf(order),
): Promise<Handle> {
  return under.jobs.submit(workload, { key, signal: soon(), array });
}

export async function submitAll(
  under: Pick<JobsUnderTest, 'jobs'>,
  order: ArrayOrder,
  array = arrayOf(order),
): Promise<readonly Handle[]> {
  return Promise.all(order.members.map((member) => submitOne(under, member, order, array)));
}

/** Of all these jobs; one by itself counts as one. */
async function nativeObjects(
  under: JobsUnderTest,
  handles: readonly Handle[],
): Promise<readonly string[]> {
  const found = handles.map(async (handle, at) => (await under.arrayOf?.(handle)) ?? `job ${at}`);
  return [...new Set(await Promise.all(found))];
}

async function releaseAll(under: JobsUnderTest, handles: readonly Handle[]): Promise<void> {
  await Promise.all(handles.map((handle) => under.backend.release(handle)));
}

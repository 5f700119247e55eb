import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Handle } from '../../../backends/contract/workload.ts';
import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import type { FakeRest, FakeSite } from '../../fakes/slurm/site.ts';
import { fakeCommands, fakeRest } from '../../fakes/slurm/site.ts';
import { arrayOf, orderOf, submitAll, submitOne } from './job-arrays.contract.ts';
import type { SlurmUnderTest } from './slurm-under-test.ts';
import { openSlurm } from './slurm-under-test.ts';
import { job, kindOf, nativeText, printed, submit, textOf, untilEnded } from './under-test.ts';

const quick = { visibilitySeconds: 0.2, pollMs: 50, timeoutSeconds: 20 };

const transports = [
  { name: 'commands', submitting: 'sbatch', open: () => Promise.resolve(fakeCommands()) },
  { name: 'slurmrestd v0.0.38', submitting: 'submit', open: () => fakeRest(legacy) },
  { name: 'slurmrestd v0.0.42', submitting: 'submit', open: () => fakeRest(modern) },
] as const;

const opened: SlurmUnderTest[] = [];
afterEach(async () => {
  for (const under of opened.splice(0)) await under.destroy();
});

async function open<S extends FakeSite>(
  site: S,
  settings: object = {},
): Promise<SlurmUnderTest & { readonly site: S; readonly cluster: S['cluster'] }> {
  const under = await openSlurm(site, { ...quick, ...settings });
  opened.push(under);
  return { ...under, site, cluster: site.cluster };
}

/** The arrays that Slurm was given, whatever became of their elements. */
function arraysIn({ cluster }: { readonly cluster: FakeSite['cluster'] }): readonly number[] {
  const ids = cluster.list().flatMap(({ arrayId }) => (arrayId === null ? [] : [arrayId]));
  return [...new Set(ids)];
}

async function endedWith(under: SlurmUnderTest, handles: readonly Handle[]): Promise<unknown[]> {
  const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
  return ends.map(({ exit }) => exit?.code ?? exit?.cause);
}

for (const transport of transports) {
  describe(`arrays of slurm by ${transport.name}`, { timeout: 60_000 }, () => {
    test('an array whose reply was lost is adopted, not submitted again', async () => {
      const under = await open(await transport.open());
      const order = orderOf(under, ['exit 1', 'exit 2', 'exit 3']);
      const [first] = order.members;
      if (first === undefined) throw new Error('no members');
      under.cluster.plant(transport.submitting, 'reply-lost');
      expect(await kindOf(() => submitOne(under, first, order))).toBe('Unavailable');
      const handles = await submitAll(under, order);
      expect(await endedWith(under, handles)).toEqual([1, 2, 3]);
      expect(under.cluster.list().map(({ key }) => key)).toEqual(['1_0', '1_1', '1_2']);
      expect(handles.map((handle) => nativeText(handle, 'id'))).toEqual(['1_0', '1_1', '1_2']);
    });

    test('a member that is asked for by itself finds the array whose reply was lost', async () => {
      const under = await open(await transport.open());
      const order = orderOf(under, ['exit 1', 'exit 2']);
      const [first, second] = order.members;
      if (first === undefined || second === undefined) throw new Error('no members');
      under.cluster.plant(transport.submitting, 'reply-lost');
      expect(await kindOf(() => submitOne(under, first, order))).toBe('Unavailable');
      const alone = await submit(under.jobs, second.workload, second.key);
      expect(nativeText(alone, 'id')).toBe('1_1');
      expect(await endedWith(under, [alone, await submitOne(under, first, order)])).toEqual([2, 1]);
    });

    test('an array that Slurm took late does nothing beside the one that runs', async () => {
      const under = await open(await transport.open());
      under.cluster.holdNewJobs();
      const order = orderOf(under, ['echo once', 'echo once']);
      const handles = await submitAll(under, order);
      const [first] = under.cluster.list();
      if (first === undefined) throw new Error('there is no job');
      under.cluster.submit({ ...first, output: first.output.replace(/\d+\.out$/, '%a.out') });
      under.cluster.takeNewJobs();
      expect(await endedWith(under, handles)).toEqual([0, 0]);
      const isOver = (): boolean => under.cluster.list().every(({ end }) => end > 0);
      await expect.poll(isOver, { timeout: 20_000 }).toBe(true);
      const codes = under.cluster.list().map(({ exitCode }) => exitCode);
      expect(codes.toSorted((a, b) => a - b)).toEqual([0, 0, 75, 75]);
      for (const handle of handles) {
        expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['once']);
      }
    });

    test('more than an array may have become further arrays, and no more run at once', async () => {
      const under = await open(await transport.open(), { arrayLimit: 2 });
      const scripts = Array.from({ length: 5 }, () => 'sleep 0.1');
      const order = { ...orderOf(under, scripts), atOnce: 1 };
      const handles = await submitAll(under, order);
      expect(arraysIn(under)).toHaveLength(3);
      const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
      const times = ends.map(({ startedAt, endedAt }) => [startedAt ?? 0, endedAt ?? 0] as const);
      const byStart = times.toSorted(([a], [b]) => a - b);
      for (const [at, [start]] of byStart.entries()) {
        expect(start).toBeGreaterThanOrEqual(byStart[at - 1]?.[1] ?? 0);
      }
      expect(under.cluster.list()).toHaveLength(5);
    });

    test('who asks for other resources, or for what is not there, is not in the array', async () => {
      const under = await open(await transport.open());
      const order = orderOf(under, ['exit 1', 'exit 2', 'exit 3', 'exit 4']);
      const [one, two, wide, odd] = order.members;
      if (one === undefined || two === undefined || wide === undefined || odd === undefined) {
        throw new Error('no members');
      }
      const resources = { cpus: 2, memoryMiB: 256, gpus: null, timeLimitSeconds: 60 };
      const other = { ...wide, workload: { ...wide.workload, resources } };
      const program = { kind: 'COMMAND', argv: ['true'], image: 'an/image' } as const;
      const never = { ...odd, workload: job(program) };
      const mixed = { ...order, members: [one, two, other, never] };
      const handles = await Promise.all(
        [one, two, other].map((member) => submitOne(under, member, mixed)),
      );
      expect(await kindOf(() => submitOne(under, never, mixed))).toBe('Unsupported');
      expect(await endedWith(under, handles)).toEqual([1, 2, 3]);
      const alone = under.cluster.list().filter(({ arrayId }) => arrayId === null);
      expect(alone).toHaveLength(1);
      expect(await under.requested(handles[2] ?? { backend: '', version: 1, native: {} })).toEqual({
        cpus: 2,
        memoryMiB: 256,
        gpus: null,
      });
    });

    test('an element that waits, that Slurm forgot, or that it ended says so', async () => {
      const under = await open(await transport.open());
      under.cluster.holdNewJobs();
      const order = orderOf(under, ['exit 0', 'exit 0', 'exit 0', 'exit 0']);
      const [one, two, three, four] = await submitAll(under, order);
      if (one === undefined || two === undefined || three === undefined || four === undefined) {
        throw new Error('no handles');
      }
      for (const handle of [one, two, three, four]) {
        const { phase, waiting } = await under.jobs.inspect(handle);
        expect({ phase, code: waiting?.code }).toEqual({
          phase: 'PENDING',
          code: 'RESOURCES_BUSY',
        });
      }
      const keys = [one, two, three].map((handle) => nativeText(handle, 'id'));
      under.cluster.override(keys[0] ?? '', { state: 'TIMEOUT', reason: 'TimeLimit' });
      under.cluster.forget(keys[1] ?? '');
      expect((await untilEnded(under.jobs, one)).exit?.cause).toBe('TIME_LIMIT');
      const isGone = (): Promise<unknown> =>
        under.jobs.inspect(two).then(
          ({ phase }) => phase,
          (error: { readonly kind?: unknown }) => error.kind,
        );
      await expect.poll(isGone, { timeout: 20_000 }).toBe('NotFound');
      await under.jobs.cancel(three);
      expect((await untilEnded(under.jobs, three)).exit?.cause).toBe('CANCELLED');
      expect((await under.jobs.inspect(four)).phase).toBe('PENDING');
      under.cluster.takeNewJobs();
      expect((await untilEnded(under.jobs, four)).exit?.code).toBe(0);
    });

    test('what was kept of an array goes with the last of its jobs', async () => {
      const under = await open(await transport.open());
      const arrays = (): readonly string[] => readdirSync(join(under.sharedFolder, 'arrays'));
      const handles = await submitAll(under, orderOf(under, ['exit 0', 'exit 1', 'sleep 60']));
      for (const handle of handles) {
        expect(arrays()).toHaveLength(1);
        await under.backend.release(handle);
      }
      expect(arrays()).toEqual([]);
      expect(readdirSync(join(under.sharedFolder, 'jobs'))).toEqual([]);
    });
  });
}

describe('arrays of slurm', () => {
  test('however many jobs, it is one request', async () => {
    const under = await open(await fakeRest(legacy));
    const scripts = Array.from({ length: 12 }, (_, code) => `exit ${code}`);
    const handles = await submitAll(under, orderOf(under, scripts));
    const posts = under.site.server.requests.filter((request) => request.startsWith('POST'));
    expect(posts).toEqual(['POST /slurm/v0.0.38/job/submit']);
    expect(await endedWith(under, handles)).toEqual(scripts.map((_, code) => code));
  });

  test('many jobs of an array are looked at, and released, with few questions', async () => {
    const under = await open(await fakeRest(modern));
    under.cluster.holdNewJobs();
    const scripts = Array.from({ length: 20 }, () => 'exit 0');
    const handles = await submitAll(under, { ...orderOf(under, scripts), atOnce: 1 });
    const { requests } = under.site.server;
    const before = requests.length;
    await Promise.all(handles.map((handle) => under.jobs.inspect(handle)));
    expect(requests.slice(before)).toEqual(['GET /slurm/v0.0.42/job/1']);
    await Promise.all(handles.map((handle) => under.backend.release(handle)));
    const looks = requests.slice(before + 1).filter((request) => request.startsWith('GET'));
    expect(looks.length).toBeLessThan(20);
    expect(readdirSync(join(under.sharedFolder, 'arrays'))).toEqual([]);
  });

  test('members are asked for once by whoever makes the array, and not to adopt', async () => {
    const under = await open(await fakeRest(modern));
    const order = orderOf(under, ['exit 0', 'exit 0']);
    let asked = 0;
    const array = arrayOf(order, () => asked++);
    await submitAll(under, order, array);
    await submitAll(under, order, array);
    expect(asked).toBe(1);
  });

  test('what the site refuses is refused of each job, and nothing is kept', async () => {
    const under = await open(fakeCommands());
    const order = orderOf(under, ['exit 0', 'exit 0', 'exit 0']);
    under.cluster.plant('sbatch', 'no-partition', 4);
    const kinds = order.members.map((member) => kindOf(() => submitOne(under, member, order)));
    expect(await Promise.all(kinds)).toEqual(['Rejected', 'Rejected', 'Rejected']);
    for (const place of ['jobs', 'arrays']) {
      expect(readdirSync(join(under.sharedFolder, place))).toEqual([]);
    }
  });

  test('a site that takes no such array says so, and no job runs outside of its limit', async () => {
    const under = await open(fakeCommands());
    const order = orderOf(under, ['exit 0', 'exit 0']);
    under.cluster.plant('sbatch', 'no-array');
    for (const member of order.members) {
      await expect(submitOne(under, member, order)).rejects.toMatchObject({
        kind: 'Rejected',
        message: expect.stringContaining('arrayLimit') as string,
      });
    }
    expect(under.cluster.list()).toEqual([]);
    expect(readdirSync(join(under.sharedFolder, 'jobs'))).toEqual([]);
  });

  test('a refusal for now keeps what was made, and one array is made of it later', async () => {
    const under = await open(fakeCommands());
    const order = orderOf(under, ['exit 1', 'exit 2']);
    under.cluster.plant('sbatch', 'limit');
    const [first] = order.members;
    if (first === undefined) throw new Error('no members');
    expect(await kindOf(() => submitOne(under, first, order))).toBe('NoCapacity');
    expect(await endedWith(under, await submitAll(under, order))).toEqual([1, 2]);
    expect(arraysIn(under)).toHaveLength(1);
  });

  test(
    'a process that is killed at any line while it submits leaves one array or none',
    { timeout: 600_000 },
    async () => {
      const under = await open<FakeRest>(await fakeRest(legacy));
      const orders = new Map<number, ReturnType<typeof orderOf>>();
      let isOver = false;
      const worker = async (first: number): Promise<void> => {
        for (let step = first; !isOver && step < 200; step += 2) {
          const order = orderOf(under, ['echo start >> out/starts', 'echo start >> out/starts'], {
            secrets: { A: 'b' },
          });
          const [member] = order.members;
          if (member === undefined) throw new Error('no members');
          orders.set(step, order);
          const { key, workload } = member;
          if ((await under.submitAgain(workload, key, step, order)) !== null) isOver = true;
        }
      };
      await Promise.all([worker(1), worker(2)]);
      expect(orders.size).toBeGreaterThan(40);
      for (const order of orders.values()) {
        const handles = await submitAll(under, order);
        const ids = handles.map((handle) => nativeText(handle, 'id').split('_')[0]);
        expect(new Set(ids).size).toBe(1);
        expect(await endedWith(under, handles)).toEqual([0, 0]);
        for (const handle of handles) {
          expect(await textOf(await under.jobs.outputs(handle), 'starts')).toBe('start\n');
        }
      }
      expect(under.cluster.list()).toHaveLength(2 * orders.size);
      expect(arraysIn(under)).toHaveLength(orders.size);
    },
  );
});

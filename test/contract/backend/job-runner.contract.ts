import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobRunner } from '../../../backends/contract/job-runner.ts';
import type { Handle } from '../../../backends/contract/workload.ts';
import { arrayPromises } from './job-arrays.contract.ts';
import { endPromises } from './job-ends.contract.ts';
import { logPromises } from './job-logs.contract.ts';
import { programPromises } from './job-programs.contract.ts';
import { resourcePromises } from './job-resources.contract.ts';
import type { BackendTarget, JobsUnderTest } from './under-test.ts';
import {
  assertJobs,
  chunks,
  drain,
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

/** The promises of `JobRunner`, and those of `Backend` about jobs: the definition of a backend that runs jobs. */
export function jobRunnerContract(target: BackendTarget): void {
  describe(`job runner: ${target.name}`, () => {
    let made: JobsUnderTest | null = null;
    beforeAll(async () => {
      const under = await target.create();
      assertJobs(under);
      made = under;
    });
    afterAll(() => made?.destroy());

    const opened = (): JobsUnderTest => {
      if (made === null) throw new Error('the backend was not opened');
      return made;
    };

    programPromises(opened);
    endPromises(opened);
    logPromises(opened);
    resourcePromises(opened);
    arrayPromises(opened);

    test('the same key is the same job, at the same time, later and from another process', async () => {
      const under = opened();
      const key = newKey();
      const workload = job(under.shell('echo started >> out/starts; echo started; sleep 0.2'));
      const elsewhere = under.submitElsewhere(workload, key);
      const [first, ...handles] = await Promise.all([
        submit(under.jobs, workload, key),
        ...Array.from({ length: 9 }, () => submit(under.jobs, workload, key)),
      ]);
      handles.push(await elsewhere);
      await untilEnded(under.jobs, first);
      handles.push(await submit(under.jobs, workload, key));
      handles.push(await submit(under.jobs, job(under.shell('echo other')), key));
      for (const handle of handles) expect(handle).toEqual(first);
      expect(JSON.parse(JSON.stringify(first))).toEqual(first);
      const lines = await printed(under.jobs, first);
      expect(lines.map((line) => line.text)).toEqual(['started']);
      expect(await textOf(await under.jobs.outputs(first), 'starts')).toBe('started\n');
    });

    test('a job submitted by a process that is gone goes on and is watched from here', async () => {
      const under = opened();
      const handle = await under.submitElsewhere(job(under.shell('sleep 0.3; exit 6')), newKey());
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({
        cause: 'EXITED',
        code: 6,
      });
    });

    test('watch says each thing once, agrees with inspect, and ends with the end', async () => {
      const under = opened();
      const handle = await submit(under.jobs, job(under.shell('sleep 0.2')));
      const seen: string[] = [];
      let last: unknown = null;
      for await (const status of under.jobs.watch(handle, soon())) {
        seen.push(JSON.stringify(status));
        last = status;
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(last).toEqual(await under.jobs.inspect(handle));
      const phases = seen.map((status) => (JSON.parse(status) as { phase: string }).phase);
      const order = ['PENDING', 'PREPARING', 'RUNNING', 'ENDED'];
      expect(phases).toEqual(phases.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
      const again: unknown[] = [];
      for await (const status of under.jobs.watch(handle, soon())) again.push(status);
      expect(again).toEqual([last]);
    });

    test('a watch that is aborted ends without an error, and the job goes on', async () => {
      const under = opened();
      const handle = await submit(under.jobs, job(under.shell('sleep 20')));
      const stop = new AbortController();
      const watching = drain(under.jobs.watch(handle, stop.signal));
      await untilJob(under.jobs, handle, ({ phase }) => phase === 'RUNNING');
      stop.abort();
      await watching;
      expect((await under.jobs.inspect(handle)).phase).toBe('RUNNING');
      await under.backend.release(handle);
    });

    test('a handle that is unknown, foreign or forged is NotFound everywhere', async () => {
      const under = opened();
      const real = await submit(under.jobs, job(under.shell('exit 0')));
      await untilEnded(under.jobs, real);
      const forged: Handle[] = [
        { backend: under.backend.name, version: 1, native: { kind: 'JOB', name: 'no-such-job' } },
        { backend: under.backend.name, version: 1, native: {} },
        { backend: under.backend.name, version: 1, native: { kind: 'JOB', name: '../jobs' } },
        { ...real, backend: 'another' },
      ];
      for (const handle of forged) {
        for (const call of everyCall(under, handle)) expect(await kindOf(call)).toBe('NotFound');
        await under.backend.release(handle);
      }
      expect((await under.jobs.inspect(real)).phase).toBe('ENDED');
    });

    test('many are seen in one look as one by one; one that is not known is null', async ({
      skip,
    }) => {
      const under = opened();
      if (under.jobs.inspectMany === undefined) skip();
      const ended = await submit(under.jobs, job(under.shell('exit 3')));
      const runs = await submit(under.jobs, job(under.shell('sleep 600')));
      await untilEnded(under.jobs, ended);
      await untilJob(under.jobs, runs, ({ phase }) => phase === 'RUNNING');
      const forged: Handle = { backend: under.backend.name, version: 1, native: { kind: 'JOB' } };
      const seen = await under.jobs.inspectMany?.([runs, forged, ended, runs]);
      expect(seen?.map((status) => status?.phase ?? null)).toEqual([
        'RUNNING',
        null,
        'ENDED',
        'RUNNING',
      ]);
      expect(seen?.[2]).toEqual(await under.jobs.inspect(ended));
      expect(await under.jobs.inspectMany?.([])).toEqual([]);
      await under.backend.release(runs);
    });

    test('a submit that was given up leaves nothing', async () => {
      const under = opened();
      const key = newKey();
      const signal = AbortSignal.abort();
      const workload = job(under.shell('exit 1'));
      await kindOf(() => under.jobs.submit(workload, { key, signal }));
      const handle = await submit(under.jobs, job(under.shell('exit 2')), key);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(2);
    });

    test('another instance reattaches by the handle, also as read back from JSON', async () => {
      const under = opened();
      const script =
        'echo one; while [ ! -e data/go ] && [ ! -e out/go ]; do sleep 0.05; done; echo two';
      const handle = await submit(
        under.jobs,
        job(under.shell(`(sleep 0.5; touch out/go) & ${script}`)),
      );
      await untilPrinted(under.jobs, handle, 'one');
      const [first] = await chunks(under.jobs, handle);
      const other = await under.again();
      try {
        const jobs = other.jobs;
        if (jobs === null) throw new Error('the other instance runs no jobs');
        const stored = JSON.parse(JSON.stringify(handle)) as Handle;
        expect((await untilEnded(jobs, stored)).exit?.code).toBe(0);
        // A look at a job that runs may be overtaken; two looks at its end say the same.
        expect(await jobs.inspect(stored)).toEqual(await untilEnded(under.jobs, handle));
        const rest = await printed(jobs, stored, first?.cursor ?? null);
        // Lines may come in one piece, and come once.
        expect([...(first?.lines ?? []), ...rest].map((line) => line.text)).toEqual(['one', 'two']);
      } finally {
        await other.close();
      }
    });

    test('after close every method rejects, close may be repeated, and the job goes on', async () => {
      const under = opened();
      const other = await under.again();
      const jobs = other.jobs;
      if (jobs === null) throw new Error('the other instance runs no jobs');
      const workload = job(under.shell('sleep 0.3; exit 8'));
      const handle = await submit(jobs, workload);
      const watching = kindOf(() => drain(jobs.watch(handle, soon())));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await other.close();
      await other.close();
      expect(await watching).toBe('Closed');
      for (const call of everyCall({ jobs }, handle)) expect(await kindOf(call)).toBe('Closed');
      expect(await kindOf(() => submit(jobs, workload))).toBe('Closed');
      expect(await kindOf(() => other.release(handle))).toBe('Closed');
      expect((await other.health()).reachable).toBe(false);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(8);
    });

    test('release stops, forgets and may be repeated; then the key is free', async () => {
      const under = opened();
      const key = newKey();
      const workload = job(under.shell('echo up; sleep 30'));
      const handle = await submit(under.jobs, workload, key);
      await untilPrinted(under.jobs, handle, 'up');
      await under.backend.release(handle);
      await under.backend.release(handle);
      expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
      const second = await submit(under.jobs, job(under.shell('exit 4')), key);
      expect((await untilEnded(under.jobs, second)).exit?.code).toBe(4);
    });

    test('health says what there is in a sentence, and what is in use', async () => {
      const under = opened();
      const handle = await submit(
        under.jobs,
        job(under.shell('echo up; sleep 30'), {
          resources: { cpus: 0.5, memoryMiB: 100, gpus: null, timeLimitSeconds: 60 },
        }),
      );
      await untilPrinted(under.jobs, handle, 'up');
      const health = await under.backend.health();
      expect(health.reachable).toBe(true);
      expect(health.message).toMatch(/\w+ .*\.$/s);
      // A backend that cannot know its capacity says null.
      const inUse = health.capacity ?? { cpusInUse: 0.5, memoryInUseMiB: 100 };
      expect(inUse.cpusInUse).toBeGreaterThanOrEqual(0.5);
      expect(inUse.memoryInUseMiB).toBeGreaterThanOrEqual(100);
      await under.backend.release(handle);
    });
  });
}

function everyCall(
  { jobs }: { readonly jobs: JobRunner },
  handle: Handle,
): readonly (() => Promise<unknown>)[] {
  return [
    () => jobs.inspect(handle),
    () => drain(jobs.watch(handle, soon())),
    () => drain(jobs.logs(handle, { after: null, signal: soon() })),
    () => jobs.cancel(handle),
    () => jobs.outputs(handle),
  ];
}

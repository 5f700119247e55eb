import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Handle, JobWorkload } from '../../backends/contract/workload.ts';
import {
  job,
  nativeText,
  printed,
  submit,
  untilEnded,
  untilJob,
  untilPrinted,
} from '../contract/backend/under-test.ts';
import type { RealKubernetes } from './kubernetes.ts';
import { openRealKubernetes } from './kubernetes.ts';

/** Jobs through a LocalQueue of Kueue whose quota is at most three processors, with nobody else in it. */
export function kueuePromises(queue: string): void {
  describe('jobs in a queue of Kueue', () => {
    let under: RealKubernetes;
    beforeAll(async () => {
      under = await openRealKubernetes({ kueueQueue: queue, pollMs: 1000 });
    });
    afterAll(() => under?.destroy());

    const sized = (cpus: number, script: string, nodes = 1): JobWorkload =>
      job(under.shell(script), {
        resources: { cpus, memoryMiB: 64, gpus: null, timeLimitSeconds: 60, nodes },
      });
    const waitingFor = (handle: Handle, code: string) =>
      untilJob(under.jobs, handle, ({ waiting }) => waiting?.code === code);

    test('are admitted, run, and end as themselves', async () => {
      const handle = await submit(under.jobs, sized(0.1, 'echo here; exit 4'));
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({
        cause: 'EXITED',
        code: 4,
      });
      expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['here']);
      const [name, path] = [nativeText(handle, 'name'), '{.metadata.labels}'];
      const labels = await under.kubectl('get', 'job', name, '-o', `jsonpath=${path}`);
      expect(JSON.parse(labels)).toMatchObject({ 'kueue.x-k8s.io/queue-name': queue });
    });

    test('wait for a quota that is used up, in its own words, and start when it is free', async () => {
      const first = await submit(under.jobs, sized(1, 'echo up; sleep 60', 1));
      await untilPrinted(under.jobs, first, 'up');
      // Nothing that the node could not have, but more than the queue may.
      const second = await submit(under.jobs, sized(2.5, 'exit 5'));
      const waits = await waitingFor(second, 'QUOTA');
      expect(waits).toMatchObject({ phase: 'PENDING', startedAt: null });
      expect(waits.waiting?.raw).toMatch(/quota/i);
      const third = await submit(under.jobs, sized(2.5, 'echo third'));
      // Kueue tells the reason of those it has tried; the others wait behind them.
      await untilJob(under.jobs, third, ({ waiting }) =>
        ['QUOTA', 'PRIORITY'].includes(waiting?.code ?? ''),
      );
      await under.jobs.cancel(third);
      expect((await untilEnded(under.jobs, third)).exit?.cause).toBe('CANCELLED');
      const fourth = await submit(under.jobs, sized(0.6, 'exit 6'));
      await under.jobs.cancel(second);
      expect((await untilEnded(under.jobs, second)).exit?.cause).toBe('CANCELLED');
      await under.jobs.cancel(first);
      expect((await untilEnded(under.jobs, first)).exit?.cause).toBe('CANCELLED');
      expect((await untilEnded(under.jobs, fourth)).exit?.code).toBe(6);
      expect(await printed(under.jobs, third)).toEqual([]);
    });

    test('that ask for more than the queue ever has are told so', async () => {
      const handle = await submit(under.jobs, sized(500, 'exit 0'));
      const { waiting } = await waitingFor(handle, 'RESOURCES_EXCEED_SITE');
      expect(waiting?.raw).toMatch(/ExceedsMaxQuota|maximum capacity/);
      await under.jobs.cancel(handle);
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
    });

    test('on several nodes are admitted as one', async () => {
      const handle = await submit(under.jobs, sized(0.1, 'echo "$FATHOM_NODE_RANK"', 2));
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
      const texts = (await printed(under.jobs, handle)).map(({ text }) => text).toSorted();
      expect(texts).toEqual(['0', '[node 1] 1']);
    });
  });

  describe('a queue that is not there', () => {
    test('holds a job, and says why', async () => {
      const under = await openRealKubernetes({ kueueQueue: 'no-such-queue', pollMs: 1000 });
      try {
        const handle = await submit(under.jobs, job(under.shell('exit 0')));
        const isSaid = /no-such-queue/;
        const { waiting } = await untilJob(under.jobs, handle, (status) =>
          isSaid.test(status.waiting?.raw ?? ''),
        );
        expect(waiting?.code).toBe('HELD');
      } finally {
        await under.destroy();
      }
    });
  });
}

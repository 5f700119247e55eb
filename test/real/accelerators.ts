import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../backends/contract/backend.ts';
import type { JobRunner } from '../../backends/contract/job-runner.ts';
import type { Handle, JobWorkload } from '../../backends/contract/workload.ts';
import type { GpuRequest } from '../../domain/resources.ts';
import type { BackendUnderTest } from '../contract/backend/under-test.ts';
import {
  job,
  kindOf,
  printed,
  submit,
  untilEnded,
  untilJob,
  untilPrinted,
} from '../contract/backend/under-test.ts';

type Opened = BackendUnderTest & { readonly jobs: JobRunner };

/** Accelerators of a device plugin: those of that model are on one node, at least two, and nobody else uses them. */
export function acceleratorPromises<T extends Opened>(target: {
  readonly name: string;
  readonly model: string;
  readonly create: () => Promise<T>;
  /** An instance that does not know which models there are; null where none knows. */
  readonly unknowing: ((under: T) => Promise<Backend>) | null;
}): void {
  describe(`accelerators: ${target.name}`, () => {
    let under: T;
    let unknowing: Backend | null = null;
    let all: number;
    let memoryMiB: number;
    beforeAll(async () => {
      under = await target.create();
      unknowing = (await target.unknowing?.(under)) ?? null;
      const ours = (await devices()).filter(({ model }) => model === target.model);
      all = ours.length;
      memoryMiB = ours[0]?.memoryMiB ?? 0;
    });
    afterAll(async () => {
      await unknowing?.close();
      await under?.destroy();
    });

    const devices = async () => (await under.backend.health()).capacity?.gpus ?? [];
    const inUse = async () => (await under.backend.health()).capacity?.gpusInUse;
    const wanting = (gpus: Partial<GpuRequest>, script: string): JobWorkload =>
      job(under.shell(script), {
        resources: {
          cpus: 0.1,
          memoryMiB: 64,
          gpus: { count: 1, model: null, memoryMiB: null, ...gpus },
          timeLimitSeconds: 120,
        },
      });
    const waiting = (jobs: JobRunner, handle: Handle, code: string) =>
      untilJob(jobs, handle, (status) => status.waiting?.code === code);
    const cancelled = async (jobs: JobRunner, handle: Handle): Promise<void> => {
      await jobs.cancel(handle);
      const { exit, startedAt } = await untilEnded(jobs, handle);
      expect({ cause: exit?.cause, startedAt }).toEqual({ cause: 'CANCELLED', startedAt: null });
    };

    test('health tells each one, with its model and its memory', () => {
      expect(all).toBeGreaterThanOrEqual(2);
      expect(memoryMiB).toBeGreaterThan(0);
    });

    test.each([1, 2])('a program that asks for %i is given so many', async (count) => {
      const script = 'echo "given ${NVIDIA_VISIBLE_DEVICES:-none}"';
      const handle = await submit(under.jobs, wanting({ count, model: target.model }, script));
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 0 });
      const [line] = await printed(under.jobs, handle);
      const given = line?.text.replace('given ', '').split(',') ?? [];
      expect(new Set(given).size).toBe(count);
      expect(given).not.toContain('none');
    });

    test('a program that asks for none sees none', async () => {
      const handle = await submit(
        under.jobs,
        job(under.shell('echo "$NVIDIA_VISIBLE_DEVICES,$CUDA_VISIBLE_DEVICES"')),
      );
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 0 });
      expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['none,']);
    });

    test('who wants all of them waits until another one is done, and says for what', async () => {
      const first = await submit(under.jobs, wanting({ count: all }, 'echo up; sleep 100'));
      await untilPrinted(under.jobs, first, 'up');
      expect(await inUse()).toBe(all);
      const second = await submit(under.jobs, wanting({ count: all }, 'echo second; exit 5'));
      const status = await waiting(under.jobs, second, 'RESOURCES_BUSY');
      expect(status).toMatchObject({ phase: 'PENDING', startedAt: null });
      expect(status.waiting?.message).toMatch(/\w+ .*\.$/s);
      expect(status.waiting?.raw).toMatch(/insufficient|exhausted/i);
      // What is in use is what runs.
      expect(await inUse()).toBe(all);
      await under.jobs.cancel(first);
      expect((await untilEnded(under.jobs, first)).exit?.cause).toBe('CANCELLED');
      expect((await untilEnded(under.jobs, second)).exit).toMatchObject({ code: 5 });
      expect((await printed(under.jobs, second)).map(({ text }) => text)).toEqual(['second']);
    });

    test.runIf(target.unknowing !== null)(
      'an unknown model is refused where they are known',
      async () => {
        const absent = wanting({ model: 'No Such Accelerator' }, 'exit 0');
        expect(await kindOf(() => submit(under.jobs, absent))).toBe('Unsupported');
      },
    );

    test('a model that is not there is waited for where none is known', async () => {
      const jobs = unknowing?.jobs ?? under.jobs;
      const handle = await submit(jobs, wanting({ model: 'No Such Accelerator' }, 'exit 0'));
      const { phase } = await waiting(jobs, handle, 'NO_ACCELERATOR');
      expect(phase).toBe('PENDING');
      await cancelled(jobs, handle);
    });

    test('memory is asked for by its least, and more than there is is waited for', async () => {
      const fitting = await submit(under.jobs, wanting({ memoryMiB }, 'exit 3'));
      expect((await untilEnded(under.jobs, fitting)).exit).toMatchObject({ code: 3 });
      const larger = await submit(under.jobs, wanting({ memoryMiB: memoryMiB + 1 }, 'exit 0'));
      await waiting(under.jobs, larger, 'NO_ACCELERATOR');
      await cancelled(under.jobs, larger);
    });
  });
}

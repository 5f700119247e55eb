import { chmodSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Handle } from '../../../backends/contract/workload.ts';
import type { LocalUnderTest } from './local-under-test.ts';
import { openLocal } from './local-under-test.ts';
import { job, printed, submit, untilEnded, untilJob, untilPrinted } from './under-test.ts';

const open: LocalUnderTest[] = [];

async function local(settings: object = {}): Promise<LocalUnderTest> {
  const under = await openLocal(settings);
  open.push(under);
  return under;
}

afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

describe('the queue', () => {
  test('lets nothing small delay what waits for room, and starts it when there is room', async () => {
    const under = await local({ cpus: 2 });
    const sized = (cpus: number) => ({
      resources: { cpus, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 },
      labels: { run: `run-of-${cpus}` },
    });
    const running = await submit(under.jobs, job(under.shell('sleep 60'), sized(1)));
    const large = await submit(under.jobs, job(under.shell('sleep 0.1'), sized(2)));
    const small = await submit(under.jobs, job(under.shell('exit 0'), sized(1)));
    await untilJob(under.jobs, running, ({ phase }) => phase === 'RUNNING');
    expect((await under.jobs.inspect(large)).phase).toBe('PENDING');
    const waits = await under.jobs.inspect(small);
    expect(waits.phase).toBe('PENDING');
    expect(waits.waiting?.message).toBe(
      '1 processor and %FREE% MiB of memory are free, 1 processor and 64 MiB of memory are asked for. run-of-2, which waits for 2 processors and 64 MiB of memory, comes first and would be delayed; with a shorter `resources.timeLimitSeconds` this one may pass it.'.replace(
        '%FREE%',
        String(((await under.backend.health()).capacity?.memoryMiB ?? 0) - 64),
      ),
    );
    expect((await under.jobs.inspect(large)).waiting?.message).toContain(
      'run-of-1 holds 1 processor and 64 MiB of memory.',
    );
    const short = { ...sized(1).resources, timeLimitSeconds: 1 };
    const quick = await submit(under.jobs, job(under.shell('exit 0'), { resources: short }));
    expect((await untilEnded(under.jobs, quick)).exit?.code).toBe(0);
    expect((await under.jobs.inspect(large)).phase).toBe('PENDING');
    await under.jobs.cancel(running);
    const [first, second] = await Promise.all([
      untilEnded(under.jobs, large),
      untilEnded(under.jobs, small),
    ]);
    expect(first.endedAt).toBeLessThanOrEqual(second.startedAt ?? 0);
  });

  test('keeps what can never fit, says why, and lets others pass', async () => {
    const under = await local({ cpus: 2, memoryMiB: 1000, gpus: 'detect', nvidiaSmi: '/no/smi' });
    const sized = (more: object) =>
      job(under.shell('exit 0'), {
        resources: { cpus: 1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60, ...more },
      });
    const waitingOf = async (more: object) => {
      const handle = await submit(under.jobs, sized(more));
      const { phase, waiting } = await under.jobs.inspect(handle);
      expect(phase).toBe('PENDING');
      return { handle, waiting };
    };
    expect((await waitingOf({ cpus: 3 })).waiting?.code).toBe('RESOURCES_EXCEED_SITE');
    const large = await waitingOf({ memoryMiB: 1001 });
    expect(large.waiting?.code).toBe('RESOURCES_EXCEED_SITE');
    const gpus = { count: 1, model: null, memoryMiB: null };
    const withGpu = submit(under.jobs, sized({ gpus }));
    await expect(withGpu).rejects.toMatchObject({ kind: 'Unsupported' });
    await expect(withGpu).rejects.toThrow('/no/smi');
    expect(under.backend.capabilities.gpus).toBe(false);
    const fits = await submit(under.jobs, sized({}));
    expect((await untilEnded(under.jobs, fits)).exit?.code).toBe(0);
    await under.jobs.cancel(large.handle);
    const { exit, startedAt } = await untilEnded(under.jobs, large.handle);
    expect({ cause: exit?.cause, startedAt }).toEqual({ cause: 'CANCELLED', startedAt: null });
  });

  test('gives each job accelerators of its own, by model and memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-smi-'));
    const smi = join(folder, 'nvidia-smi');
    writeFileSync(
      smi,
      `#!/bin/sh
      test "$1 $2" = "--query-gpu=index,name,memory.total --format=csv,noheader" || exit 9
      echo "0, NVIDIA A100-PCIE-40GB, 40960 MiB"
      echo "1, Tesla T4, 15360 MiB"
      echo "2, NVIDIA A100-PCIE-40GB, 40960 MiB"\n`,
    );
    chmodSync(smi, 0o755);
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder}:${path}`;
    const under = await local({ gpus: 'detect' });
    process.env['PATH'] = path;
    expect(under.backend.capabilities).toMatchObject({ gpus: true, gpuModels: true });
    const wants = (model: string | null, memoryMiB: number | null, count = 1) =>
      submit(
        under.jobs,
        job(
          under.shell(
            'echo "gpus=$CUDA_VISIBLE_DEVICES"; while [ ! -e out/go ]; do sleep 0.02; done',
          ),
          {
            resources: {
              cpus: 0.1,
              memoryMiB: 64,
              gpus: { count, model, memoryMiB },
              timeLimitSeconds: 60,
            },
          },
        ),
      );
    const seen = async (handle: Handle): Promise<string | undefined> => {
      await untilPrinted(under.jobs, handle, 'gpus=');
      return (await printed(under.jobs, handle))[0]?.text;
    };
    const a100 = await wants('nvidia a100-pcie-40gb', null);
    const large = await wants(null, 20_000);
    const any = await wants(null, null);
    expect(await Promise.all([a100, large, any].map(seen))).toEqual(['gpus=0', 'gpus=2', 'gpus=1']);
    const missing = await wants('NVIDIA H100', null);
    expect((await under.jobs.inspect(missing)).waiting?.code).toBe('NO_ACCELERATOR');
    const late = await wants('Tesla T4', null);
    expect((await under.jobs.inspect(late)).waiting?.code).toBe('RESOURCES_BUSY');
    const many = await wants('Tesla T4', null, 2);
    expect((await under.jobs.inspect(many)).waiting?.code).toBe('RESOURCES_EXCEED_SITE');
    const none = await submit(under.jobs, job(under.shell('echo "gpus=$CUDA_VISIBLE_DEVICES"')));
    expect(await seen(none)).toBe('gpus=');
    await under.jobs.cancel(any);
    expect(await seen(late)).toBe('gpus=1');
    await rm(folder, { recursive: true });
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Handle } from '../../../backends/contract/workload.ts';
import { FakeSlurmrestd } from '../../fakes/slurm/rest-server.ts';
import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import { fakeRest } from '../../fakes/slurm/site.ts';
import type { SlurmUnderTest } from './slurm-under-test.ts';
import { openSlurm } from './slurm-under-test.ts';
import { job, kindOf, nativeText, newKey, submit, untilEnded, untilJob } from './under-test.ts';

const quick = { visibilitySeconds: 0.2, pollMs: 20, timeoutSeconds: 20 };
/** Looks fail at once for a while after one failed. */
const pauseMs = 600;

const opened: SlurmUnderTest[] = [];
afterEach(async () => {
  for (const under of opened.splice(0)) await under.destroy();
});

async function open(...args: Parameters<typeof openSlurm>): Promise<SlurmUnderTest> {
  const under = await openSlurm(...args);
  opened.push(under);
  return under;
}

describe('a slurmrestd that answers badly', () => {
  test.each([
    ['down', 'Unavailable'],
    ['html', 'Unavailable'],
    ['partition', 'Unavailable'],
  ] as const)(
    'a look that meets "%s" says so, and the job is none the worse',
    async (fault, kind) => {
      const site = await fakeRest(modern);
      const under = await open(site, quick);
      const script = 'while [ ! -e go ]; do sleep 0.05; done; exit 3';
      const handle = await submit(under.jobs, job(under.shell(script)));
      await untilJob(under.jobs, handle, ({ phase }) => phase === 'RUNNING');
      await sleep(2 * quick.pollMs);
      site.cluster.plant('job', fault);
      await expect(under.jobs.inspect(handle)).rejects.toMatchObject({ kind, temporary: true });
      await sleep(pauseMs);
      expect((await under.jobs.inspect(handle)).phase).toBe('RUNNING');
      openGate(under, handle);
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({
        cause: 'EXITED',
        code: 3,
      });
    },
  );
});

test('a slurmrestd that asks us to slow down is left alone, and an end is seen without it', async () => {
  const site = await fakeRest(modern);
  const under = await open(site, quick);
  const script = 'while [ ! -e go ]; do sleep 0.05; done; exit 3';
  const handle = await submit(under.jobs, job(under.shell(script)));
  await untilJob(under.jobs, handle, ({ phase }) => phase === 'RUNNING');
  await sleep(2 * quick.pollMs);
  site.cluster.plant('job', 'rate-limited');
  const limited = { kind: 'RateLimited', temporary: true };
  await expect(under.jobs.inspect(handle)).rejects.toMatchObject({
    ...limited,
    retryAfterMs: 7000,
  });
  const asked = site.server.requests.length;
  await sleep(pauseMs);
  await expect(under.jobs.inspect(handle)).rejects.toMatchObject(limited);
  expect(site.server.requests).toHaveLength(asked);
  openGate(under, handle);
  const seen = async (): Promise<number | null> =>
    (await under.jobs.inspect(handle).catch(() => null))?.exit?.code ?? null;
  await expect.poll(seen, { timeout: 10_000 }).toBe(3);
  expect(site.server.requests).toHaveLength(asked);
});

describe('a slurmrestd that is stopped and started again', () => {
  test('is missed by nobody: what ran is found, what could not be handed over is handed over once', async () => {
    const site = await fakeRest(legacy, true);
    const under = await open(site, quick);
    const running = await submit(under.jobs, job(under.shell('sleep 0.4; exit 4')));
    await untilJob(under.jobs, running, ({ phase }) => phase === 'RUNNING');
    await site.server.close();
    const key = newKey();
    const late = job(under.shell('exit 5'));
    expect(await kindOf(() => submit(under.jobs, late, key))).toBe('Unavailable');
    expect((await under.backend.health()).reachable).toBe(false);
    const again = new FakeSlurmrestd(site.cluster, legacy);
    await again.listen(join(site.cluster.folder, 'rest.sock'));
    try {
      await sleep(pauseMs);
      expect((await untilEnded(under.jobs, running)).exit?.code).toBe(4);
      const handle = await submit(under.jobs, late, key);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(5);
      expect(site.cluster.list()).toHaveLength(2);
      expect((await under.backend.health()).reachable).toBe(true);
      for (const one of opened.splice(0)) await one.destroy();
    } finally {
      await again.close();
    }
  });
});

function openGate({ sharedFolder }: SlurmUnderTest, handle: Handle): void {
  writeFileSync(join(sharedFolder, 'jobs', nativeText(handle, 'name'), 'work/go'), '');
}

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Handle, Program } from '../../../backends/contract/workload.ts';
import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import type { FakeSite } from '../../fakes/slurm/site.ts';
import { fakeCommands, fakeRest } from '../../fakes/slurm/site.ts';
import { orderOf, submitAll } from './job-arrays.contract.ts';
import type { SlurmUnderTest } from './slurm-under-test.ts';
import { openSlurm } from './slurm-under-test.ts';
import { job, kindOf, nativeText, submit, untilEnded, untilJob } from './under-test.ts';

const quick = { visibilitySeconds: 0.2, accountingLagSeconds: 20, pollMs: 50, timeoutSeconds: 20 };

const transports = [
  {
    ...{ name: 'commands', accounting: 'sacct', tellsCodes: true },
    open: (): Promise<FakeSite> => Promise.resolve(fakeCommands()),
  },
  {
    ...{ name: 'slurmrestd v0.0.38', accounting: 'history', tellsCodes: false },
    open: (): Promise<FakeSite> => fakeRest(legacy),
  },
  {
    ...{ name: 'slurmrestd v0.0.42', accounting: 'history', tellsCodes: true },
    open: (): Promise<FakeSite> => fakeRest(modern),
  },
] as const;

type Opened = SlurmUnderTest & { readonly cluster: FakeSite['cluster'] };
const opened: SlurmUnderTest[] = [];
afterEach(async () => {
  for (const under of opened.splice(0)) await under.destroy();
});

async function open(site: FakeSite, settings: object = {}): Promise<Opened> {
  const under = await openSlurm(site, { ...quick, ...settings });
  opened.push(under);
  return { ...under, cluster: site.cluster };
}

function shell(script: string): Program {
  return { kind: 'COMMAND', argv: ['/bin/sh', '-c', script], image: null };
}

/** A job that ended while nobody looked, and whose record is lost. */
async function endUnseen(under: Opened, script: string): Promise<Handle> {
  const handle = await submit(under.jobs, job(shell(script)));
  await isOver(under, [handle]);
  loseRecords(under, [handle]);
  return handle;
}

async function isOver({ cluster }: Opened, handles: readonly Handle[]): Promise<void> {
  const keys = handles.map((handle) => nativeText(handle, 'id'));
  const over = (): boolean =>
    keys.every((key) => cluster.list().some((one) => one.key === key && one.end > 0));
  await expect.poll(over, { timeout: 50_000 }).toBe(true);
}

function loseRecords({ sharedFolder }: Opened, handles: readonly Handle[]): void {
  for (const handle of handles) {
    const folder = join(sharedFolder, 'jobs', nativeText(handle, 'name'));
    expect(readdirSync(folder)).toContain('exit.json');
    for (const name of ['exit.json', 'beat']) rmSync(join(folder, name), { force: true });
  }
}

for (const transport of transports) {
  describe(`accounting of slurm by ${transport.name}`, { timeout: 120_000 }, () => {
    const told = (code: number): object =>
      transport.tellsCodes ? { cause: 'EXITED', code } : { cause: 'UNKNOWN', code: null };

    test.for([
      ['exit 0', { cause: 'EXITED', code: 0 }],
      ['exit 3', told(3)],
      ['kill -SEGV $$', { cause: 'SIGNALLED', signal: 'SIGSEGV' }],
    ] as const)('of a job whose record is lost it tells the end: %s', async ([script, exit]) => {
      const under = await open(await transport.open());
      under.cluster.keepAccounts();
      const handle = await endUnseen(under, script);
      under.cluster.forget(1);
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject(exit);
    });

    test('elements of an array each have their end there', async () => {
      const under = await open(await transport.open());
      under.cluster.keepAccounts();
      const order = orderOf(under, ['exit 0', 'exit 4', 'kill -SEGV $$']);
      const handles = await submitAll(under, order);
      await isOver(under, handles);
      loseRecords(under, handles);
      for (const key of ['1_0', '1_1', '1_2']) under.cluster.forget(key);
      const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
      expect(ends.map(({ exit }) => exit)).toMatchObject([
        { cause: 'EXITED', code: 0 },
        told(4),
        { cause: 'SIGNALLED', signal: 'SIGSEGV' },
      ]);
    });

    test('elements that were cancelled with their array before they were split off are told as one', async () => {
      const under = await open(await transport.open());
      under.cluster.keepAccounts();
      under.cluster.holdNewJobs();
      const handles = await submitAll(under, orderOf(under, ['exit 0', 'exit 0', 'exit 0']));
      under.cluster.cancel('1');
      for (const handle of handles) {
        expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
      }
    });

    test('while it does not answer, what it is asked about is not lost, and all else goes on', async () => {
      const under = await open(await transport.open());
      under.cluster.keepAccounts();
      const handle = await endUnseen(under, 'exit 0');
      under.cluster.forget(1);
      const script = 'while [ ! -e go ]; do sleep 0.05; done';
      const other = await submit(under.jobs, job(shell(script)));
      under.cluster.plant(transport.accounting, 'no-database');
      const looks = await Promise.allSettled([
        under.jobs.inspect(handle),
        untilJob(under.jobs, other, ({ phase }) => phase === 'RUNNING'),
      ]);
      expect(looks[0]).toMatchObject({
        reason: {
          // A reason to ask about this job later, and none to ask Slurm less.
          kind: 'Unexpected',
          message: expect.stringMatching(/forgotten job 1, and its accounting does not/) as string,
          retryAfterMs: expect.any(Number) as number,
        },
      });
      expect(looks[1].status).toBe('fulfilled');
      expect((await under.jobs.inspect(other)).phase).toBe('RUNNING');
      expect(await submit(under.jobs, job(shell('exit 0')))).toBeDefined();
      const cause = async (): Promise<unknown> =>
        under.jobs.inspect(handle).then(({ exit }) => exit?.cause, String);
      await expect.poll(cause, { timeout: 50_000 }).toBe('EXITED');
      const name = nativeText(other, 'name');
      writeFileSync(join(under.sharedFolder, 'jobs', name, 'work/go'), '');
      expect((await untilEnded(under.jobs, other)).exit?.code).toBe(0);
    });

    test('an accounting that lags behind is waited for, and not for ever', async () => {
      const under = await open(await transport.open());
      under.cluster.keepAccounts();
      const handle = await endUnseen(under, 'exit 0');
      under.cluster.override(1, { state: 'RUNNING' });
      under.cluster.forget(1);
      const hasty = await under.again({ accountingLagSeconds: 0.3 });
      const look = async (): Promise<unknown> => hasty.jobs?.inspect(handle).catch(String);
      await expect.poll(look, { timeout: 50_000 }).toContain('its accounting still calls RUNNING');
      await hasty.close();
      await under.jobs.inspect(handle);
      await sleep(400);
      expect(await under.jobs.inspect(handle)).toMatchObject({ phase: 'RUNNING', exit: null });
      rmSync(join(under.cluster.folder, 'forgotten/1/override.json'));
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 0 });
    });

    test('a number that had others before and after, and has one now, is not mistaken', async () => {
      const under = await open(await transport.open());
      const handle = await endUnseen(under, 'exit 0');
      const now = Math.floor(Date.now() / 1000);
      under.cluster.keepAccounts(
        { key: '1', state: 'TIMEOUT', start: now - 9000, end: now - 8000 },
        { key: '1', state: 'CANCELLED', start: now + 8000, end: now + 9000 },
      );
      const [first] = under.cluster.list();
      if (first === undefined) throw new Error('there is no job');
      under.cluster.forget(1);
      under.cluster.newcomer(1);
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({
        cause: 'EXITED',
        code: 0,
      });
    });

    test('a number that only others had is nobody’s evidence', async () => {
      const under = await open(await transport.open(), { accountingLagSeconds: 0 });
      under.cluster.keepAccounts();
      under.cluster.holdNewJobs();
      const handle = await submit(under.jobs, job(shell('exit 0')));
      under.cluster.keepAccounts({ key: '1', state: 'COMPLETED', start: 5, end: 6 });
      rmSync(join(under.cluster.folder, 'jobs/1'), { recursive: true });
      await expect
        .poll(() => under.jobs.inspect(handle).catch(String), { timeout: 50_000 })
        .toContain('Slurm and its accounting do not know the job');
      expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
    });

    test('what was requeued is told as it was left, not as the job that found nothing to do', async () => {
      const under = await open(await transport.open());
      const handle = await endUnseen(under, 'exit 0');
      const [first] = under.cluster.list();
      if (first === undefined) throw new Error('there is no job');
      under.cluster.forget(1);
      rmSync(join(under.cluster.folder, 'forgotten/1'), { recursive: true });
      const { name, comment, start } = first;
      const more = { key: '1', name, comment };
      under.cluster.keepAccounts(
        { ...more, state: 'REQUEUED', start, end: start + 1 },
        { ...more, state: 'FAILED', exitCode: 75, start: start + 2, end: start + 3 },
      );
      const { exit, native } = await untilEnded(under.jobs, handle);
      expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null });
      expect(exit?.message).toContain('It was requeued');
      expect(native).toBe('REQUEUED');
    });
  });
}

import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Handle, JobWorkload } from '../../backends/contract/workload.ts';
import { orderOf, submitAll } from '../contract/backend/job-arrays.contract.ts';
import type { SlurmSite, SlurmUnderTest } from '../contract/backend/slurm-under-test.ts';
import { openSlurm, openWithLauncher } from '../contract/backend/slurm-under-test.ts';
import {
  job,
  nativeText,
  printed,
  submit,
  untilEnded,
  untilPrinted,
} from '../contract/backend/under-test.ts';
import { eventually } from './slurm-bad-days.ts';
import { numberOf, untilForgotten } from './slurm-forgetting.ts';
import { accountedRunsEnd } from './slurm-forgotten-runs.ts';
import type { RealSlurm } from './slurm.ts';

const patience = 240_000;

/** Transports, and whether their accounting tells the codes of jobs that failed: slurmdb of v0.0.38 says 0 of each. */
export type Asking = readonly (readonly [
  name: string,
  site: (slurm: RealSlurm) => SlurmSite,
  tellsCodes: boolean,
])[];

/**
 * Jobs that the controller has forgotten and whose record in the folder is lost, as after a purge of scratch: the accounting
 * of a real slurmdbd alone knows how they ended.
 */
export function slurmAccounts(asking: Asking, start: () => Promise<RealSlurm>): void {
  describe('accounting of real slurm', { timeout: patience }, () => {
    let slurm: RealSlurm;
    beforeAll(async () => {
      slurm = await start();
    }, patience);
    afterAll(() => slurm.stop(), patience);
    describe.each(asking)('%s', (_, site, tellsCodes) => {
      forgottenJobs(() => slurm, site, tellsCodes);
      forgottenDeliveries(() => slurm, site);
      accountedRunsEnd(() => slurm, site);
    });
    reusedNumbers(() => slurm, asking);
  });
}

function forgottenJobs(
  started: () => RealSlurm,
  site: (slurm: RealSlurm) => SlurmSite,
  tellsCodes: boolean,
): void {
  let under: SlurmUnderTest;
  beforeAll(async () => {
    under = await openAccounted(started(), site);
  }, patience);
  afterAll(() => under.destroy(), patience);

  const told = (code: number): object =>
    tellsCodes ? { cause: 'EXITED', code } : { cause: 'UNKNOWN', code: null };

  test('each ends as the accounting says, by code, signal, memory, time, cancel and node', async () => {
    const slurm = started();
    const cases = [
      ['exit 0', { cause: 'EXITED', code: 0 }],
      ['exit 3', told(3)],
      ['kill -SEGV $$', { cause: 'SIGNALLED', signal: 'SIGSEGV' }],
      [exhausting, { cause: 'OUT_OF_MEMORY' }],
      ['echo up; exec sleep 90', { cause: 'TIME_LIMIT' }],
      ['echo up; exec sleep 90', { cause: 'CANCELLED' }],
    ] as const;
    const lost = await Promise.all(
      cases.map(([script]) => submit(under.jobs, sized(under, script))),
    );
    const kept = await Promise.all(
      cases.slice(2).map(([script]) => submit(under.jobs, sized(under, script))),
    );
    for (const [handles, late, cancelled] of [
      [lost, 4, 5],
      [kept, 2, 3],
    ] as const) {
      const [slow, unwanted] = [at(handles, late), at(handles, cancelled)];
      for (const one of [slow, unwanted]) await untilPrinted(under.jobs, one, 'up');
      await slurm.command('scancel', numberOf(unwanted));
      await slurm.command('scontrol', 'update', `jobid=${numberOf(slow)}`, 'EndTime=now+1');
    }
    await untilForgotten(slurm, [...lost, ...kept]);
    for (const handle of lost) await loseRecord(under, handle);
    const [first] = lost;
    const without = await under.again({ accounting: 'off' });
    const evidence = 'there is no accounting to ask, it did start, and its folder holds no end';
    await eventually(async () => {
      const refusal: unknown = await without.jobs?.inspect(at([first], 0)).catch(String);
      return typeof refusal === 'string' && refusal.includes(evidence);
    });
    await without.close();
    const ends = async (handles: readonly Handle[]): Promise<unknown[]> =>
      Promise.all(handles.map(async (one) => (await untilEnded(under.jobs, one)).exit));
    const expected = cases.map(([, exit]) => expect.objectContaining(exit) as unknown);
    expect(await ends(lost)).toEqual(expected);
    expect(await ends(kept)).toEqual(expected.slice(2));
  });

  test('one whose node failed says so, and is not run again', async () => {
    const slurm = started();
    const handle = await submit(under.jobs, sized(under, 'echo up; exec sleep 90'));
    await untilPrinted(under.jobs, handle, 'up');
    const where = await slurm.command('squeue', '-h', '-j', numberOf(handle), '-o', '%N');
    const node = `nodename=${where.trim()}`;
    await slurm.command('scontrol', 'update', node, 'state=down', 'reason=test');
    await slurm.command('scontrol', 'update', node, 'state=resume').catch(() => '');
    await untilForgotten(slurm, [handle]);
    await loseRecord(under, handle);
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null });
    expect(exit?.message).toContain('NODE_FAIL');
  });

  test('elements of an array end each as themselves, also those that were never split off', async () => {
    const slurm = started();
    const order = orderOf(under, [
      'exit 0',
      'exit 4',
      'kill -SEGV $$',
      'echo up; exec sleep 90',
      '',
      '',
    ]);
    const handles = await submitAll(under, { ...order, atOnce: 1 });
    await untilPrinted(under.jobs, at(handles, 3), 'up');
    const array = numberOf(at(handles, 0)).split('_')[0] ?? '';
    await slurm.command('scancel', array);
    await untilForgotten(slurm, handles);
    for (const handle of handles) await loseRecord(under, handle);
    const ends = await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
    const expected = [
      { cause: 'EXITED', code: 0 },
      told(4),
      { cause: 'SIGNALLED', signal: 'SIGSEGV' },
      ...[{ cause: 'CANCELLED' }, { cause: 'CANCELLED' }, { cause: 'CANCELLED' }],
    ];
    expect(ends.map(({ exit }) => exit)).toMatchObject(expected);
  });

  test('one that was requeued ended when that was done, whatever the accounting has of it since', async () => {
    const slurm = started();
    const script = 'echo up; trap "" TERM; sleep 90';
    const [kept, lost] = [
      await submit(under.jobs, sized(under, script)),
      await submit(under.jobs, sized(under, script)),
    ];
    for (const handle of [kept, lost]) {
      await untilPrinted(under.jobs, handle, 'up');
      const id = numberOf(handle);
      await slurm.command('scontrol', 'update', `jobid=${id}`, 'requeue=1');
      await slurm.command('scontrol', 'requeue', id);
      // It would wait for two minutes.
      await eventually(
        async () => (await slurm.command('squeue', '-h', '-j', id, '-o', '%T')) === 'PENDING\n',
      );
      await slurm.command('scontrol', 'update', `jobid=${id}`, 'starttime=now');
    }
    await untilForgotten(slurm, [kept, lost]);
    await loseRecord(under, lost);
    for (const handle of [kept, lost]) {
      const { exit, native } = await untilEnded(under.jobs, handle);
      expect(exit).toMatchObject({ cause: 'UNKNOWN' });
      expect(exit?.message).toContain('It was requeued, and does not run twice');
      expect(native).toContain('REQUEUED');
      const starts = (await printed(under.jobs, handle)).filter(({ text }) => text === 'up');
      expect(starts).toHaveLength(1);
    }
  });

  test('while the accounting is away nothing is lost and others go on; then it ends as it did', async () => {
    const slurm = started();
    await slurm.stopAccounting();
    try {
      const handle = await submit(under.jobs, sized(under, 'exit 0'));
      const other = await submit(under.jobs, sized(under, 'echo up; exec sleep 90'));
      await untilForgotten(slurm, [handle]);
      await loseRecord(under, handle);
      await expect(under.jobs.inspect(handle)).rejects.toMatchObject({
        kind: 'Unexpected',
        message: expect.stringContaining('its accounting does not answer') as string,
        retryAfterMs: expect.any(Number) as number,
      });
      await untilPrinted(under.jobs, other, 'up');
      expect((await under.jobs.inspect(other)).phase).toBe('RUNNING');
      await under.jobs.cancel(other);
      expect((await untilEnded(under.jobs, other)).exit?.cause).toBe('CANCELLED');
      await slurm.startAccounting();
      const ended = await eventually(async () => {
        const { exit } = await under.jobs.inspect(handle);
        return exit;
      });
      expect(ended).toMatchObject({ cause: 'EXITED', code: 0 });
    } finally {
      await slurm.startAccounting();
    }
  });
}

/** The launcher told an end that only Slurm can explain. */
function forgottenDeliveries(
  started: () => RealSlurm,
  site: (slurm: RealSlurm) => SlurmSite,
): void {
  test('what its launcher told of one is explained by the accounting', async () => {
    const slurm = started();
    const settings = { accountingLagSeconds: 60 };
    const under = await openWithLauncher(site(slurm), settings, `${slurm.folder}/shared`);
    try {
      const script = 'echo up; while :; do sleep 0.2; done';
      const handle = await submit(under.jobs, sized(under, script, 600));
      await untilPrinted(under.jobs, handle, 'up');
      await slurm.command('scancel', numberOf(handle));
      await untilForgotten(slurm, [handle]);
      const { exit, native } = await untilEnded(under.jobs, handle);
      expect(exit?.cause).toBe('CANCELLED');
      expect(native).toMatch(/^CANCELLED( \(by 0\))?$/);
    } finally {
      await under.destroy();
    }
  });
}

/** The last one: the cluster is not the same afterwards. */
function reusedNumbers(started: () => RealSlurm, asking: Asking): void {
  test('a number that was used again is not mistaken for the job that had it', async () => {
    const slurm = started();
    const all = await Promise.all(
      asking.map(async ([, site]) => {
        const under = await openAccounted(slurm, site);
        return { under, handle: await submit(under.jobs, sized(under, 'exit 0')) };
      }),
    );
    await untilForgotten(
      slurm,
      all.map(({ handle }) => handle),
    );
    for (const { under, handle } of all) await loseRecord(under, handle);
    const numbers = all.map(({ handle }) => Number(numberOf(handle)));
    await slurm.loseState(Math.min(...numbers));
    await eventually(async () => (await all[0]?.under.backend.health())?.reachable === true);
    const newcomers = await Promise.all(
      numbers.map(() =>
        slurm.command('sbatch', '--parsable', '--output=/dev/null', '--wrap=sleep 20; exit 9'),
      ),
    );
    expect(new Set(newcomers.map(Number))).toEqual(new Set(numbers));
    const [known, forgotten] = all;
    expect((await untilEnded(at([known], 0).under.jobs, at([known], 0).handle)).exit).toMatchObject(
      { cause: 'EXITED', code: 0 },
    );
    await untilForgotten(
      slurm,
      all.map(({ handle }) => handle),
    );
    const last = at([forgotten], 0);
    expect((await untilEnded(last.under.jobs, last.handle)).exit).toMatchObject({
      cause: 'EXITED',
      code: 0,
    });
    for (const { under } of all) await under.destroy();
  });
}

/** What it takes is more than it asked for. */
const exhausting = `exec perl -e 'my $x = "a" x (600 * 1024 * 1024); sleep 30'`;

export function openAccounted(
  slurm: RealSlurm,
  site: (slurm: RealSlurm) => SlurmSite,
): Promise<SlurmUnderTest> {
  return openSlurm(site(slurm), { accountingLagSeconds: 60 }, `${slurm.folder}/shared`);
}

function sized(under: SlurmUnderTest, script: string, memoryMiB = 100): JobWorkload {
  return job(under.shell(script), {
    resources: { cpus: 1, memoryMiB, gpus: null, timeLimitSeconds: 300 },
  });
}

/** The folder keeps all but how the job ended. */
async function loseRecord({ sharedFolder }: SlurmUnderTest, handle: Handle): Promise<void> {
  const folder = join(sharedFolder, 'jobs', nativeText(handle, 'name'));
  expect(readdirSync(folder)).not.toContain('end.json');
  for (const name of ['exit.json', 'beat']) await rm(join(folder, name), { force: true });
}

function at<T>(values: readonly (T | undefined)[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`there is none at ${index}`);
  return value;
}

import { expect, test } from 'vitest';
import type { JobsUnderTest } from './under-test.ts';
import { endOf, job, submit, textOf, untilEnded, untilPrinted } from './under-test.ts';

/** How jobs end: by themselves, at a limit, cancelled in every state. */
export function endPromises(opened: () => JobsUnderTest): void {
  test('exit codes come back as themselves, with the last lines of standard error', async () => {
    const under = opened();
    const { exit } = await endOf(
      under,
      'echo out; echo "first" >&2; echo "the reason" >&2; exit 42',
    );
    expect(exit).toMatchObject({ cause: 'EXITED', code: 42, signal: null });
    expect(exit?.message).toContain('the reason');
    expect((await endOf(under, 'exit 0')).exit).toMatchObject({ cause: 'EXITED', code: 0 });
  });

  test('a signal from elsewhere comes back as itself', async () => {
    const under = opened();
    const { exit } = await endOf(under, 'kill -KILL $$');
    expect(exit).toMatchObject({ cause: 'SIGNALLED', code: null, signal: 'SIGKILL' });
  });

  test('a program that is not there ends as not started, and says so', async () => {
    const under = opened();
    const program = { kind: 'COMMAND', argv: ['/no/such/program'], image: null } as const;
    const handle = await submit(under.jobs, job(program));
    const { exit, startedAt } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'NOT_STARTED', code: null });
    expect(exit?.message).toContain('/no/such/program');
    expect(startedAt).toBeNull();
  });

  test('the time limit ends a job as TIME_LIMIT', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.enforcesTimeLimit) skip();
    const { exit } = await endOf(under, 'trap "" TERM; while :; do sleep 0.1; done', {
      resources: { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 1 },
    });
    expect(exit).toMatchObject({ cause: 'TIME_LIMIT' });
  });

  test('what a program left is there however it ended', async ({ skip }) => {
    const under = opened();
    const leftBy = async (script: string, timeLimitSeconds: number) => {
      const resources = { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds };
      const handle = await submit(under.jobs, job(under.shell(script), { resources }));
      // A limit, a start and what comes after the end are longer than others wait.
      const patience = AbortSignal.timeout(process.env['FATHOM_REAL'] ? 150_000 : 25_000);
      const { exit } = await untilEnded(under.jobs, handle, patience);
      return { cause: exit?.cause, left: await textOf(await under.jobs.outputs(handle), 'kept') };
    };
    expect(await leftBy('echo 3 > out/kept; exit 3', 60)).toEqual({ cause: 'EXITED', left: '3\n' });
    if (!under.backend.capabilities.enforcesTimeLimit) skip('no limit ends anything here');
    const limit = 1 + (under.startSeconds ?? 0);
    expect(await leftBy('echo 4 > out/kept; sleep 60', limit)).toEqual({
      cause: 'TIME_LIMIT',
      left: '4\n',
    });
  });

  test('a cancel that comes as late as the end costs nothing of what was left', async () => {
    const under = opened();
    // Where a program ends later than it prints, it is cancelled later.
    const delays = process.env['FATHOM_REAL'] ? [0, 1500, 2200, 2900] : [0, 120];
    const left = delays.map(async (delayMs) => {
      const script = 'echo 5 > out/kept; echo up; exit 5';
      const handle = await submit(under.jobs, job(under.shell(script)));
      await untilPrinted(under.jobs, handle, 'up');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await under.jobs.cancel(handle);
      const { exit } = await untilEnded(under.jobs, handle);
      expect(['EXITED', 'CANCELLED']).toContain(exit?.cause);
      return textOf(await under.jobs.outputs(handle), 'kept');
    });
    expect(await Promise.all(left)).toEqual(delays.map(() => '5\n'));
  });

  test('using more memory than asked for ends a job as OUT_OF_MEMORY', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.enforcesMemory) skip();
    const script = 'x=0123456789; while :; do x="$x$x"; [ ${#x} -gt 150000000 ] && sleep 20; done';
    const { exit } = await endOf(under, script, {
      resources: { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 },
    });
    expect(exit).toMatchObject({ cause: 'OUT_OF_MEMORY' });
  });

  test('cancel ends a running job, as often as it is asked', async () => {
    const under = opened();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 30 & wait')));
    await untilPrinted(under.jobs, handle, 'up');
    await Promise.all([under.jobs.cancel(handle), under.jobs.cancel(handle)]);
    await under.jobs.cancel(handle);
    const status = await untilEnded(under.jobs, handle);
    expect(status.exit?.cause).toBe('CANCELLED');
    await under.jobs.cancel(handle);
    expect(await under.jobs.inspect(handle)).toEqual(status);
  });

  test('cancel of a job that was just submitted ends it', async () => {
    const under = opened();
    const handle = await submit(under.jobs, job(under.shell('sleep 30')));
    await under.jobs.cancel(handle);
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
  });

  test('cancelling a job that ended changes nothing', async () => {
    const under = opened();
    const { handle } = await endOf(under, 'exit 5');
    const before = await under.jobs.inspect(handle);
    await under.jobs.cancel(handle);
    expect(await under.jobs.inspect(handle)).toEqual(before);
  });

  test('a cancel that races with the end leaves one end, the same for everybody', async () => {
    const under = opened();
    const other = await under.again();
    const jobs = other.jobs;
    if (jobs === null) throw new Error('the other instance runs no jobs');
    try {
      const ends = [0, 80, 160, 240].map(async (delayMs) => {
        const handle = await submit(under.jobs, job(under.shell('sleep 0.1; exit 0')));
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await Promise.all([under.jobs.cancel(handle), jobs.cancel(handle)]);
        const end = await untilEnded(under.jobs, handle);
        expect(['EXITED', 'CANCELLED']).toContain(end.exit?.cause);
        expect(await jobs.inspect(handle)).toEqual(end);
        await jobs.cancel(handle);
        expect(await under.jobs.inspect(handle)).toEqual(end);
      });
      await Promise.all(ends);
    } finally {
      await other.close();
    }
  });
}

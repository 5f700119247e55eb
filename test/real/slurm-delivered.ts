import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import type { SlurmSite } from '../contract/backend/slurm-under-test.ts';
import { openWithLauncher } from '../contract/backend/slurm-under-test.ts';
import {
  job,
  kindOf,
  nativeText,
  newKey,
  printed,
  submit,
  textOf,
  untilEnded,
  untilPrinted,
} from '../contract/backend/under-test.ts';
import { eventually } from './slurm-bad-days.ts';
import { RealSlurm } from './slurm.ts';

const patience = 90_000;

/** A real Slurm whose nodes share no folder with us. */
export function slurmDelivers(
  name: string,
  started: () => RealSlurm,
  site: (slurm: RealSlurm) => SlurmSite,
): void {
  jobRunnerContract({
    name: `${name}, files by the launcher`,
    create: () => openWithLauncher(site(started()), {}, `${started().folder}/shared`),
  });

  describe(`bad days of ${name}, files by the launcher`, { timeout: patience }, () => {
    let slurm: RealSlurm;
    let under: Awaited<ReturnType<typeof openWithLauncher>>;
    beforeAll(async () => {
      slurm = await RealSlurm.start();
      under = await openWithLauncher(site(slurm), {}, `${slurm.folder}/shared`);
    }, patience);
    afterAll(async () => {
      try {
        await under.destroy();
      } finally {
        await slurm.stop();
      }
    }, patience);

    test('a submit that the controller took after we had given up is not run twice', async () => {
      const other = await under.again({ timeoutSeconds: 1 });
      const { jobs } = other;
      if (jobs === null) throw new Error('no jobs');
      const key = newKey();
      const workload = job(under.shell('echo start; sleep 3; echo 1 > out/one'));
      slurm.signalController('SIGSTOP');
      const kind = await kindOf(() => submit(jobs, workload, key)).finally(() =>
        slurm.signalController('SIGCONT'),
      );
      expect(kind).toBe('Unavailable');
      const handle = await eventually(() => submit(jobs, workload, key).catch(() => null));
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 0 });
      await eventually(async () => (await slurm.command('squeue', '--noheader')) === '');
      expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['start']);
      await other.close();
    });

    test('the same job a second time finds the work taken, and does nothing', async () => {
      const script = 'echo start; while [ ! -e out/go ]; do sleep 0.1; done; exit 3';
      const workload = job(under.shell(`(sleep 8; touch out/go) & ${script}`), {
        secrets: { WORD: `s3cret-${process.pid}` },
      });
      const handle = await submit(under.jobs, workload);
      await untilPrinted(under.jobs, handle, 'start');
      const id = nativeText(handle, 'id');
      const text = await slurm.command('scontrol', 'write', 'batch_script', id, '-');
      expect(text).toContain('FATHOM_DELIVERY_TOKEN=');
      expect(text).not.toContain(`s3cret-${process.pid}`);
      expect(text).not.toContain('echo start');
      const file = `${slurm.folder}/shared/again.sh`;
      await slurm.command('scontrol', 'write', 'batch_script', id, file);
      await slurm.command('sbatch', '--export=NIL', '--mem=200M', '--output=/dev/null', file);
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 3 });
      await eventually(async () => (await slurm.command('squeue', '--noheader')) === '');
      expect((await printed(under.jobs, handle)).map(({ text: line }) => line)).toEqual(['start']);
    });

    test('an end while we and the controller are away is told when we are back', async () => {
      const handle = await submit(
        under.jobs,
        job(under.shell('echo up; sleep 4; echo made > out/made; exit 7')),
      );
      await untilPrinted(under.jobs, handle, 'up');
      await slurm.stopController();
      await under.dock.cutOff();
      await sleep(5000);
      await under.dock.serve();
      const exit = await eventually(async () => (await under.jobs.inspect(handle)).exit);
      expect(exit).toMatchObject({ cause: 'EXITED', code: 7 });
      expect(await textOf(await under.jobs.outputs(handle), 'made')).toBe('made\n');
      await slurm.startController();
    });

    test('who is cancelled by the site’s people is cancelled', async () => {
      const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
      await untilPrinted(under.jobs, handle, 'up');
      await slurm.command('scancel', nativeText(handle, 'id'));
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
    });
  });
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import type { Handle, JobWorkload } from '../../backends/contract/workload.ts';
import { signToken } from '../../backends/slurm/rest/token.ts';
import type { SlurmSite, SlurmUnderTest } from '../contract/backend/slurm-under-test.ts';
import { openSlurm } from '../contract/backend/slurm-under-test.ts';
import {
  job,
  kindOf,
  newKey,
  printed,
  submit,
  textOf,
  untilEnded,
  untilJob,
  untilPrinted,
} from '../contract/backend/under-test.ts';
import { byRest } from './slurm-transports.ts';
import { RealSlurm } from './slurm.ts';

const patience = 90_000;

/** What only a real Slurm can do to us. */
export function slurmBadDays(name: string, site: (slurm: RealSlurm) => SlurmSite): void {
  describe(`bad days of ${name}`, { timeout: patience }, () => {
    let slurm: RealSlurm;
    let under: SlurmUnderTest;
    beforeAll(async () => {
      slurm = await RealSlurm.start();
      under = await openSlurm(site(slurm), {}, `${slurm.folder}/shared`);
    }, patience);
    afterAll(async () => {
      try {
        await under.destroy();
      } finally {
        await slurm.stop();
      }
    }, patience);

    const sized = (script: string, more: object = {}): JobWorkload =>
      job(under.shell(script), {
        resources: { cpus: 1, memoryMiB: 100, gpus: null, timeLimitSeconds: 120, ...more },
      });

    test('a job that ends while the controller is down is known by its evidence, others go on', async () => {
      const short = await submit(under.jobs, sized('sleep 1; exit 7'));
      const long = await submit(under.jobs, sized('echo up; sleep 60'));
      await untilPrinted(under.jobs, long, 'up');
      await untilJob(under.jobs, short, ({ phase }) => phase === 'RUNNING');
      await slurm.stopController();
      expect(await kindOf(() => under.jobs.inspect(long))).toBe('Unavailable');
      expect((await under.backend.health()).reachable).toBe(false);
      const key = newKey();
      expect(await kindOf(() => submit(under.jobs, sized('echo late'), key))).toBe('Unavailable');
      await sleep(1500);
      expect((await under.jobs.inspect(short)).exit).toMatchObject({ cause: 'EXITED', code: 7 });
      await slurm.startController();
      await eventually(async () => (await under.jobs.inspect(long)).phase === 'RUNNING');
      await under.jobs.cancel(long);
      expect((await untilEnded(under.jobs, long)).exit?.cause).toBe('CANCELLED');
      const late = await submit(under.jobs, sized('echo late'), key);
      expect((await untilEnded(under.jobs, late)).exit?.code).toBe(0);
    });

    test('a submit that the controller took after we had given up is not run twice', async () => {
      const other = await under.again({ timeoutSeconds: 1 });
      const { jobs } = other;
      if (jobs === null) throw new Error('no jobs');
      const key = newKey();
      const workload = sized('echo start; sleep 1');
      slurm.signalController('SIGSTOP');
      const kind = await kindOf(() => submit(jobs, workload, key)).finally(() =>
        slurm.signalController('SIGCONT'),
      );
      expect(kind).toBe('Unavailable');
      const handle = await eventually(() => submit(jobs, workload, key).catch(() => null));
      const native = await untilEnded(under.jobs, handle);
      expect(native.exit).toMatchObject({ cause: 'EXITED', code: 0 });
      await sleep(1500);
      expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['start']);
      await other.close();
    });

    test('a cancel that races with the end leaves one end', async () => {
      const other = await under.again();
      await Promise.all(
        [0, 300, 600, 900].map(async (delayMs) => {
          const handle = await submit(under.jobs, sized('sleep 0.3; exit 0'));
          await sleep(delayMs);
          await under.jobs.cancel(handle);
          const here = await untilEnded(under.jobs, handle);
          expect(['EXITED', 'CANCELLED']).toContain(here.exit?.cause);
          expect(await other.jobs?.inspect(handle)).toEqual(here);
        }),
      );
      await other.close();
    });

    test('a node that fails ends its job as UNKNOWN, and it does not run again', async () => {
      const handle = await submit(under.jobs, sized('echo up; sleep 60'));
      await untilPrinted(under.jobs, handle, 'up');
      const where = await slurm.command('squeue', '-h', '-j', idOf(handle), '-o', '%N');
      const node = `nodename=${where.trim()}`;
      await slurm.command('scontrol', 'update', node, 'state=down', 'reason=test');
      const { exit } = await untilEnded(under.jobs, handle);
      // It comes back by itself unless it was slow.
      await slurm.command('scontrol', 'update', node, 'state=resume').catch(() => '');
      await eventually(async () => (await slurm.command('sinfo', '-h', '-o', '%t')) === 'idle\n');
      expect(exit?.cause).toBe('UNKNOWN');
      expect(exit?.message).toContain('NODE_FAIL');
      const starts = (await printed(under.jobs, handle)).filter(({ text }) => text === 'up');
      expect(starts).toHaveLength(1);
    });

    test('a held job says so', async () => {
      const full = await submit(under.jobs, sized('echo up; sleep 60', { cpus: 4, nodes: 2 }));
      await untilPrinted(under.jobs, full, 'up');
      const held = await submit(under.jobs, sized('exit 0'));
      await slurm.command('scontrol', 'hold', idOf(held));
      expect((await under.jobs.inspect(held)).waiting).toMatchObject({
        code: 'HELD',
        raw: expect.stringMatching(/^JobHeld/) as string,
      });
      await under.backend.release(full);
      await slurm.command('scontrol', 'release', idOf(held));
      expect((await untilEnded(under.jobs, held)).exit?.code).toBe(0);
    });

    test('GPUs are those asked for, by count and model, and nobody else sees one', async () => {
      const script = 'echo "[$CUDA_VISIBLE_DEVICES]"';
      const gpus = { count: 2, model: 'toy gpu', memoryMiB: 1000 };
      const both = await submit(under.jobs, sized(script, { gpus }));
      const none = await submit(under.jobs, sized(script));
      expect(await slurm.command('scontrol', 'show', 'job', idOf(both))).toContain('gpu:toy:2');
      for (const handle of [both, none]) await untilEnded(under.jobs, handle);
      expect((await printed(under.jobs, both))[0]?.text).toBe('[0,1]');
      expect((await printed(under.jobs, none))[0]?.text).toBe('[]');
      expect((await under.backend.health()).capacity?.gpus).toHaveLength(4);
      const other = { count: 1, model: 'another', memoryMiB: null };
      expect(await kindOf(() => submit(under.jobs, sized(script, { gpus: other })))).toBe(
        'Unsupported',
      );
      const many = { count: 9, model: null, memoryMiB: null };
      expect(await kindOf(() => submit(under.jobs, sized(script, { gpus: many })))).toBe(
        'Rejected',
      );
    });

    test('a partition that is not there is Rejected, and the key stays free', async () => {
      const other = await under.again({ partition: 'nowhere' });
      const { jobs } = other;
      if (jobs === null) throw new Error('no jobs');
      const key = newKey();
      expect(await kindOf(() => submit(jobs, sized('exit 0'), key))).toBe('Rejected');
      await other.close();
      const handle = await submit(under.jobs, sized('echo 1 > out/one'), key);
      await untilEnded(under.jobs, handle);
      expect(await textOf(await under.jobs.outputs(handle), 'one')).toBe('1\n');
    });

    test('a token that expires or is forged is never a lost job', async () => {
      const handle = await submit(under.jobs, sized('sleep 5'));
      const iat = Math.floor(Date.now() / 1000);
      const key = readFileSync(slurm.keyFile);
      const good = signToken(key, { iat, exp: iat + 3, sun: 'root' });
      const forged = signToken(Buffer.from('wrong'), { iat, exp: iat + 600, sun: 'root' });
      const withToken = async (token: string): Promise<SlurmUnderTest['backend']> => {
        const { transport } = byRest(slurm);
        return under.again({ transport: { ...transport, credentials: { token } } });
      };
      const [first, second] = [await withToken(good), await withToken(forged)];
      expect((await first.jobs?.inspect(handle))?.phase).not.toBe('ENDED');
      await sleep(3100);
      await expect(first.jobs?.inspect(handle)).rejects.toMatchObject({ kind: 'Unauthorized' });
      expect(await kindOf(async () => second.jobs?.inspect(handle))).toMatch(/Una/);
      expect((await second.health()).reachable).toBe(false);
      for (const one of [first, second]) await one.close();
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
    });

    test('slurmrestd at a socket is as good as at a port', async () => {
      const { transport } = byRest(slurm, slurm.restSocket);
      const other = await under.again({ transport });
      const { jobs } = other;
      if (jobs === null) throw new Error('no jobs');
      const handle = await submit(jobs, sized('exit 5'));
      expect((await untilEnded(jobs, handle)).exit?.code).toBe(5);
      await other.close();
    });

    // The last one: the cluster is not the same afterwards.
    test('after the controller lost its state, jobs are NotFound with evidence and nobody else’s', async () => {
      const full = await submit(under.jobs, sized('echo up; sleep 60', { cpus: 4, nodes: 2 }));
      await untilPrinted(under.jobs, full, 'up');
      const waiting = await submit(under.jobs, sized('exit 0', { cpus: 4 }));
      const isQueued = async (): Promise<boolean> =>
        (await under.jobs.inspect(waiting)).waiting?.code === 'RESOURCES_BUSY';
      await eventually(isQueued);
      await slurm.loseState();
      await eventually(async () => (await under.backend.health()).reachable);
      // Numbers begin anew: one of these has that of a job of ours.
      const others = await Promise.all(
        Array.from({ length: 3 }, () =>
          slurm.command('sbatch', '--wrap=sleep 3', '--output=/dev/null'),
        ),
      );
      expect(others.join()).toContain('job 1\n');
      await eventually(async () => (await endOf(under, waiting)) === 'NotFound');
      await expect(under.jobs.inspect(waiting)).rejects.toThrow('its folder holds no end');
      await under.jobs.cancel(waiting);
      expect(['NotFound', 'ENDED', 'RUNNING']).toContain(await endOf(under, full));
      expect(await slurm.command('squeue', '-h', '-t', 'all', '-o', '%T')).not.toContain(
        'CANCELLED',
      );
    });
  });
}

/** The kind of error, or the phase. */
async function endOf(under: SlurmUnderTest, handle: Handle): Promise<string> {
  try {
    return (await under.jobs.inspect(handle)).phase;
  } catch (error) {
    return kindOf(() => Promise.reject(error));
  }
}

export async function eventually<T>(work: () => Promise<T>): Promise<Exclude<T, null | false>> {
  const limit = performance.now() + 40_000;
  for (;;) {
    const found = await work().catch(() => null);
    if (found !== null && found !== false) return found as Exclude<T, null | false>;
    if (performance.now() > limit) throw new Error('it never came to that');
    await sleep(200);
  }
}

function idOf(handle: Handle): string {
  const { id } = handle.native;
  if (typeof id !== 'string') throw new Error('no id');
  return id;
}

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobRunner } from '../../../backends/contract/job-runner.ts';
import type { Handle, Program } from '../../../backends/contract/workload.ts';
import type { FakeSite } from '../../fakes/slurm/site.ts';
import { fakeCommands, fakeRest } from '../../fakes/slurm/site.ts';
import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import type { SlurmUnderTest } from './slurm-under-test.ts';
import { openSlurm } from './slurm-under-test.ts';
import {
  job,
  kindOf,
  newKey,
  printed,
  submit,
  textOf,
  untilEnded,
  untilJob,
} from './under-test.ts';

const quick = { visibilitySeconds: 0.2, pollMs: 50, timeoutSeconds: 20 };

interface Transport {
  readonly name: string;
  readonly submitting: string;
  readonly looking: string;
  open(): Promise<FakeSite>;
}

const transports: readonly Transport[] = [
  {
    name: 'commands',
    submitting: 'sbatch',
    looking: 'squeue',
    open: () => Promise.resolve(fakeCommands()),
  },
  { name: 'slurmrestd', submitting: 'submit', looking: 'job', open: () => fakeRest(legacy) },
];

function shell(script: string): Program {
  return { kind: 'COMMAND', argv: ['/bin/sh', '-c', script], image: null };
}

/** Goes on to `then` when `openGate` says so. */
function gated(then: string, first = 'true'): Program {
  return shell(`${first}; while [ ! -e go ]; do sleep 0.05; done; ${then}`);
}

const opened: SlurmUnderTest[] = [];
afterEach(async () => {
  for (const under of opened.splice(0)) await under.destroy();
});

async function open<S extends FakeSite>(
  site: S,
  settings: object = {},
): Promise<SlurmUnderTest & { readonly site: S; readonly cluster: S['cluster'] }> {
  const under = await openSlurm(site, { ...quick, ...settings });
  opened.push(under);
  return { ...under, site, cluster: site.cluster };
}

/** A job that has not ended, so that Slurm must be asked. */
async function submitted(jobs: JobRunner): Promise<Handle> {
  return submit(jobs, job(shell('sleep 1')));
}

function openGate({ sharedFolder }: SlurmUnderTest, { native }: Handle): void {
  const { name } = native;
  if (typeof name !== 'string') throw new Error('no name');
  writeFileSync(join(sharedFolder, 'jobs', name, 'work/go'), '');
}

/** Waits until `isSo`; never for ever. */
async function until(isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo(); waited += 20) {
    if (waited > 10_000) throw new Error('it never came to that');
    await sleep(20);
  }
}

for (const transport of transports) {
  describe(`bad days of slurm by ${transport.name}`, { timeout: 90_000 }, () => {
    test('a job whose reply was lost is adopted, not submitted again', async () => {
      const { jobs, cluster } = await open(await transport.open());
      const key = newKey();
      const workload = job(shell('echo once'));
      cluster.plant(transport.submitting, 'reply-lost');
      expect(await kindOf(() => submit(jobs, workload, key))).toBe('Unavailable');
      const handle = await submit(jobs, workload, key);
      expect((await untilEnded(jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 0 });
      expect(cluster.list()).toHaveLength(1);
      expect(handle.native['id']).toBe('1');
    });

    test('processes that submit the same key at once end with one job', async () => {
      const { jobs, cluster, submitAgain } = await open(await transport.open());
      const key = newKey();
      const workload = job(shell('echo once'));
      cluster.plant(transport.submitting, 'slow', 3);
      const handles = await Promise.all([
        submitAgain(workload, key),
        submitAgain(workload, key),
        submit(jobs, workload, key),
      ]);
      expect(handles[0]).toEqual(handles[2]);
      expect(handles[1]).toEqual(handles[2]);
      expect(cluster.list()).toHaveLength(1);
    });

    test('a job that Slurm took late does nothing beside the one that runs', async () => {
      const under = await open(await transport.open());
      const { jobs, cluster } = under;
      cluster.holdNewJobs();
      const handle = await submit(jobs, job(gated('exit 0', 'echo once')));
      const [first] = cluster.list();
      if (first === undefined) throw new Error('there is no job');
      const late = cluster.submit(first);
      cluster.start(late);
      await until(() => cluster.list().some(({ id, state }) => id === late && state === 'RUNNING'));
      await untilJob(jobs, handle, ({ phase }) => phase === 'RUNNING');
      cluster.start(first.id);
      await until(() => cluster.list().some(({ id, end }) => id === first.id && end > 0));
      openGate(under, handle);
      const { exit } = await untilEnded(jobs, handle);
      expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
      expect((await printed(jobs, handle)).map(({ text }) => text)).toEqual(['once']);
      await until(() => cluster.list().every(({ end }) => end > 0));
      expect(cluster.list().map(({ exitCode }) => exitCode)).toEqual([75, 0]);
    });

    test('while Slurm is down looks fail as Unavailable, and the job goes on', async () => {
      const under = await open(await transport.open());
      const { jobs, cluster, backend } = under;
      const handle = await submit(jobs, job(gated('exit 3')));
      await untilJob(jobs, handle, ({ phase }) => phase === 'RUNNING');
      cluster.plant(transport.looking, 'down');
      const looks = Array.from({ length: 20 }, () => kindOf(() => jobs.inspect(handle)));
      expect(new Set(await Promise.all(looks))).toEqual(new Set(['Unavailable']));
      expect(await kindOf(() => jobs.inspect(handle))).toBe('Unavailable');
      const isReachable = async (): Promise<boolean> => (await backend.health()).reachable;
      await expect.poll(isReachable, { timeout: 40_000 }).toBe(true);
      await sleep(550);
      openGate(under, handle);
      expect((await untilEnded(jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 3 });
    });

    test('a submit that Slurm refuses for now keeps its folder and is finished later', async () => {
      const { jobs, cluster, sharedFolder } = await open(await transport.open());
      const key = newKey();
      cluster.plant(transport.submitting, 'down');
      const workload = job(shell('exit 6'));
      expect(await kindOf(() => submit(jobs, workload, key))).toBe('Unavailable');
      expect(readdirSync(join(sharedFolder, 'jobs'))).toHaveLength(1);
      const handle = await submit(jobs, workload, key);
      expect((await untilEnded(jobs, handle)).exit?.code).toBe(6);
      expect(cluster.list()).toHaveLength(1);
    });

    test('a job that Slurm forgot is known by the evidence in its folder', async () => {
      const { jobs, cluster } = await open(await transport.open());
      const handle = await submit(jobs, job(shell('kill -SEGV $$')));
      await until(() => cluster.list()[0]?.state === 'FAILED');
      cluster.forget(1);
      const { exit } = await untilEnded(jobs, handle);
      expect(exit).toMatchObject({ cause: 'SIGNALLED', signal: 'SIGSEGV' });
    });

    test('a running job that Slurm forgot is running as long as its supervisor says so', async () => {
      const under = await open(await transport.open());
      const { jobs, cluster } = under;
      const handle = await submit(jobs, job(gated('exit 2')));
      await untilJob(jobs, handle, ({ phase }) => phase === 'RUNNING');
      cluster.forget(1);
      await sleep(300);
      expect(await jobs.inspect(handle)).toMatchObject({ phase: 'RUNNING' });
      openGate(under, handle);
      expect((await untilEnded(jobs, handle)).exit?.code).toBe(2);
    });

    test('a job that vanished is NotFound with evidence, never a success', async () => {
      const { jobs, cluster } = await open(await transport.open());
      cluster.holdNewJobs();
      const handle = await submit(jobs, job(shell('exit 0')));
      expect(await jobs.inspect(handle)).toMatchObject({
        phase: 'PENDING',
        waiting: { code: 'RESOURCES_BUSY', raw: 'Resources' },
      });
      cluster.forget(1);
      await jobs.inspect(handle);
      await sleep(250);
      await expect(jobs.inspect(handle)).rejects.toMatchObject({
        kind: 'NotFound',
        message: expect.stringContaining('its folder holds no end') as string,
      });
    });

    test('the accounting remembers what Slurm forgot', async () => {
      const { jobs, cluster } = await open(await transport.open());
      cluster.holdNewJobs();
      cluster.keepAccounts();
      const handle = await submit(jobs, job(shell('exit 0')));
      cluster.override(1, { state: 'TIMEOUT', reason: 'TimeLimit' });
      cluster.forget(1);
      expect((await untilEnded(jobs, handle)).exit?.cause).toBe('TIME_LIMIT');
    });

    test.for([
      ['COMPLETED', 'NOT_STARTED'],
      ['FAILED', 'NOT_STARTED'],
      ['NODE_FAIL', 'UNKNOWN'],
      ['PREEMPTED', 'UNKNOWN'],
      ['OUT_OF_MEMORY', 'OUT_OF_MEMORY'],
      ['DEADLINE', 'TIME_LIMIT'],
      ['CANCELLED', 'CANCELLED'],
    ] as const)('%s without a record of the end is %s', async ([state, cause]) => {
      const { jobs, cluster } = await open(await transport.open());
      cluster.holdNewJobs();
      const handle = await submit(jobs, job(shell('exit 0')));
      cluster.override(1, { state });
      const { exit, native } = await untilEnded(jobs, handle);
      expect(exit).toMatchObject({ cause, code: null });
      expect(native).toContain(state);
    });

    test('states and reasons that are not known are told as they are', async () => {
      const { jobs, cluster } = await open(await transport.open());
      cluster.holdNewJobs();
      const handle = await submit(jobs, job(shell('exit 0')));
      cluster.override(1, { state: 'ENTANGLED' });
      expect(await jobs.inspect(handle)).toMatchObject({ phase: 'UNKNOWN', exit: null });
      expect((await jobs.inspect(handle)).native).toContain('ENTANGLED');
      cluster.override(1, { state: 'PENDING', reason: 'FullMoon' });
      const { phase, waiting } = await jobs.inspect(handle);
      expect({ phase, waiting }).toMatchObject({
        phase: 'PENDING',
        waiting: { code: 'UNKNOWN', raw: 'FullMoon' },
      });
      cluster.override(1, { state: 'PENDING', reason: 'AssocGrpGRES' });
      expect((await jobs.inspect(handle)).waiting?.code).toBe('QUOTA');
    });

    test('a cancel that races with the end leaves one end, the same for everybody', async () => {
      const { jobs, again } = await open(await transport.open());
      const other = await again();
      const race = async (delayMs: number): Promise<void> => {
        const handle = await submit(jobs, job(shell('sleep 0.2; exit 0')));
        await untilJob(jobs, handle, ({ phase }) => phase !== 'PENDING');
        await sleep(delayMs);
        await jobs.cancel(handle);
        const here = await untilEnded(jobs, handle);
        expect(['EXITED', 'CANCELLED']).toContain(here.exit?.cause);
        expect(await other.jobs?.inspect(handle)).toEqual(here);
        await jobs.cancel(handle);
        expect(await jobs.inspect(handle)).toEqual(here);
      };
      await Promise.all([0, 100, 170, 200, 230, 400].map(race));
      await other.close();
    });

    test('a cancel reaches a running job through its folder when Slurm cannot be told', async () => {
      const { jobs, cluster } = await open(await transport.open());
      const handle = await submit(jobs, job(shell('sleep 30')));
      await untilJob(jobs, handle, ({ phase }) => phase === 'RUNNING');
      cluster.plant(transport.looking, 'down');
      expect(await kindOf(() => jobs.cancel(handle))).toBe('Unavailable');
      expect((await untilEnded(jobs, handle)).exit?.cause).toBe('CANCELLED');
    });
  });
}

describe('bad days of slurm', { timeout: 60_000 }, () => {
  test('through ssh every word arrives, and a login that is refused is Unauthorized', async () => {
    const site = fakeCommands();
    const ssh = { host: 'login', command: join(site.commandFolder, 'ssh') };
    const { jobs, again } = await open(site, { transport: { ...site.transport, ssh } });
    const handle = await submit(jobs, job(shell('echo "$0"; exit 4')));
    expect((await untilEnded(jobs, handle)).exit?.code).toBe(4);
    const refused = { host: 'login', command: join(site.commandFolder, 'ssh-refused') };
    const other = await again({ transport: { ...site.transport, ssh: refused } });
    expect(await kindOf(async () => other.jobs?.inspect(await submitted(jobs)))).toBe(
      'Unauthorized',
    );
    expect((await other.health()).message).toContain('Permission denied');
    await other.close();
  });

  test('what the site refuses for good is Rejected, and nothing is kept', async () => {
    const { jobs, cluster, sharedFolder } = await open(fakeCommands());
    for (const [fault, kind] of [
      ['no-partition', 'Rejected'],
      ['no-such-node', 'Rejected'],
      ['limit', 'NoCapacity'],
      ['denied', 'Unauthorized'],
      ['rate-limited', 'RateLimited'],
    ] as const) {
      cluster.plant('sbatch', fault);
      const before = readdirSync(join(sharedFolder, 'jobs')).length;
      expect({ fault, kind: await kindOf(() => submit(jobs, job(shell('exit 0')))) }).toEqual({
        fault,
        kind,
      });
      const kept = readdirSync(join(sharedFolder, 'jobs')).length - before;
      expect(kept).toBe(kind === 'Rejected' ? 0 : 1);
    }
    expect(cluster.list()).toEqual([]);
  });

  test('a command that hangs is given up', async () => {
    const { jobs, cluster } = await open(fakeCommands(), { timeoutSeconds: 0.3 });
    const key = newKey();
    cluster.plant('sbatch', 'hang');
    expect(await kindOf(() => submit(jobs, job(shell('exit 0')), key))).toBe('Unavailable');
  });

  test('pages of a proxy, limits and silence of a server are told apart', async () => {
    const { jobs, cluster } = await open(await fakeRest(modern));
    const handle = await submit(jobs, job(shell('exit 0')));
    for (const [fault, kind] of [
      ['html', 'Unavailable'],
      ['partition', 'Unavailable'],
      ['rate-limited', 'RateLimited'],
    ] as const) {
      cluster.plant('submit', fault);
      const refused = submit(jobs, job(shell('exit 0')));
      await expect(refused).rejects.toMatchObject({
        kind,
        retryAfterMs: fault === 'rate-limited' ? 7000 : null,
      });
    }
    expect((await untilEnded(jobs, handle)).exit?.code).toBe(0);
  });

  test('an expired token is one clear reason, and the server is not asked', async () => {
    const site = await fakeRest(legacy);
    const { again, jobs } = await open(site);
    const handle = await submit(jobs, job(shell('sleep 0.1')));
    const claims = Buffer.from(JSON.stringify({ exp: 1_600_000_000, sun: 'alice' }));
    const token = `e30.${claims.toString('base64url')}.c2ln`;
    const transport = { kind: 'rest', url: site.url, user: 'alice', credentials: { token } };
    const other = await again({ transport });
    const before = site.server.requests.length;
    for (let look = 0; look < 5; look++) {
      await expect(other.jobs?.inspect(handle)).rejects.toMatchObject({
        kind: 'Unauthorized',
        message: expect.stringContaining('expired') as string,
      });
    }
    expect((await other.health()).reachable).toBe(false);
    expect(site.server.requests).toHaveLength(before);
    await other.close();
    await untilEnded(jobs, handle);
  });

  test.for([
    ['v0.0.38', legacy, 'Unavailable'],
    ['v0.0.42', modern, 'Unauthorized'],
  ] as const)('a forged token is no lost job in %s', async ([, shapes, kind]) => {
    const site = await fakeRest(shapes);
    const { again, jobs } = await open(site);
    const handle = await submit(jobs, job(shell('sleep 0.2; exit 1')));
    const claims = Buffer.from(JSON.stringify({ exp: 4_000_000_000, sun: 'alice' }));
    const credentials = { token: `e30.${claims.toString('base64url')}.c2ln` };
    const transport = { kind: 'rest', url: site.url, user: 'alice', credentials };
    const other = await again({ transport });
    expect(await kindOf(async () => other.jobs?.inspect(handle))).toBe(kind);
    await other.close();
    expect((await untilEnded(jobs, handle)).exit?.code).toBe(1);
  });

  test('a job that Slurm would run without a field of ours is cancelled and refused', async () => {
    const { jobs, cluster } = await open(await fakeRest(modern));
    cluster.plant('submit', 'field-ignored');
    expect(await kindOf(() => submit(jobs, job(shell('sleep 5'))))).toBe('Rejected');
    await until(() => cluster.list()[0]?.state === 'CANCELLED');
    expect(cluster.list()).toHaveLength(1);
  });

  test('many looks at many jobs are few questions', async () => {
    const site = await fakeRest(legacy);
    const { jobs, cluster } = await open(site, { pollMs: 200 });
    cluster.holdNewJobs();
    const submissions = Array.from({ length: 30 }, () => submit(jobs, job(shell('exit 0'))));
    const handles: readonly Handle[] = await Promise.all(submissions);
    const before = site.server.requests.length;
    for (let round = 0; round < 3; round++) {
      await Promise.all(handles.map((handle) => jobs.inspect(handle)));
    }
    const asked = site.server.requests.slice(before);
    expect(asked).toEqual(Array.from({ length: 3 }, () => 'GET /slurm/v0.0.38/jobs'));
  });

  test(
    'a process that is killed at any line while it submits leaves one job or none',
    { timeout: 600_000 },
    async () => {
      const site = await fakeRest(legacy);
      const { jobs, submitAgain } = await open(site);
      const workload = job(shell('echo start >> out/starts'), { secrets: { A: 'b' } });
      const crashes = new Map<string, number>();
      let isOver = false;
      const worker = async (first: number): Promise<void> => {
        for (let step = first; !isOver && step < 100; step += 2) {
          const key = newKey();
          const handle = await submitAgain(workload, key, step);
          crashes.set(key, step);
          if (handle !== null) isOver = true;
        }
      };
      await Promise.all([worker(1), worker(2)]);
      expect(crashes.size).toBeGreaterThan(15);
      await Promise.all(
        [...crashes.keys()].map(async (key) => {
          const handle = await submit(jobs, workload, key);
          expect((await untilEnded(jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 0 });
          expect(await textOf(await jobs.outputs(handle), 'starts')).toBe('start\n');
        }),
      );
      expect(site.cluster.list()).toHaveLength(crashes.size);
    },
  );
});

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Program } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import type { FakeRest, FakeSite } from '../../fakes/slurm/site.ts';
import { fakeCommands, fakeRest } from '../../fakes/slurm/site.ts';
import { localSurroundings } from './local-surroundings.ts';
import { openWithLauncher } from './slurm-under-test.ts';
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
} from './under-test.ts';

const quick = { visibilitySeconds: 0.2, pollMs: 50, timeoutSeconds: 20 };

const transports = [
  { name: 'commands', submitting: 'sbatch', open: () => Promise.resolve(fakeCommands()) },
  { name: 'slurmrestd v0.0.38', submitting: 'submit', open: () => fakeRest(legacy) },
  { name: 'slurmrestd v0.0.42', submitting: 'submit', open: () => fakeRest(modern) },
] as const;

type Opened = Awaited<ReturnType<typeof openWithLauncher>>;
const opened: Opened[] = [];
afterEach(async () => {
  for (const under of opened.splice(0)) await under.destroy();
});

async function open<S extends FakeSite>(
  site: S,
  settings: object = {},
): Promise<Opened & { readonly site: S; readonly cluster: S['cluster'] }> {
  const under = await openWithLauncher(site, { ...quick, ...settings });
  opened.push(under);
  return { ...under, site, cluster: site.cluster };
}

/** The work folders that are left on the nodes. */
function leftOnNodes({ sharedFolder }: Opened): readonly string[] {
  const room = join(sharedFolder, '..', "room on no'des");
  return readdirSync(room).map((name) => join(room, name));
}

/** A program that goes on to `then` when `openGate` says so. */
function gated(under: Opened, then: string): Program {
  return under.shell(`echo up; while [ ! -e go ]; do sleep 0.05; done; ${then}`);
}

function openGate(under: Opened): void {
  for (const work of leftOnNodes(under)) writeFileSync(join(work, 'go'), '');
}

for (const transport of transports) {
  describe(`slurm by ${transport.name}, no folder shared`, { timeout: 60_000 }, () => {
    test('a job that Slurm took twice runs its work once', async () => {
      const under = await open(await transport.open());
      const handle = await submit(under.jobs, job(gated(under, 'exit 3')));
      await untilPrinted(under.jobs, handle, 'up');
      const [first] = under.cluster.list();
      if (first === undefined) throw new Error('there is no job');
      const late = under.cluster.submit(first);
      // The second one is there, and has to wait.
      await expect.poll(() => leftOnNodes(under), { timeout: 20_000 }).toHaveLength(2);
      openGate(under);
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 3 });
      const isOver = (): boolean => under.cluster.list().every(({ end }) => end > 0);
      await expect.poll(isOver, { timeout: 30_000 }).toBe(true);
      expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['up']);
      expect(under.cluster.list().map(({ id }) => id)).toContain(late);
      expect(leftOnNodes(under)).toEqual([]);
    });

    test('a job whose reply was lost is adopted, and its delivery is the one it had', async () => {
      const under = await open(await transport.open());
      const key = newKey();
      const workload = job(under.shell('echo once; exit 4'));
      under.cluster.plant(transport.submitting, 'reply-lost');
      expect(await kindOf(() => submit(under.jobs, workload, key))).toBe('Unavailable');
      const handle = await submit(under.jobs, workload, key);
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 4 });
      expect(under.cluster.list()).toHaveLength(1);
    });

    test('what Slurm keeps opens this delivery only while it lasts, and tells nothing else', async () => {
      const under = await open(await transport.open());
      const secrets = { WORD: `s3cret-${process.pid}` };
      const workload = job(under.shell('echo "$WORD" | tr a-z A-Z', 'an argument'), { secrets });
      const handle = await submit(under.jobs, workload);
      await untilEnded(under.jobs, handle);
      const lines = (await printed(under.jobs, handle)).map(({ text }) => text);
      expect(lines).toEqual([`S3CRET-${process.pid}`]);
      const script = under.cluster.list()[0]?.script ?? '';
      const asked = JSON.stringify(under.cluster.list()[0]?.asked);
      const url = /FATHOM_DELIVERY_URL=(\S+)/.exec(script)?.[1] ?? '';
      const token = /FATHOM_DELIVERY_TOKEN=(\S+)/.exec(script)?.[1] ?? '';
      expect(script).not.toContain(secrets.WORD);
      expect(script).not.toContain('an argument');
      const withoutScript = asked.replaceAll(JSON.stringify(script).slice(1, -1), '');
      expect(withoutScript).not.toContain(token);
      const headers = { authorization: `Bearer ${token}` };
      expect((await fetch(`${url}/manifest`, { headers })).status).toBe(200);
      await under.backend.release(handle);
      expect((await fetch(`${url}/manifest`, { headers })).status).toBe(401);
    });
  });
}

describe('slurm, no folder shared', { timeout: 60_000 }, () => {
  test('an end while nobody here listened is told when somebody does', async () => {
    const under = await open(await fakeRest(legacy));
    const program = gated(under, 'echo made > out/made; exit 5');
    const handle = await submit(under.jobs, job(program));
    await untilPrinted(under.jobs, handle, 'up');
    await under.dock.cutOff();
    await under.backend.close();
    openGate(under);
    const isOver = (): boolean =>
      leftOnNodes(under).every((work) => existsSync(join(work, '.fathom/exit.json')));
    await expect.poll(isOver, { timeout: 20_000 }).toBe(true);
    await under.dock.serve();
    const other = await under.again();
    const { jobs } = other;
    if (jobs === null) throw new Error('it runs no jobs');
    expect((await untilEnded(jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 5 });
    expect(await textOf(await jobs.outputs(handle), 'made')).toBe('made\n');
    await other.close();
  });

  test('results that cannot be brought stay on the node, and are no success', async () => {
    const under = await open(await fakeRest(legacy), { returnSeconds: 0 });
    const handle = await submit(under.jobs, job(gated(under, 'echo made > out/made')));
    await untilPrinted(under.jobs, handle, 'up');
    await under.dock.cutOff();
    openGate(under);
    const isOver = (): boolean => (under.cluster.list()[0]?.end ?? 0) > 0;
    await expect.poll(isOver, { timeout: 30_000 }).toBe(true);
    await under.dock.serve();
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null });
    const [left = ''] = leftOnNodes(under);
    expect(readdirSync(join(left, 'out'))).toEqual(['made']);
  });

  test('a node without the launcher says so', async () => {
    const under = await open(await fakeRest(modern), { launcher: ['/no/such/launcher'] });
    const handle = await submit(under.jobs, job(under.shell('exit 0')));
    const { exit, startedAt } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'NOT_STARTED', code: null });
    expect(exit?.message).toContain('launcher');
    expect(startedAt).toBeNull();
    expect(leftOnNodes(under)).toEqual([]);
  });

  test.for([
    ['OUT_OF_MEMORY', 'OUT_OF_MEMORY'],
    ['TIMEOUT', 'TIME_LIMIT'],
    ['PREEMPTED', 'UNKNOWN'],
    ['NODE_FAIL', 'UNKNOWN'],
    ['CANCELLED', 'CANCELLED'],
    ['FAILED', 'SIGNALLED'],
  ] as const)('a signal is explained by Slurm: %s is %s', async ([state, cause]) => {
    const under = await open(await fakeRest(legacy));
    const handle = await submit(under.jobs, job(gated(under, 'kill -9 $$')));
    await untilPrinted(under.jobs, handle, 'up');
    under.cluster.override(1, { state: 'RUNNING' });
    openGate(under);
    const isOver = (): boolean => (under.cluster.list()[0]?.end ?? 0) > 0;
    await expect.poll(isOver, { timeout: 20_000 }).toBe(true);
    under.cluster.override(1, { state });
    const { exit, native } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause, signal: 'SIGKILL' });
    expect(native).toContain(state);
  });

  test('a job that vanished is NotFound with evidence; one whose launcher is heard runs', async () => {
    const under = await open(await fakeRest(legacy));
    under.cluster.holdNewJobs();
    const never = await submit(under.jobs, job(under.shell('exit 0')));
    under.cluster.forget(1);
    const kind = (): Promise<unknown> =>
      under.jobs.inspect(never).then(
        ({ phase }) => phase,
        (error: { readonly kind?: unknown; readonly message?: string }) =>
          `${String(error.kind)}: ${error.message}`,
      );
    await expect.poll(kind, { timeout: 20_000 }).toMatch(/^NotFound: .*never heard of/);
    under.cluster.takeNewJobs();
    const handle = await submit(under.jobs, job(gated(under, 'exit 6')));
    await untilPrinted(under.jobs, handle, 'up');
    under.cluster.forget(2);
    await untilJob(under.jobs, handle, ({ native }) => native.includes('launcher is heard'));
    openGate(under);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(6);
  });

  test('where nobody serves launchers, and for several nodes, it is Unsupported', async () => {
    const under = await open(await fakeRest(legacy));
    expect(under.backend.capabilities).toMatchObject({ arrays: false, severalNodes: false });
    const settings = {
      transport: under.site.transport,
      launcher: ['launcher'],
      pollMs: 50,
    };
    const surroundings = localSurroundings(join(under.sharedFolder, 'other'), '/nonexistent', []);
    const other = await createBackend('slurm', 'hpc', settings, surroundings);
    const { jobs } = other;
    if (jobs === null) throw new Error('it runs no jobs');
    const key = newKey();
    expect(await kindOf(() => submit(jobs, job(under.shell('exit 0')), key))).toBe('Unsupported');
    expect(readdirSync(join(under.sharedFolder, 'other', 'jobs'))).toEqual([]);
    await other.close();
  });

  test('a program of ours under the name of its own file is Rejected', async () => {
    const under = await open(await fakeRest(legacy));
    const content = { kind: 'TEXT', text: '{}' } as const;
    for (const path of ['.fathom-program.json', '../x', 'a', 'a/b']) {
      const paths = path.startsWith('a') ? ['a', 'a/b'] : [path];
      const inputs = paths.map((one) => ({ path: one, content }));
      const workload = job(under.shell('exit 0'), { inputs });
      expect(await kindOf(() => submit(under.jobs, workload))).toBe('Rejected');
    }
    expect(under.cluster.list()).toEqual([]);
  });

  test(
    'a process that is killed at any line while it submits leaves one job or none',
    { timeout: 600_000 },
    async () => {
      const under = await open<FakeRest>(await fakeRest(legacy));
      const workload = job(under.shell('echo start >> out/starts'), { secrets: { A: 'b' } });
      const crashes = new Map<string, number>();
      let isOver = false;
      const worker = async (first: number): Promise<void> => {
        for (let step = first; !isOver && step < 200; step += 2) {
          const key = newKey();
          crashes.set(key, step);
          if ((await under.submitAgain(workload, key, step)) !== null) isOver = true;
        }
      };
      await Promise.all([worker(1), worker(2)]);
      expect(crashes.size).toBeGreaterThan(15);
      for (const key of crashes.keys()) {
        const handle = await submit(under.jobs, workload, key);
        expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 0 });
        expect(await textOf(await under.jobs.outputs(handle), 'starts')).toBe('start\n');
      }
      expect(under.cluster.list()).toHaveLength(crashes.size);
    },
  );
});

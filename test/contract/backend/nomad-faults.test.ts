import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { Fault } from '../../fakes/nomad/faults.ts';
import { nativePromises } from './nomad-native.contract.ts';
import type { NomadUnderTest } from './nomad-under-test.ts';
import { openNomad } from './nomad-under-test.ts';
import {
  job,
  kindOf,
  nativeText,
  newKey,
  printed,
  service,
  soon,
  submit,
  untilEnded,
  untilJob,
  untilPrinted,
} from './under-test.ts';

nativePromises({ name: 'nomad', create: (settings) => openNomad(settings) });

const open: NomadUnderTest[] = [];

async function cluster(...options: Parameters<typeof openNomad>): Promise<NomadUnderTest> {
  const under = await openNomad(...options);
  open.push(under);
  return under;
}

afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

const once = (kind: Fault['kind'], method = 'PUT', path = '/v1/jobs'): Fault => ({
  method,
  path,
  times: 1,
  kind,
});
const sent = (under: NomadUnderTest, start: string): number =>
  under.fake.requests.filter((request) => request.startsWith(start)).length;
const gate = 'echo up; while [ ! -e out/go ]; do sleep 0.02; done; exit 2';

describe('a submit', () => {
  test('whose reply is lost is found again and starts nothing twice', async () => {
    const under = await cluster();
    const key = newKey();
    const workload = job(under.shell('echo "$S" | wc -c; exit 3'), { secrets: { S: 'hidden' } });
    under.fake.faults.add(once({ is: 'REPLY_LOST' }));
    expect(await kindOf(() => submit(under.jobs, workload, key))).toBe('Unavailable');
    const handle = await submit(under.jobs, workload, key);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(3);
    expect(under.fake.state.jobs.size).toBe(1);
    expect(under.fake.state.allocations.size).toBe(1);
    expect(sent(under, 'PUT /v1/jobs')).toBe(1);
  });

  test('that races with another one finds the job of the faster one', async () => {
    const under = await cluster();
    const other = await under.again();
    const key = newKey();
    // The first look of both says that there is no job.
    under.fake.faults.add({
      ...once({ is: 'SLOW', milliseconds: 100 }, 'GET', '/v1/job/'),
      times: 2,
    });
    const workload = job(under.shell('exit 0'));
    const submits = [under.jobs, other.jobs].map((jobs) =>
      jobs === null ? Promise.reject(new Error('no jobs')) : submit(jobs, workload, key),
    );
    const [first, second] = await Promise.all(submits);
    expect(second).toEqual(first);
    expect(sent(under, 'PUT /v1/jobs')).toBe(2);
    expect(under.fake.state.jobs.size).toBe(1);
    await other.close();
  });

  test.each([
    [{ is: 'STATUS', code: 500, text: 'No cluster leader' }, 'Unavailable', null],
    [{ is: 'STATUS', code: 500, text: 'rpc error: i/o timeout' }, 'Unavailable', null],
    [{ is: 'HTML', code: 502 }, 'Unavailable', null],
    [{ is: 'HTML', code: 200 }, 'Unavailable', null],
    [{ is: 'STATUS', code: 429, retryAfterSeconds: 7 }, 'RateLimited', 7000],
  ] as const)(
    'that meets %o is refused for now, and may be repeated',
    async (fault, kind, retryAfterMs) => {
      const under = await cluster();
      const key = newKey();
      under.fake.faults.add(once(fault, 'GET', '/v1/job/'));
      const error = await submit(under.jobs, job(under.shell('exit 0')), key).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(BackendError);
      expect(error).toMatchObject({ kind, temporary: true, retryAfterMs });
      const handle = await submit(under.jobs, job(under.shell('exit 0')), key);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
    },
  );

  test('that is too slow is given up in time', async () => {
    const under = await cluster({ timeoutSeconds: 0.2 });
    under.fake.faults.add(once({ is: 'SLOW', milliseconds: 600 }));
    expect(await kindOf(() => submit(under.jobs, job(under.shell('exit 0'))))).toBe('Unavailable');
  });

  test('that Nomad refuses is Rejected with its words, and leaves nothing', async () => {
    const under = await cluster();
    const key = newKey();
    const text = '1 error occurred:\n\t* Job ID contains a space\n\n';
    under.fake.faults.add(once({ is: 'STATUS', code: 500, text }));
    const workload = job(under.shell('exit 0'), { secrets: { A: 'b' } });
    const error = await submit(under.jobs, workload, key).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'Rejected' });
    expect((error as Error).message).toContain('Job ID contains a space');
    expect(under.fake.state.variables.size).toBe(0);
    expect(await under.listing()).not.toContain('jobs/fathom-');
  });

  test('under a name that something else has is Rejected, and leaves it alone', async () => {
    const under = await cluster();
    const key = newKey();
    const handle = await submit(under.jobs, job(under.shell('sleep 20')), key);
    const there = under.fake.job(nativeText(handle, 'name'));
    if (there !== null) there.Meta = {};
    const again = (): Promise<unknown> => submit(under.jobs, job(under.shell('exit 0')), key);
    expect(await kindOf(again)).toBe('Rejected');
    expect(under.fake.job(nativeText(handle, 'name'))?.Stop).toBe(false);
  });

  test('of a secret is Unsupported where Nomad has no variables', async () => {
    const under = await cluster({}, { lacks: ['variables'] });
    const workload = job(under.shell('exit 0'), { secrets: { A: 'b' } });
    const error = await submit(under.jobs, workload).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'Unsupported' });
    expect((error as Error).message).toContain('1.4');
    const plain = await submit(under.jobs, job(under.shell('exit 0')));
    expect((await untilEnded(under.jobs, plain)).exit?.code).toBe(0);
    await under.backend.release(plain);
  });
});

describe('an image that cannot be fetched', () => {
  const program = { kind: 'COMMAND', argv: ['/bin/true'], image: 'no/image:1' } as const;

  test('ends a job as not started, with its name', async () => {
    const under = await cluster({ docker: {} }, { images: ['an/image:1'] });
    const { exit, startedAt } = await untilEnded(
      under.jobs,
      await submit(under.jobs, job(program)),
    );
    expect(exit).toMatchObject({ cause: 'NOT_STARTED' });
    expect(exit?.message).toContain('no/image:1');
    expect(startedAt).toBeNull();
  });

  test('is what a service waits for, until it is given up', async () => {
    const settings = { docker: {}, restartDelaySeconds: 0.3, giveUpAfter: 2 };
    const under = await cluster(settings, { images: ['an/image:1'] });
    const options = { key: newKey(), signal: soon() };
    const handle = await under.services.deploy(service(program), options);
    const codes = new Set<string>();
    let failure: string | null = null;
    for await (const status of under.services.watch(handle, soon())) {
      if (status.waiting !== null) codes.add(status.waiting.code);
      failure = status.failure;
      if (status.phase === 'FAILED') break;
    }
    expect(codes).toContain('IMAGE_UNAVAILABLE');
    expect(failure).toContain('no/image:1');
  });
});

describe('credentials that are refused', () => {
  test('are said to be, everywhere, after one request each', async () => {
    const under = await cluster();
    const handle = await submit(under.jobs, job(under.shell('exit 0')));
    const other = await under.again({ token: 'an-old-token' });
    const { jobs } = other;
    if (jobs === null) throw new Error('it runs no jobs');
    const before = under.fake.requests.length;
    expect(await kindOf(() => jobs.inspect(handle))).toBe('Unauthorized');
    expect(await kindOf(() => submit(jobs, job(under.shell('exit 0'))))).toBe('Unauthorized');
    expect(under.fake.requests.length - before).toBe(2);
    const health = await other.health();
    expect(health).toMatchObject({ reachable: false });
    expect(health.message).toContain('ACL token not found');
    expect(health.message).not.toContain('an-old-token');
    await other.close();
  });

  test('are read from their file each time, so that something else may renew them', async () => {
    const under = await cluster();
    const tokenFile = `${under.sharedFolder}/token`;
    await writeFile(tokenFile, 'an-old-token\n');
    const other = await under.again({ token: null, tokenFile });
    expect((await other.health()).reachable).toBe(false);
    await writeFile(tokenFile, `${under.fake.token}\n`);
    expect((await other.health()).reachable).toBe(true);
    await other.close();
  });

  test('that show no nodes cost the capacity and nothing else', async () => {
    const under = await cluster({}, { showsNodes: false });
    const health = await under.backend.health();
    expect(health).toMatchObject({ reachable: true, capacity: null });
    expect(health.message).toContain('nodes are not shown to us');
  });
});

describe('a partition', () => {
  test('is Unavailable while it lasts, and the job that went on is found afterwards', async () => {
    const under = await cluster();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 0.4; exit 5')));
    await untilPrinted(under.jobs, handle, 'up');
    under.fake.faults.isPartitioned = true;
    under.fake.cutStreams();
    expect(await kindOf(() => under.jobs.inspect(handle))).toBe('Unavailable');
    expect(await kindOf(() => under.jobs.cancel(handle))).toBe('Unavailable');
    expect(await kindOf(() => printed(under.jobs, handle))).toBe('Unavailable');
    expect((await under.backend.health()).reachable).toBe(false);
    under.fake.faults.isPartitioned = false;
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(5);
  });
});

describe('a watch', () => {
  const trouble = {
    'events that are cut off': (under: NomadUnderTest) => under.fake.cutStreams(),
    'an index that goes back': (under: NomadUnderTest) => under.fake.state.goBack(),
  };
  for (const [what, happens] of Object.entries(trouble)) {
    for (const lacks of [[], ['events']] as const) {
      const how = lacks.length === 0 ? 'the event stream' : 'blocking queries';
      test(`by ${how} goes on after ${what}`, async () => {
        // No look by itself: only what Nomad says wakes it.
        const under = await cluster({ pollMs: 60_000 }, { lacks });
        const handle = await submit(under.jobs, job(under.shell(gate)));
        const ended = untilEnded(under.jobs, handle);
        await untilPrinted(under.jobs, handle, 'up');
        happens(under);
        const name = nativeText(handle, 'name');
        await writeFile(`${under.sharedFolder}/jobs/${name}/work/out/go`, '');
        expect((await ended).exit?.code).toBe(2);
      });
    }
  }

  test('of many jobs is one event stream', async () => {
    const under = await cluster();
    const handles = await Promise.all(
      Array.from({ length: 8 }, () => submit(under.jobs, job(under.shell('sleep 0.3')))),
    );
    await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
    expect(sent(under, 'GET /v1/event/stream')).toBe(1);
  });
});

describe('cancel', () => {
  test('that races with the end of the job leaves one end, whoever looks', async () => {
    const under = await cluster();
    // The first has ended before, the last never would.
    const scripts = [
      'exit 4',
      ...[1, 2, 3, 4, 5, 6].map((n) => `sleep 0.${n}; exit 4`),
      'sleep 60',
    ];
    const handles = await Promise.all(
      scripts.map((script) => submit(under.jobs, job(under.shell(script)))),
    );
    const first = handles.map((handle) => untilEnded(under.jobs, handle));
    await first[0];
    await Promise.all(handles.map((handle) => under.jobs.cancel(handle)));
    const seen = await Promise.all(first);
    expect(new Set(seen.map(({ exit }) => exit?.cause))).toEqual(new Set(['EXITED', 'CANCELLED']));
    const other = await under.again();
    for (const [index, handle] of handles.entries()) {
      expect(await other.jobs?.inspect(handle)).toEqual(seen[index]);
    }
    await other.close();
  });
});

describe('what the cluster does by itself', () => {
  test('waiting has the words of the scheduler, and ends when there is room', async () => {
    const under = await cluster();
    const over = under.fake.occupyAll();
    const handle = await submit(under.jobs, job(under.shell('exit 3')));
    const waits = await untilJob(
      under.jobs,
      handle,
      ({ waiting }) => waiting?.code === 'RESOURCES_BUSY',
    );
    expect(waits).toMatchObject({
      phase: 'PENDING',
      waiting: { raw: expect.stringContaining('exhausted memory') as string },
    });
    over();
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(3);
  });

  test('a job that somebody else removed is NotFound, and its folder goes with release', async () => {
    const under = await cluster();
    const handle = await submit(
      under.jobs,
      job(under.shell('echo up; sleep 30'), { secrets: { A: 'b' } }),
    );
    await untilPrinted(under.jobs, handle, 'up');
    const name = nativeText(handle, 'name');
    await fetch(`${under.fake.url}/v1/job/${name}?purge=true&namespace=ml`, {
      method: 'DELETE',
      headers: { 'x-nomad-token': under.fake.token },
    });
    expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
    await under.backend.release(handle);
    expect(await under.listing()).not.toContain(`/${name}`);
    expect(under.fake.state.variables.size).toBe(0);
  });

  test('a node out of sight leaves the job running; one that is lost ends it, and nothing starts again', async () => {
    const under = await cluster();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 30')));
    await untilPrinted(under.jobs, handle, 'up');
    const [runner] = under.fake.scheduler.runners.values();
    runner?.loseSight('unknown', 'node is disconnected');
    const unseen = await under.jobs.inspect(handle);
    expect(unseen).toMatchObject({ phase: 'RUNNING' });
    expect(unseen.native).toContain('lost sight');
    runner?.loseSight('lost', 'alloc is lost since its node is down');
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit?.cause).toBe('UNKNOWN');
    expect(exit?.message).toContain('node is down');
    // Whatever Nomad would have placed instead is stopped.
    expect(under.fake.job(nativeText(handle, 'name'))?.Stop).toBe(true);
  });

  test('a state that nobody knows is UNKNOWN, verbatim', async () => {
    const under = await cluster();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 30')));
    await untilPrinted(under.jobs, handle, 'up');
    const [allocation] = under.fake.allocations(nativeText(handle, 'name'));
    if (allocation !== undefined) allocation.ClientStatus = 'hibernating';
    const status = await under.jobs.inspect(handle);
    expect(status.phase).toBe('UNKNOWN');
    expect(status.native).toContain('hibernating');
  });

  test('a Nomad that keeps no limit of time has it kept by us', async () => {
    const under = await cluster({ pollMs: 100 }, { lacks: ['maxRunDuration'] });
    const resources = { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 0.5 };
    const handle = await submit(under.jobs, job(under.shell('sleep 30'), { resources }));
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('TIME_LIMIT');
  });

  test('release takes everything with it: jobs, variables and folders', async () => {
    const under = await cluster();
    const secrets = { A: 'b' };
    const first = await submit(under.jobs, job(under.shell('sleep 30'), { secrets }));
    const options = { key: newKey(), signal: soon() };
    const second = await under.services.deploy(service(under.server(), { secrets }), options);
    expect(under.fake.state.variables.size).toBe(2);
    for (const handle of [first, second]) await under.backend.release(handle);
    expect(under.fake.state.jobs.size).toBe(0);
    expect(under.fake.state.variables.size).toBe(0);
    expect(under.fake.scheduler.runners.size).toBe(0);
    for (const name of [first, second].map((handle) => nativeText(handle, 'name'))) {
      expect(await under.listing()).not.toContain(`/${name}/`);
    }
  });
});

describe('what cannot run here', () => {
  test('is Unsupported: images, module folders without a runtime, data without a folder', async () => {
    const under = await cluster({ sharedFolder: null });
    const image = { kind: 'COMMAND', argv: ['true'], image: 'an/image' } as const;
    const source = { kind: 'FOLDER', path: '/a' } as const;
    const module = { kind: 'MODULE', module: { slug: 'm', source }, operation: 'train' } as const;
    for (const program of [image, module]) {
      expect(await kindOf(() => submit(under.jobs, job(program)))).toBe('Unsupported');
    }
    expect(under.fake.state.jobs.size).toBe(0);
  });
});

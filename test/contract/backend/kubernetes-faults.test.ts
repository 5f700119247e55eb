import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { Handle } from '../../../backends/contract/workload.ts';
import type { Fault } from '../../fakes/kubernetes/faults.ts';
import type { KubernetesUnderTest } from './kubernetes-under-test.ts';
import { openKubernetes } from './kubernetes-under-test.ts';
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

const open: KubernetesUnderTest[] = [];

async function cluster(
  ...options: Parameters<typeof openKubernetes>
): Promise<KubernetesUnderTest> {
  const under = await openKubernetes(...options);
  open.push(under);
  return under;
}

afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

const posted = (under: KubernetesUnderTest, path: string): number =>
  under.fake.requests.filter((request) => request === `POST ${path}`).length;
const jobsPath = '/apis/batch/v1/namespaces/ml/jobs';
const once = (kind: Fault['kind'], method = 'POST', path = jobsPath): Fault => ({
  method,
  path,
  times: 1,
  kind,
});

describe('a submit', () => {
  test('whose reply is lost is found again and starts nothing twice', async () => {
    const under = await cluster();
    const key = newKey();
    const workload = job(under.shell('echo "$S" | wc -c; exit 3'), { secrets: { S: 'hidden' } });
    under.fake.faults.add(once({ is: 'REPLY_LOST' }));
    expect(await kindOf(() => submit(under.jobs, workload, key))).toBe('Unavailable');
    const handle = await submit(under.jobs, workload, key);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(3);
    expect(under.fake.objects.list('jobs')).toHaveLength(1);
    expect(posted(under, jobsPath)).toBe(1);
    const [secret] = under.fake.objects.list('secrets');
    expect(secret?.metadata.ownerReferences?.[0]?.uid).toBe(handle.native['uid']);
  });

  test.each([
    [{ is: 'STATUS', code: 500 }, 'Unavailable', null],
    [{ is: 'HTML', code: 502 }, 'Unavailable', null],
    [{ is: 'HTML', code: 200 }, 'Unavailable', null],
    [{ is: 'STATUS', code: 429, retryAfterSeconds: 0 }, 'RateLimited', 0],
  ] as const)(
    'that meets %o is refused for now, and may be repeated',
    async (fault, kind, retryAfterMs) => {
      const under = await cluster();
      const key = newKey();
      under.fake.faults.add(once(fault));
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

  test('under a name that something else has is Rejected, and leaves it alone', async () => {
    const under = await cluster();
    const key = newKey();
    const handle = await submit(under.jobs, job(under.shell('exit 0')), key);
    const name = nameOf(handle);
    under.fake.objects.update('jobs', name, (one) => ({
      ...one,
      metadata: { ...one.metadata, labels: {} },
    }));
    expect(await kindOf(() => submit(under.jobs, job(under.shell('exit 0')), key))).toBe(
      'Rejected',
    );
    expect(under.fake.objects.get('jobs', name)).not.toBeNull();
  });
});

describe('credentials that are refused', () => {
  test('are said to be, everywhere, after one request each', async () => {
    const under = await cluster();
    const handle = await submit(under.jobs, job(under.shell('exit 0')));
    const other = await under.again({
      connection: { kind: 'token', server: under.fake.url, token: 'old', skipTlsVerify: true },
    });
    const { jobs } = other;
    if (jobs === null) throw new Error('it runs no jobs');
    const before = under.fake.requests.length;
    expect(await kindOf(() => jobs.inspect(handle))).toBe('Unauthorized');
    expect(await kindOf(() => submit(jobs, job(under.shell('exit 0'))))).toBe('Unauthorized');
    expect(under.fake.requests.length - before).toBe(2);
    expect(await other.health()).toMatchObject({ reachable: false });
    expect((await other.health()).message).not.toContain('old');
    await other.close();
  });
});

describe('a partition', () => {
  test('is Unavailable while it lasts, and the job that went on is found afterwards', async () => {
    const under = await cluster();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 0.4; exit 5')));
    await untilPrinted(under.jobs, handle, 'up');
    under.fake.faults.isPartitioned = true;
    under.fake.cutWatches();
    expect(await kindOf(() => under.jobs.inspect(handle))).toBe('Unavailable');
    expect(await kindOf(() => under.jobs.cancel(handle))).toBe('Unavailable');
    expect(await kindOf(() => printed(under.jobs, handle))).toBe('Unavailable');
    expect((await under.backend.health()).reachable).toBe(false);
    under.fake.faults.isPartitioned = false;
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(5);
  });
});

describe('a watch', () => {
  test('goes on when the API server is started again and when its version is too old', async () => {
    // No look by itself: only what the watch says wakes it.
    const under = await cluster({ pollMs: 60_000 });
    for (const trouble of ['cutWatches', 'compact'] as const) {
      const handle = await submit(
        under.jobs,
        job(under.shell('echo up; while [ ! -e out/go ]; do sleep 0.02; done; exit 2')),
      );
      const ended = untilEnded(under.jobs, handle);
      await untilPrinted(under.jobs, handle, 'up');
      under.fake[trouble]();
      await submit(under.jobs, job(under.shell('exit 0')));
      const name = nameOf(handle);
      await writeFile(`${under.sharedFolder}/jobs/${name}/work/out/go`, '');
      expect((await ended).exit?.code).toBe(2);
    }
    expect(under.fake.requests.some((request) => request.includes('watch=true'))).toBe(true);
  });

  test('of many jobs is one for each kind of object', async () => {
    const under = await cluster();
    const handles = await Promise.all(
      Array.from({ length: 8 }, () => submit(under.jobs, job(under.shell('sleep 0.3')))),
    );
    await Promise.all(handles.map((handle) => untilEnded(under.jobs, handle)));
    const watches = under.fake.requests.filter((request) => request.includes('watch=true'));
    expect(watches).toHaveLength(3);
  });
});

describe('cancel', () => {
  test('that races with the end of the job leaves one end, whoever looks', async () => {
    const under = await cluster();
    const racers = Array.from({ length: 8 }, (_, index) => `sleep 0.${index}; exit 4`);
    const handles = await Promise.all(
      ['exit 4', ...racers, 'sleep 30'].map((script) =>
        submit(under.jobs, job(under.shell(script))),
      ),
    );
    const first = handles.map((handle) => untilEnded(under.jobs, handle));
    await first[0];
    await Promise.all(handles.map((handle) => under.jobs.cancel(handle)));
    const seen = await Promise.all(first);
    expect(new Set(seen.map(({ exit }) => exit?.cause))).toEqual(new Set(['EXITED', 'CANCELLED']));
    for (const [index, handle] of handles.entries()) {
      expect(await under.jobs.inspect(handle)).toEqual(seen[index]);
    }
  });

  test('of a job that no node takes ends it, and it never starts', async () => {
    const under = await cluster({ gpu: { models: ['NVIDIA-H100'] } });
    const handle = await submit(
      under.jobs,
      job(under.shell('echo started'), {
        resources: {
          cpus: 1,
          memoryMiB: 64,
          gpus: { count: 1, model: 'nvidia h100', memoryMiB: null },
          timeLimitSeconds: 9,
        },
      }),
    );
    const waits = await untilJob(under.jobs, handle, ({ waiting }) => waiting?.raw != null);
    expect(waits).toMatchObject({ phase: 'PENDING', waiting: { code: 'NO_ACCELERATOR' } });
    await under.jobs.cancel(handle);
    const { exit, startedAt } = await untilEnded(under.jobs, handle);
    expect(exit?.cause).toBe('CANCELLED');
    expect(startedAt).toBeNull();
  });
});

describe('what the cluster does by itself', () => {
  test('an image that is not there is said, for as long as it is', async () => {
    const under = await cluster();
    const program = { kind: 'COMMAND', argv: ['true'], image: 'absent/image:1' } as const;
    const handle = await submit(under.jobs, job(program));
    const status = await untilJob(
      under.jobs,
      handle,
      ({ waiting }) => waiting?.code === 'IMAGE_UNAVAILABLE',
    );
    expect(status.waiting?.raw).toContain('absent/image:1');
    await under.jobs.cancel(handle);
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
  });

  test('a job that somebody else deleted is NotFound, and nothing of it is left running', async () => {
    const under = await cluster();
    const handle = await submit(
      under.jobs,
      job(under.shell('echo up; sleep 30'), { secrets: { A: 'b' } }),
    );
    await untilPrinted(under.jobs, handle, 'up');
    under.fake.objects.remove('jobs', nameOf(handle));
    expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
    expect(under.fake.objects.list('secrets')).toHaveLength(0);
  });

  test('a job whose pod somebody deleted is over, and neither a success nor an end of its own', async () => {
    const under = await cluster();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 30')));
    await untilPrinted(under.jobs, handle, 'up');
    const [pod] = under.fake.objects.list('pods');
    under.fake.deletePod(pod?.metadata.name ?? '');
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null });
    expect(exit?.message).toMatch(/pod/);
  });

  test('release takes everything with it: pods, secret, service and folder', async () => {
    const under = await cluster();
    const secrets = { A: 'b' };
    const first = await submit(under.jobs, job(under.shell('sleep 30'), { secrets }));
    const options = { key: newKey(), signal: soon() };
    const second = await under.services.deploy(service(under.server(), { secrets }), options);
    expect(under.fake.objects.list('services')).toHaveLength(1);
    for (const handle of [first, second]) await under.backend.release(handle);
    for (const plural of ['jobs', 'pods', 'deployments', 'services', 'secrets']) {
      expect({ plural, left: under.fake.objects.list(plural) }).toEqual({ plural, left: [] });
    }
  });
});

describe('without a shared folder', () => {
  test('text files reach the program, data is Unsupported, and so is what it leaves', async () => {
    const under = await cluster({ sharedFolder: null });
    const content = { kind: 'TEXT', text: 'ein «Wort»\n' } as const;
    const inputs = [{ path: 'data/a b.txt', content }];
    const workload = job(under.shell('cat "data/a b.txt"; echo 1 > out/x'), { inputs });
    const handle = await submit(under.jobs, workload);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
    expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['ein «Wort»']);
    expect(await kindOf(() => under.jobs.outputs(handle))).toBe('Unsupported');
    const blob = { kind: 'BLOB', sha256: under.blob('x'), bytes: 1, url: null } as const;
    const withData = job(under.shell('exit 0'), { inputs: [{ path: 'b', content: blob }] });
    expect(await kindOf(() => submit(under.jobs, withData))).toBe('Unsupported');
    const long = { kind: 'TEXT', text: 'x'.repeat(2 ** 20) } as const;
    const tooLong = job(under.shell('exit 0'), { inputs: [{ path: 'b', content: long }] });
    expect(await kindOf(() => submit(under.jobs, tooLong))).toBe('Rejected');
  });
});

describe('several nodes', () => {
  test('have lines of their own, a name for the first one, and one end', async () => {
    const under = await cluster();
    const resources = { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60, nodes: 3 };
    const script = 'echo "rank $FATHOM_NODE_RANK"; [ "$FATHOM_NODE_RANK" = 2 ] && exit 9; exit 0';
    const handle = await submit(under.jobs, job(under.shell(script), { resources }));
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'EXITED', code: 9 });
    expect(exit?.message).toContain('Node 2');
    const texts = (await printed(under.jobs, handle)).map(({ text }) => text);
    expect(texts).toContain('[node 2] rank 2');
    const [service] = under.fake.objects.list('services');
    expect(service).toMatchObject({
      spec: { clusterIP: 'None' },
      metadata: { name: nameOf(handle) },
    });
    await under.backend.release(handle);
    expect(under.fake.objects.list('services')).toEqual([]);
  });

  test('wait for each other: cancelled there, none of them starts', async () => {
    const under = await cluster({ gpu: { models: [] } });
    const gpus = { count: 1, model: null, memoryMiB: null };
    const resources = { cpus: 0.1, memoryMiB: 64, gpus, timeLimitSeconds: 60, nodes: 2 };
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 30'), { resources }));
    const waits = await untilJob(under.jobs, handle, ({ waiting }) => waiting?.raw != null);
    expect(waits).toMatchObject({ phase: 'PENDING', waiting: { code: 'RESOURCES_BUSY' } });
    await under.jobs.cancel(handle);
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
  });
});

describe('a service that waits', () => {
  test('says what the events of its pod say', async () => {
    const under = await cluster();
    const program = { kind: 'COMMAND', argv: ['true'], image: 'slow/image:1' } as const;
    const options = { key: newKey(), signal: soon() };
    const handle = await under.services.deploy(service(program), options);
    const stop = soon();
    let last = null;
    for await (const status of under.services.watch(handle, stop)) {
      last = status;
      if (status.waiting?.code === 'PULLING_IMAGE') break;
    }
    expect(last).toMatchObject({ phase: 'PULLING', waiting: { code: 'PULLING_IMAGE' } });
    expect(last?.waiting?.raw).toContain('slow/image:1');
  });
});

describe('a job in a queue of Kueue', () => {
  test.each(['v1beta1', 'v1beta2'] as const)('says why it is held, by %s', async (kueue) => {
    const under = await cluster({ kueueQueue: 'team' }, { kueue });
    const handle = await submit(under.jobs, job(under.shell('exit 0')));
    const held = await under.jobs.inspect(handle);
    expect(held).toMatchObject({ phase: 'PENDING', waiting: { code: 'HELD' } });
    const message = "couldn't assign flavors to pod set main: insufficient unused quota";
    under.fake.objects.create('workloads', {
      metadata: {
        name: 'job-of-it',
        labels: { 'kueue.x-k8s.io/job-uid': nativeText(handle, 'uid') },
      },
      status: { conditions: [{ type: 'PodsReady', status: 'False', reason: 'WaitForStart' }] },
    });
    expect((await under.jobs.inspect(handle)).waiting?.code).toBe('PRIORITY');
    const refused = { type: 'QuotaReserved', status: 'False', reason: 'WaitingForQuota', message };
    under.fake.objects.update('workloads', 'job-of-it', (workload) => ({
      ...workload,
      status: { conditions: [refused] },
    }));
    const { waiting } = await under.jobs.inspect(handle);
    expect(waiting).toMatchObject({ code: 'QUOTA', raw: `WaitingForQuota: ${message}` });
    expect(waiting?.message).toMatch(/quota\.$/);
    // What newer ones have a reason for, older ones (0.17.0) say in words.
    const tooMuch =
      'insufficient quota for cpu in flavor a, current request (500) > maximum capacity (3)';
    const codes = [
      ['ExceedsMaxQuota', 'too much', 'RESOURCES_EXCEED_SITE'],
      ['Pending', tooMuch, 'RESOURCES_EXCEED_SITE'],
      [
        'Pending',
        `${tooMuch}, insufficient unused quota for cpu in flavor b, 1 more needed`,
        'QUOTA',
      ],
      ['Misconfigured', 'no such queue', 'HELD'],
      ['Inadmissible', "LocalQueue no-such-queue doesn't exist", 'HELD'],
    ] as const;
    for (const [reason, words, code] of codes) {
      under.fake.objects.update('workloads', 'job-of-it', (workload) => ({
        ...workload,
        status: { conditions: [{ ...refused, reason, message: words }] },
      }));
      expect([words, (await under.jobs.inspect(handle)).waiting?.code]).toEqual([words, code]);
    }
    await under.jobs.cancel(handle);
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
  });

  test('is held, and nothing breaks, where there is no Kueue', async () => {
    const under = await cluster({ kueueQueue: 'team' });
    const handle = await submit(under.jobs, job(under.shell('exit 0')));
    expect((await under.jobs.inspect(handle)).waiting?.code).toBe('HELD');
  });
});

describe('what is no image', () => {
  test('is Unsupported: a folder of a module, and a plain command without an image', async () => {
    const under = await cluster({ commandImage: null });
    const source = { kind: 'FOLDER', path: '/a' } as const;
    const module = { kind: 'MODULE', module: { slug: 'm', source }, operation: 'train' } as const;
    expect(under.backend.capabilities.processes).toBe(false);
    expect(await kindOf(() => submit(under.jobs, job(module)))).toBe('Unsupported');
    expect(await kindOf(() => submit(under.jobs, job(under.shell('true'))))).toBe('Unsupported');
  });
});

function nameOf({ native }: Handle): string {
  const { name } = native;
  if (typeof name !== 'string') throw new Error('the handle has no name');
  return name;
}

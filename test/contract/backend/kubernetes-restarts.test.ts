import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
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

const gate = 'echo up; while [ ! -e out/go ]; do sleep 0.02; done; exit 3';

function openGate({ sharedFolder }: KubernetesUnderTest, handle: Handle): Promise<void> {
  return writeFile(`${sharedFolder}/jobs/${nativeText(handle, 'name')}/work/out/go`, '');
}

async function running(under: KubernetesUnderTest): Promise<Handle> {
  const handle = await submit(under.jobs, job(under.shell(gate)));
  await untilPrinted(under.jobs, handle, 'up');
  return handle;
}

async function serving(under: KubernetesUnderTest): Promise<Handle> {
  const options = { key: newKey(), signal: soon() };
  const handle = await under.services.deploy(service(under.server()), options);
  await untilReady(under, handle);
  return handle;
}

async function untilReady(under: KubernetesUnderTest, handle: Handle): Promise<void> {
  for await (const { phase } of under.services.watch(handle, soon())) if (phase === 'READY') return;
  throw new Error('it never listened');
}

async function first<T>(all: AsyncIterable<T>): Promise<T | null> {
  for await (const one of all) return one;
  return null;
}

describe('an API server that is stopped and started again', () => {
  test('is missed by nobody: what ran is found, what could not be handed over is handed over once', async () => {
    // No look by itself: only what a watch says wakes whoever watches.
    const under = await cluster({ pollMs: 60_000 });
    const handle = await running(under);
    const watched = kindOf(() => untilEnded(under.jobs, handle));
    const late = { key: newKey(), workload: job(under.shell('exit 5')) };
    await under.fake.stop();
    for (const work of [
      () => under.jobs.inspect(handle),
      () => under.jobs.cancel(handle),
      () => printed(under.jobs, handle),
      () => submit(under.jobs, late.workload, late.key),
      () => under.backend.release(handle),
    ]) {
      expect(await kindOf(work)).toBe('Unavailable');
    }
    // Whoever watches is told, and watches again.
    expect(await watched).toBe('Unavailable');
    expect((await under.backend.health()).reachable).toBe(false);
    await under.fake.startAgain();
    expect((await under.backend.health()).reachable).toBe(true);
    expect((await under.jobs.inspect(handle)).phase).toBe('RUNNING');
    const ended = untilEnded(under.jobs, handle);
    await openGate(under, handle);
    expect((await ended).exit).toMatchObject({ cause: 'EXITED', code: 3 });
    const other = await submit(under.jobs, late.workload, late.key);
    expect((await untilEnded(under.jobs, other)).exit?.code).toBe(5);
    expect(under.fake.objects.list('jobs')).toHaveLength(2);
  });

  test('an end that nobody could see is seen afterwards, as it was', async () => {
    const under = await cluster({ pollMs: 100 });
    const handle = await running(under);
    await under.fake.stop();
    await openGate(under, handle);
    const isOver = () =>
      JSON.stringify(under.fake.objects.list('jobs')).includes('"type":"Failed"');
    await expect.poll(isOver, { timeout: 15_000 }).toBe(true);
    await under.fake.startAgain();
    expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 3 });
  });

  test('costs a service nothing: the same servers answer', async () => {
    const under = await cluster();
    const handle = await serving(under);
    const request = {
      method: 'GET',
      path: '/echo',
      headers: {},
      body: null,
      replica: null,
    } as const;
    const ask = () => under.services.invoke(handle, request, { deadline: Date.now() + 10_000 });
    const { replica } = await ask();
    await under.fake.stop();
    expect(await kindOf(() => under.services.status(handle))).toBe('Unavailable');
    await under.fake.startAgain();
    expect((await under.services.status(handle)).phase).toBe('READY');
    expect((await ask()).replica).toBe(replica);
  });
});

describe('an API server that answers badly', () => {
  const answers = [
    { is: 'STATUS', code: 500 },
    { is: 'HTML', code: 502 },
    { is: 'HTML', code: 200 },
    { is: 'HTML', code: 404 },
    { is: 'NOTHING' },
  ] as const satisfies readonly Fault['kind'][];

  test('every look and every order says so, and what it looks at is none the worse', async () => {
    const under = await cluster({ pollMs: 60_000 });
    const [handle, server] = [await running(under), await serving(under)];
    const looks: readonly (readonly [string, string, () => Promise<unknown>])[] = [
      ['GET', '/jobs/', () => under.jobs.inspect(handle)],
      ['GET', '/pods?', () => under.jobs.inspect(handle)],
      ['GET', '/jobs/', () => first(under.jobs.watch(handle, soon()))],
      ['GET', '/jobs/', () => printed(under.jobs, handle)],
      ['GET', '/log', () => printed(under.jobs, handle)],
      ['GET', '/jobs/', () => under.jobs.cancel(handle)],
      ['PATCH', '/jobs/', () => under.jobs.cancel(handle)],
      ['GET', '/deployments/', () => under.services.status(server)],
      ['GET', '/deployments/', () => first(under.services.watch(server, soon()))],
      ['PATCH', '/scale', () => under.services.scale(server, 2)],
      ['DELETE', '/jobs/', () => under.backend.release(handle)],
      ['DELETE', '/deployments/', () => under.backend.release(server)],
    ];
    const wrong: unknown[] = [];
    for (const kind of answers) {
      for (const [index, [method, path, work]] of looks.entries()) {
        // A page with 200 is what a log may look like.
        if (path === '/log' && kind.is === 'HTML' && kind.code === 200) continue;
        under.fake.faults.add({ method, path, times: 1, kind });
        const got = await kindOf(work).catch((error: unknown) => String(error));
        if (got !== 'Unavailable') wrong.push({ kind, index, method, path, got });
      }
    }
    expect(wrong).toEqual([]);
    expect((await under.jobs.inspect(handle)).phase).toBe('RUNNING');
    expect((await under.services.status(server)).phase).toBe('READY');
    await openGate(under, handle);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(3);
  });

  test('that asks us to slow down is left alone by everybody for as long as it said, and then asked again', async () => {
    const under = await cluster();
    const [handle, server] = [await running(under), await serving(under)];
    const kind = { is: 'STATUS', code: 429, retryAfterSeconds: 3 } as const;
    under.fake.faults.add({ method: 'GET', path: '/jobs/', times: 1, kind });
    await expect(under.jobs.inspect(handle)).rejects.toMatchObject({
      ...{ kind: 'RateLimited', temporary: true, retryAfterMs: 3000 },
    });
    const began = performance.now();
    const asked = under.fake.requests.length;
    for (const work of [
      () => under.jobs.inspect(handle),
      () => printed(under.jobs, handle),
      () => submit(under.jobs, job(under.shell('exit 0'))),
      () => under.services.status(server),
    ]) {
      const error = await work().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ kind: 'RateLimited', temporary: true });
      expect((error as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(3000);
    }
    expect(under.fake.requests).toHaveLength(asked);
    const again = () => kindOf(() => under.jobs.inspect(handle)).catch(() => 'RUNNING');
    await expect.poll(again, { timeout: 15_000 }).toBe('RUNNING');
    expect(performance.now() - began).toBeGreaterThan(2500);
    await openGate(under, handle);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(3);
  });
});

describe('a node that fails', () => {
  test('leaves a job where it is, out of sight, until the cluster gives it up; that is no end of its own', async () => {
    const under = await cluster();
    const handle = await running(under);
    await under.fake.loseNode();
    const unseen = await under.jobs.inspect(handle);
    expect(unseen).toMatchObject({ phase: 'RUNNING', exit: null });
    expect(unseen.native).toContain('out of sight');
    expect(await kindOf(() => printed(under.jobs, handle))).toBe('Unavailable');
    under.fake.evictFromLostNode();
    const leaving = await under.jobs.inspect(handle);
    // Nobody has ended it: it may run on, behind whatever cut the node off.
    expect(leaving).toMatchObject({ phase: 'RUNNING', exit: null });
    expect(leaving.native).toContain('Taint manager');
    await under.fake.removeLostNode();
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null, signal: null });
    expect(under.fake.objects.list('pods')).toEqual([]);
  });

  test('and comes back without its programs: nobody knows how they ended, and none starts twice', async () => {
    const under = await cluster();
    const handle = await running(under);
    await under.fake.loseNode();
    under.fake.returnNode();
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null, signal: null });
    expect(exit?.message).toContain('knows nothing of it');
    expect(under.fake.objects.list('pods')).toHaveLength(1);
  });

  test('keeps a new job waiting, and says that it is the node', async () => {
    const under = await cluster();
    await under.fake.loseNode();
    const handle = await submit(under.jobs, job(under.shell('exit 0')));
    const waits = await untilJob(under.jobs, handle, ({ waiting }) => waiting?.raw != null);
    expect(waits).toMatchObject({ phase: 'PENDING', waiting: { code: 'NODE_UNAVAILABLE' } });
    await under.jobs.cancel(handle);
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
  });

  test('makes a service wait for another server, which answers', async () => {
    const under = await cluster();
    const handle = await serving(under);
    const before = (await under.services.status(handle)).replicas.map(({ id }) => id);
    await under.fake.loseNode();
    expect(await under.services.status(handle)).toMatchObject({
      phase: 'LOADING',
      waiting: { code: 'NODE_UNAVAILABLE' },
    });
    under.fake.evictFromLostNode();
    const waits = () => under.services.status(handle);
    await expect.poll(waits, { timeout: 15_000 }).toMatchObject({
      phase: 'PENDING',
      waiting: { code: 'NODE_UNAVAILABLE' },
    });
    under.fake.returnNode();
    await untilReady(under, handle);
    const after = (await under.services.status(handle)).replicas.map(({ id }) => id);
    expect(after).not.toEqual(before);
    const request = {
      method: 'GET',
      path: '/echo',
      headers: {},
      body: null,
      replica: null,
    } as const;
    const deadline = Date.now() + 10_000;
    expect((await under.services.invoke(handle, request, { deadline })).status).toBe(200);
  });
});

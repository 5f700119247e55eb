import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackendError } from '../../../backends/contract/error.ts';
import type {
  InvokeRequest,
  InvokeResponse,
  ServiceStatus,
} from '../../../backends/contract/service-runner.ts';
import type { Handle, ServiceWorkload } from '../../../backends/contract/workload.ts';
import type { BackendTarget, ServicesUnderTest } from './under-test.ts';
import {
  assertServices,
  drain,
  job,
  kindOf,
  newKey,
  printed,
  service,
  soon,
  submit,
} from './under-test.ts';

/** The promises of `ServiceRunner`, and those of `Backend` about services. */
export function serviceRunnerContract(target: BackendTarget): void {
  describe(`service runner: ${target.name}`, () => {
    let under: ServicesUnderTest;
    beforeAll(async () => {
      const made = await target.create();
      assertServices(made);
      under = made;
    });
    afterAll(() => under?.destroy());

    const deploy = (more: Partial<ServiceWorkload> = {}, key = newKey()): Promise<Handle> =>
      under.services.deploy(service(under.server(), more), { key, signal: soon() });

    const call = (
      handle: Handle,
      path: string,
      more: Partial<InvokeRequest> = {},
      milliseconds = 5000,
    ): Promise<InvokeResponse> =>
      under.services.invoke(
        handle,
        { method: 'GET', path, headers: {}, body: null, replica: null, ...more },
        { deadline: Date.now() + milliseconds },
      );

    const until = async (
      handle: Handle,
      isSo: (status: ServiceStatus) => boolean,
    ): Promise<ServiceStatus> => {
      let last: ServiceStatus | null = null;
      for await (const status of under.services.watch(handle, soon())) {
        last = status;
        if (isSo(status)) return status;
      }
      throw new Error(`the service did not come to that: ${JSON.stringify(last)}`);
    };
    const ready =
      (count: number) =>
      ({ replicas }: ServiceStatus): boolean =>
        replicas.length === count && replicas.every(({ phase }) => phase === 'READY');
    const pidOf = async (handle: Handle, replica: string | null = null): Promise<number> =>
      (json(await call(handle, '/about', { replica })) as { pid: number }).pid;

    test('a service is READY only when its server listens, and answers then', async () => {
      const handle = await deploy({ environment: { LOAD: 'slow' } });
      const seen: string[] = [];
      for await (const status of under.services.watch(handle, soon())) {
        seen.push(status.phase);
        if (status.phase === 'READY') break;
        const early = await call(handle, '/about').then(
          () => 'answered',
          (error: { readonly kind?: unknown }) => error.kind,
        );
        // It may have begun to listen since it was looked at; then it is READY.
        const { phase } = await under.services.status(handle);
        expect(early).toBe(phase === 'READY' && early === 'answered' ? early : 'NoCapacity');
      }
      expect(seen).toContain('LOADING');
      expect(seen.indexOf('LOADING')).toBeLessThan(seen.indexOf('READY'));
      const status = await under.services.status(handle);
      expect(status).toMatchObject({ phase: 'READY', failure: null, restarts: 0, waiting: null });
      const answer = await call(handle, '/about');
      expect(answer.status).toBe(200);
      expect(status.replicas.map(({ id }) => id)).toEqual([answer.replica]);
      await under.backend.release(handle);
    });

    test('bodies, headers, queries and statuses pass untouched', async () => {
      const handle = await deploy();
      await until(handle, ready(1));
      const body = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256);
      const echo = await call(handle, '/echo', { method: 'POST', body });
      expect(Buffer.compare(echo.body, body)).toBe(0);
      expect(echo.headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'x-two': 'a, b',
      });
      const headers = { accept: 'image/png', 'x-unknown': 'a b; c="d"' };
      expect(json(await call(handle, '/headers?q=%C3%BC&q=2', { headers }))).toMatchObject({
        method: 'GET',
        url: '/headers?q=%C3%BC&q=2',
        accept: 'image/png',
        'x-unknown': 'a b; c="d"',
      });
      for (const code of [204, 308, 404, 422, 500, 503]) {
        expect((await call(handle, `/status?code=${code}`)).status).toBe(code);
      }
      await under.backend.release(handle);
    });

    test('the same key is the same service', async () => {
      const key = newKey();
      const first = await deploy({}, key);
      const handles = await Promise.all([deploy({}, key), deploy({}, key)]);
      await until(first, ready(1));
      handles.push(await deploy({ replicas: 3 }, key));
      for (const handle of handles) expect(handle).toEqual(first);
      const status = await until(first, ready(1));
      expect(status.replicas).toHaveLength(1);
      await under.backend.release(first);
    });

    test('environment and secrets reach the servers; secrets stand in no listing', async () => {
      const secret = `s3rv3r-${process.pid}`;
      const handle = await deploy({
        replicas: 2,
        environment: { SHARED: '$(id)\n"x"' },
        secrets: { SECRET: secret },
      });
      const { replicas } = await until(handle, ready(2));
      for (const { id } of replicas) {
        const said = json(await call(handle, '/about', { replica: id }));
        expect(said).toMatchObject({ secret, shared: '$(id)\n"x"' });
      }
      expect(await under.listing()).not.toContain(secret);
      await under.backend.release(handle);
    });

    test('scale adds and removes servers and keeps those that stay', async () => {
      const handle = await deploy();
      const before = (await until(handle, ready(1))).replicas[0]?.id;
      const pid = await pidOf(handle);
      await under.services.scale(handle, 3);
      const three = await until(handle, ready(3));
      expect(three.replicas.map(({ id }) => id)).toContain(before);
      expect(new Set(three.replicas.map(({ id }) => id)).size).toBe(3);
      await under.services.scale(handle, 1);
      const one = await until(handle, ready(1));
      expect(one.replicas.map(({ id }) => id)).toEqual([before]);
      expect(await pidOf(handle)).toBe(pid);
      await under.services.scale(handle, 0);
      await until(handle, ({ phase }) => phase === 'STOPPED');
      expect(await kindOf(() => call(handle, '/about'))).toBe('NoCapacity');
      await under.services.scale(handle, 1);
      await until(handle, ready(1));
      for (const wrong of [-1, 1.5, NaN, 1e9]) {
        expect(await kindOf(() => under.services.scale(handle, wrong))).toBe('Rejected');
      }
      await under.backend.release(handle);
    });

    test('requests go to the least busy server', async () => {
      const handle = await deploy({ replicas: 2 });
      await until(handle, ready(2));
      const slow = call(handle, '/slow?ms=400');
      const pids = await Promise.all(Array.from({ length: 5 }, () => pidOf(handle)));
      const busy = (await slow).replica;
      const answered = await Promise.all([call(handle, '/about'), call(handle, '/about')]);
      expect(new Set(answered.map(({ replica }) => replica)).size).toBe(2);
      expect(pids.length).toBe(5);
      const idle = await Promise.all([call(handle, '/slow?ms=200'), call(handle, '/slow?ms=200')]);
      expect(new Set(idle.map(({ replica }) => replica)).size).toBe(2);
      expect(busy).toMatch(/./);
      await under.backend.release(handle);
    });

    test('a named server answers, or nobody does', async () => {
      const handle = await deploy({ replicas: 2 });
      const { replicas } = await until(handle, ready(2));
      for (const { id } of replicas) {
        expect((await call(handle, '/about', { replica: id })).replica).toBe(id);
      }
      expect(await kindOf(() => call(handle, '/about', { replica: 'none' }))).toBe('NoCapacity');
      await under.backend.release(handle);
    });

    test('a server that ends by itself is replaced under another id', async ({ skip }) => {
      if (!under.backend.capabilities.selfHealing) skip();
      const handle = await deploy();
      const before = (await until(handle, ready(1))).replicas[0]?.id;
      expect(await kindOf(() => call(handle, '/crash'))).toBe('Unavailable');
      const after = await until(
        handle,
        (status) => ready(1)(status) && status.replicas[0]?.id !== before,
      );
      expect(after).toMatchObject({ phase: 'READY', restarts: 1 });
      expect((await call(handle, '/about')).status).toBe(200);
      await under.backend.release(handle);
    });

    test('a server that hangs is taken out at the deadline and replaced', async () => {
      const handle = await deploy();
      const before = (await until(handle, ready(1))).replicas[0]?.id;
      expect(await kindOf(() => call(handle, '/hang', {}, 400))).toBe('DeadlineExceeded');
      // Nobody, or the next one already: never the one that hangs.
      const next = await call(handle, '/about').then(
        ({ replica }) => replica,
        (error: BackendError) => error.kind,
      );
      const { replicas } = await until(
        handle,
        (status) => ready(1)(status) && status.replicas[0]?.id !== before,
      );
      expect(['NoCapacity', replicas[0]?.id]).toContain(next);
      expect((await call(handle, '/about')).status).toBe(200);
      await under.backend.release(handle);
    });

    test('a caller in a hurry does not cost a server that is well', async () => {
      const handle = await deploy();
      const before = (await until(handle, ready(1))).replicas[0]?.id;
      expect(await kindOf(() => call(handle, '/slow?ms=300', {}, 30))).toBe('DeadlineExceeded');
      expect(await kindOf(() => call(handle, '/about', {}, -5))).toBe('DeadlineExceeded');
      for (let status = 0; status !== 200;) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        status = await call(handle, '/about').then(
          (answer) => answer.status,
          () => 0,
        );
      }
      expect((await call(handle, '/about')).replica).toBe(before);
      expect((await under.services.status(handle)).restarts).toBe(0);
      await under.backend.release(handle);
    });

    test('a prediction whose server dies before it answers is answered by another one', async () => {
      const handle = await deploy({ replicas: 2 });
      const { replicas } = await until(handle, ready(2));
      const victim = await pidOf(handle, replicas[0]?.id ?? null);
      const predict = (): Promise<InvokeResponse> =>
        call(handle, `/crash/predict/?pid=${victim}`, { method: 'POST', body: Buffer.from('{}') });
      const answers = await Promise.all(Array.from({ length: 6 }, predict));
      for (const answer of answers) expect(answer.status).toBe(200);
      await until(handle, (status) => ready(2)(status) && status.restarts === 1);
      await under.backend.release(handle);
    });

    test('servers that keep failing make the service FAILED, with what they printed', async () => {
      const handle = await deploy({ environment: { LOAD: 'fail' } });
      const status = await until(handle, ({ phase }) => phase === 'FAILED');
      expect(status.failure).toContain('exit code 4');
      expect(status.failure).toContain('the weights are not there');
      expect(await kindOf(() => call(handle, '/about'))).toBe('NoCapacity');
      await under.backend.release(handle);
    });

    test('logs of a service resume after a cursor', async () => {
      const handle = await deploy();
      await until(handle, ready(1));
      await call(handle, '/print?text=first');
      await eventually(async () =>
        (await printed(under.services, handle)).some(({ text }) => text === 'first'),
      );
      let cursor: string | null = null;
      const options = { after: null, signal: soon() };
      for await (const chunk of under.services.logs(handle, options)) cursor = chunk.cursor;
      await call(handle, '/print?text=second');
      await eventually(async () => (await printed(under.services, handle, cursor)).length > 0);
      const rest = await printed(under.services, handle, cursor);
      expect(rest.map(({ text }) => text)).toEqual(['second']);
      await under.backend.release(handle);
    });

    test('another instance reattaches to the servers that run', async () => {
      const handle = await deploy();
      await until(handle, ready(1));
      const pid = await pidOf(handle);
      const other = await under.again();
      try {
        const stored = JSON.parse(JSON.stringify(handle)) as Handle;
        expect(await other.services?.status(stored)).toEqual(await under.services.status(handle));
        const request = { method: 'GET', path: '/about', headers: {}, body: null } as const;
        const answer = await other.services?.invoke(
          stored,
          { ...request, replica: null },
          { deadline: Date.now() + 5000 },
        );
        expect(answer && (json(answer) as { pid: number }).pid).toBe(pid);
      } finally {
        await other.close();
      }
      expect(await pidOf(handle)).toBe(pid);
      await under.backend.release(handle);
    });

    test('after close every method rejects, and the servers go on', async () => {
      const other = await under.again();
      const { services } = other;
      if (services === null) throw new Error('the other instance runs no services');
      const workload = service(under.server());
      const handle = await services.deploy(workload, { key: newKey(), signal: soon() });
      await until(handle, ready(1));
      await other.close();
      const again = (): Promise<Handle> =>
        services.deploy(workload, { key: newKey(), signal: soon() });
      for (const each of [...everyCall({ services }, handle), again]) {
        expect(await kindOf(each)).toBe('Closed');
      }
      expect((await call(handle, '/about')).status).toBe(200);
      await under.backend.release(handle);
    });

    test('a handle that is unknown, or of a job, is NotFound everywhere', async () => {
      const { name } = under.backend;
      const ofJob =
        under.jobs === null ? [] : [await submit(under.jobs, job(under.shell('exit 0')))];
      const forged: Handle[] = [
        { backend: name, version: 1, native: { kind: 'SERVICE', name: 'none' } },
        { backend: name, version: 1, native: { kind: 'SERVICE', name: '../services' } },
        { backend: 'another', version: 1, native: { kind: 'SERVICE', name: 'none' } },
        ...ofJob,
      ];
      for (const handle of forged) {
        for (const each of everyCall(under, handle)) expect(await kindOf(each)).toBe('NotFound');
      }
    });

    test('release ends the servers and the watch, forgets, and may be repeated', async () => {
      const handle = await deploy({ replicas: 2 });
      await until(handle, ready(2));
      const watching = drain(under.services.watch(handle, soon()));
      await Promise.all([under.backend.release(handle), under.backend.release(handle)]);
      await under.backend.release(handle);
      await watching;
      expect(await kindOf(() => under.services.status(handle))).toBe('NotFound');
      expect(await kindOf(() => call(handle, '/about'))).toBe('NotFound');
    });

    test('what cannot be served is refused', async () => {
      expect(await kindOf(() => deploy({ replicas: -1 }))).toBe('Rejected');
      expect(await kindOf(() => deploy({ artifactFolder: '../x' }))).toBe('Rejected');
      const spread = { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60, nodes: 2 };
      expect(await kindOf(() => deploy({ resources: spread }))).toBe('Unsupported');
      const input = { path: '../x', content: { kind: 'TEXT', text: '' } } as const;
      expect(await kindOf(() => deploy({ inputs: [input] }))).toBe('Rejected');
    });
  });
}

function json(answer: InvokeResponse): unknown {
  return JSON.parse(Buffer.from(answer.body).toString('utf8'));
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (const limit = soon(); !limit.aborted;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it never came to that');
}

function everyCall(
  { services }: Pick<ServicesUnderTest, 'services'>,
  handle: Handle,
): readonly (() => Promise<unknown>)[] {
  const request = { method: 'GET', path: '/', headers: {}, body: null, replica: null } as const;
  return [
    () => services.status(handle),
    () => drain(services.watch(handle, soon())),
    () => services.scale(handle, 1),
    () => services.invoke(handle, request, { deadline: Date.now() + 1000 }),
    () => drain(services.logs(handle, { after: null, signal: soon() })),
  ];
}

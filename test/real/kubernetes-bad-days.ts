import { exec } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  chunks,
  job,
  kindOf,
  nativeText,
  newKey,
  printed,
  submit,
  textOf,
  untilEnded,
  untilJob,
  untilPrinted,
} from '../contract/backend/under-test.ts';
import { CuttingProxy } from './kubernetes-proxy.ts';
import type { RealKubernetes } from './kubernetes.ts';
import { cluster, openRealKubernetes } from './kubernetes.ts';

/** What happens between us and a cluster, and in it, that a fake could only pretend. */
export function kubernetesBadDays(): void {
  describe('bad days of a real cluster', () => {
    let proxy: CuttingProxy;
    let under: RealKubernetes;
    beforeAll(async () => {
      proxy = await CuttingProxy.start();
      under = await openRealKubernetes({ connection: proxy.connection, pollMs: 2000 });
    });
    afterAll(async () => {
      proxy.isPartitioned = false;
      await under.destroy();
      await proxy.stop();
    });

    test('a submit whose reply is lost is found again, and nothing starts twice', async () => {
      const key = newKey();
      const workload = job(under.shell('echo "$S" | wc -c; exit 3'), { secrets: { S: 'hidden' } });
      proxy.loseReply('POST', '/jobs');
      expect(await kindOf(() => submit(under.jobs, workload, key))).toBe('Unavailable');
      const handle = await submit(under.jobs, workload, key);
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 3 });
      expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['7']);
      const posts = proxy.requests.filter((request) => /^POST .*\/jobs$/.test(request));
      expect(posts).toHaveLength(1);
    });

    test('while nothing gets through it is Unavailable, and every line is read once afterwards', async () => {
      const script =
        'i=0; while [ $i -lt 80 ]; do i=$((i+1)); echo "line $i"; sleep 0.1; done; exit 5';
      const handle = await submit(under.jobs, job(under.shell(script)));
      await untilPrinted(under.jobs, handle, 'line 5');
      const before = await chunks(under.jobs, handle);
      proxy.isPartitioned = true;
      proxy.cut();
      expect(await kindOf(() => under.jobs.inspect(handle))).toBe('Unavailable');
      expect(await kindOf(() => under.jobs.cancel(handle))).toBe('Unavailable');
      expect(await kindOf(() => printed(under.jobs, handle))).toBe('Unavailable');
      const { reachable, message } = await under.backend.health();
      expect({ reachable, said: /\w+ .*\.$/s.test(message) }).toEqual({
        reachable: false,
        said: true,
      });
      await sleep(1000);
      proxy.isPartitioned = false;
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({
        cause: 'EXITED',
        code: 5,
      });
      const rest = await printed(under.jobs, handle, before.at(-1)?.cursor ?? null);
      const all = [...before.flatMap(({ lines }) => lines), ...rest].map(({ text }) => text);
      expect(all).toEqual(Array.from({ length: 80 }, (_, index) => `line ${index + 1}`));
    });

    test('a watch whose connections are cut hears of the end', async () => {
      const handle = await submit(under.jobs, job(under.shell('echo up; sleep 3; exit 2')));
      const ended = untilEnded(under.jobs, handle);
      await untilPrinted(under.jobs, handle, 'up').catch(() => undefined);
      proxy.cut();
      const said = await ended.catch(() => untilEnded(under.jobs, handle));
      expect(said.exit?.code).toBe(2);
    });

    test('a token that the cluster refuses is said to be refused, after one request each', async () => {
      const handle = await submit(under.jobs, job(under.shell('exit 0')));
      proxy.passesCredentials = true;
      try {
        const before = proxy.requests.length;
        expect(await kindOf(() => under.jobs.inspect(handle))).toBe('Unauthorized');
        expect(await kindOf(() => submit(under.jobs, job(under.shell('exit 0'))))).toBe(
          'Unauthorized',
        );
        expect(
          proxy.requests.slice(before).filter((one) => !one.includes('watch=true')),
        ).toHaveLength(2);
        const { reachable, message } = await under.backend.health();
        expect(reachable).toBe(false);
        expect(message).not.toContain('no-token-of-the-cluster');
      } finally {
        proxy.passesCredentials = false;
      }
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
    });

    test('a job whose pod somebody deleted is over, and neither a success nor an end of its own', async () => {
      const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
      await untilPrinted(under.jobs, handle, 'up');
      const name = nativeText(handle, 'name');
      await under.kubectl('delete', 'pod', '-l', `fathom/name=${name}`, '--wait=false');
      const { exit } = await untilEnded(under.jobs, handle);
      expect(exit).toMatchObject({ cause: 'UNKNOWN', code: null });
      expect(exit?.message).toMatch(/pod/i);
    });

    test('a job that somebody deleted is NotFound', async () => {
      const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
      await untilPrinted(under.jobs, handle, 'up');
      await under.kubectl('delete', 'job', nativeText(handle, 'name'), '--wait=false');
      expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
    });

    test('cancel that races with the end of the job leaves one end, whoever looks', async () => {
      const handles = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          submit(under.jobs, job(under.shell(`sleep ${index}; exit 4`))),
        ),
      );
      const first = handles.map((handle) => untilEnded(under.jobs, handle));
      await untilEnded(under.jobs, handles[0] ?? fail());
      await Promise.all(handles.map((handle) => under.jobs.cancel(handle)));
      const seen = await Promise.all(first);
      for (const [index, handle] of handles.entries()) {
        expect(['EXITED', 'CANCELLED']).toContain(seen[index]?.exit?.cause);
        expect(await under.jobs.inspect(handle)).toEqual(seen[index]);
      }
    });

    test('an image that is not there is said, for as long as it is', async () => {
      const program = {
        kind: 'COMMAND',
        argv: ['true'],
        image: 'localhost/absent/image:1',
      } as const;
      const handle = await submit(under.jobs, job(program));
      const isSo = (code: string | undefined): boolean => code === 'IMAGE_UNAVAILABLE';
      const status = await untilJob(under.jobs, handle, ({ waiting }) => isSo(waiting?.code));
      expect(status).toMatchObject({ phase: 'PREPARING', startedAt: null });
      expect(status.waiting?.message).toMatch(/\w+ .*\.$/s);
      await under.jobs.cancel(handle);
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
    });

    test('an API server that is started again costs a running job nothing', async ({ skip }) => {
      if (cluster.restart === null) skip('FATHOM_KUBERNETES_RESTART is not set');
      const handle = await submit(
        under.jobs,
        job(under.shell('echo up; sleep 12; echo down; exit 6')),
      );
      await untilPrinted(under.jobs, handle, 'up');
      const [first] = await chunks(under.jobs, handle);
      await promisify(exec)(cluster.restart ?? 'false');
      const ended = async () => {
        for (;;) {
          const said = await untilEnded(under.jobs, handle).catch(() => null);
          if (said !== null) return said;
          await sleep(500);
        }
      };
      expect((await ended()).exit).toMatchObject({ cause: 'EXITED', code: 6 });
      const rest = await printed(under.jobs, handle, first?.cursor ?? null);
      expect(rest.map(({ text }) => text)).toEqual(['down']);
      // A node may take a minute until it hears of new pods again; what comes next has less patience.
      const next = await submit(under.jobs, job(under.shell('exit 0')));
      const { exit } = await untilEnded(under.jobs, next, AbortSignal.timeout(150_000));
      expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
    }, 300_000);

    test('the programs of several nodes find the first one, and their lines say whose they are', async () => {
      // The name of the first one is known when the cluster has heard of its pod, which takes long after a restart.
      const script = `if [ "$FATHOM_NODE_RANK" = 0 ]; then echo "heard $(nc -l -p 4000)"; else
        until echo hello | nc "$FATHOM_HEAD_ADDRESS" 4000; do sleep 0.3; done; echo said; fi`;
      const resources = { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 200, nodes: 2 };
      const handle = await submit(under.jobs, job(under.shell(script), { resources }));
      const { exit } = await untilEnded(under.jobs, handle, AbortSignal.timeout(240_000));
      expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
      const texts = (await printed(under.jobs, handle)).map(({ text }) => text);
      expect(texts).toContain('heard hello');
      expect(texts).toContain('[node 1] said');
    }, 300_000);

    test('what was left in the shared folder is there when nobody watched', async () => {
      const handle = await submit(under.jobs, job(under.shell('echo made > out/it')));
      proxy.isPartitioned = true;
      await sleep(6000);
      proxy.isPartitioned = false;
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
      expect(await textOf(await under.jobs.outputs(handle), 'it')).toBe('made\n');
    });
  });
}

function fail(): never {
  throw new Error('there is no such job');
}

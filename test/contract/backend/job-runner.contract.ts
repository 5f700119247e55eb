import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Handle, InputFile } from '../../../backends/contract/workload.ts';
import type { BackendTarget, BackendUnderTest } from './under-test.ts';
import {
  chunks,
  drain,
  job,
  kindOf,
  newKey,
  printed,
  soon,
  submit,
  textOf,
  untilEnded,
  untilJob,
  untilPrinted,
} from './under-test.ts';

/** The promises of `JobRunner`, and those of `Backend` about jobs: the definition of a backend that runs jobs. */
export function jobRunnerContract(target: BackendTarget): void {
  describe(`job runner: ${target.name}`, () => {
    let under: BackendUnderTest;
    beforeAll(async () => {
      under = await target.create();
    });
    afterAll(() => under.destroy());

    const endOf = async (script: string, more = {}) => {
      const handle = await submit(under.jobs, job(under.shell(script), more));
      const { exit } = await untilEnded(under.jobs, handle);
      return { handle, exit };
    };

    test('a program finds its inputs in its work folder and leaves outputs there', async () => {
      const handle = await submit(
        under.jobs,
        job(under.shell('cat data/deep/a.txt data/b > out/joined; mkdir out/x; echo 1 > out/x/y'), {
          inputs: [
            text('data/deep/a.txt', 'ein «Wort»\n'),
            {
              path: 'data/b',
              content: { kind: 'BLOB', sha256: under.blob('blob\n'), bytes: 5, url: null },
            },
          ],
        }),
      );
      const status = await untilEnded(under.jobs, handle);
      expect(status.exit).toMatchObject({ cause: 'EXITED', code: 0, signal: null });
      expect(status.startedAt).toBeLessThanOrEqual(status.endedAt ?? 0);
      const outputs = await under.jobs.outputs(handle);
      expect(await outputs.list('')).toEqual([
        { path: 'joined', bytes: 18 },
        { path: 'x/y', bytes: 2 },
      ]);
      expect(await outputs.list('x/')).toEqual([{ path: 'x/y', bytes: 2 }]);
      expect(await textOf(outputs, 'joined')).toBe('ein «Wort»\nblob\n');
    });

    test('outputs follow no link, and what is not there is NotFound', async () => {
      const { handle } = await endOf(
        'echo real > out/real; ln -s real out/link; ln -s /etc out/etc; ln -s / out/root; mkfifo out/pipe',
      );
      const outputs = await under.jobs.outputs(handle);
      expect(await outputs.list('')).toEqual([{ path: 'real', bytes: 5 }]);
      for (const path of [
        'link',
        'etc/passwd',
        'root/etc/passwd',
        '../record.json',
        'pipe',
        'no',
        '',
        '/etc/passwd',
      ]) {
        expect({ path, kind: await kindOf(() => outputs.read(path)) }).toEqual({
          path,
          kind: 'NotFound',
        });
      }
    });

    test('arguments and environment reach the program unmangled', async () => {
      const wild = [
        'two words',
        `'single' "double" \`back\``,
        'line one\nline two\n',
        '$(touch out/injected) ${HOME} %PATH% $((1+1)) && rm -rf . ; #',
        'ünïcödé 漢字 🙂',
        '\\n \\ \t tab',
        '',
        '--flag=-x',
        '{{ .Values }} ${NOMAD_META} <%= 1 %>',
      ];
      const environment = Object.fromEntries(wild.map((value, index) => [`WILD_${index}`, value]));
      const script = `for a in "$@"; do printf '%s\\0' "$a" >> out/argv; done
        for i in 0 1 2 3 4 5 6 7 8; do eval "v=\\$WILD_$i"; printf '%s\\0' "$v" >> out/env; done`;
      const program = under.shell(script, ...wild);
      const handle = await submit(under.jobs, job(program, { environment }));
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
      const outputs = await under.jobs.outputs(handle);
      expect((await textOf(outputs, 'argv')).split('\0').slice(0, -1)).toEqual(wild);
      expect((await textOf(outputs, 'env')).split('\0').slice(0, -1)).toEqual(wild);
      expect((await outputs.list('')).map(({ path }) => path)).toEqual(['argv', 'env']);
    });

    test('a secret reaches the program and stands in nothing that can be listed', async () => {
      const secret = `s3cr3t-${process.pid}-$(id) "q"`;
      const program = under.shell(
        'printf %s "$TOKEN" | wc -c > out/length; echo ready; read -r x < gate',
      );
      const handle = await submit(under.jobs, job(program, { secrets: { TOKEN: secret } }));
      await untilPrinted(under.jobs, handle, 'ready').catch(() => undefined);
      expect(await under.listing()).not.toContain(secret.slice(0, 12));
      await under.jobs.cancel(handle);
      await untilEnded(under.jobs, handle);
      const length = await textOf(await under.jobs.outputs(handle), 'length');
      expect(Number(length)).toBe(secret.length);
      expect(await under.listing()).not.toContain(secret.slice(0, 12));
    });

    test('the same key is the same job, at the same time, later and from another process', async () => {
      const key = newKey();
      const workload = job(
        under.shell('echo started >> ../starts 2>/dev/null; echo started; sleep 0.2'),
      );
      const [first, ...handles] = await Promise.all([
        submit(under.jobs, workload, key),
        ...Array.from({ length: 9 }, () => submit(under.jobs, workload, key)),
      ]);
      handles.push(await under.submitElsewhere(workload, key));
      await untilEnded(under.jobs, first);
      handles.push(await submit(under.jobs, workload, key));
      handles.push(await submit(under.jobs, job(under.shell('echo other')), key));
      for (const handle of handles) expect(handle).toEqual(first);
      expect(JSON.parse(JSON.stringify(first))).toEqual(first);
      const lines = await printed(under.jobs, first);
      expect(lines.map((line) => line.text)).toEqual(['started']);
    });

    test('a job submitted by a process that is gone goes on and is watched from here', async () => {
      const handle = await under.submitElsewhere(job(under.shell('sleep 0.3; exit 6')), newKey());
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({
        cause: 'EXITED',
        code: 6,
      });
    });

    test('exit codes come back as themselves, with the last lines of standard error', async () => {
      const { exit } = await endOf('echo out; echo "first" >&2; echo "the reason" >&2; exit 42');
      expect(exit).toMatchObject({ cause: 'EXITED', code: 42, signal: null });
      expect(exit?.message).toContain('the reason');
      expect((await endOf('exit 0')).exit).toMatchObject({ cause: 'EXITED', code: 0 });
    });

    test('a signal from elsewhere comes back as itself', async () => {
      const { exit } = await endOf('kill -KILL $$');
      expect(exit).toMatchObject({ cause: 'SIGNALLED', code: null, signal: 'SIGKILL' });
    });

    test('a program that is not there ends as not started, and says so', async () => {
      const program = { kind: 'COMMAND', argv: ['/no/such/program'], image: null } as const;
      const handle = await submit(under.jobs, job(program));
      const { exit, startedAt } = await untilEnded(under.jobs, handle);
      expect(exit).toMatchObject({ cause: 'NOT_STARTED', code: null });
      expect(exit?.message).toContain('/no/such/program');
      expect(startedAt).toBeNull();
    });

    test('the time limit ends a job as TIME_LIMIT', async ({ skip }) => {
      if (!under.backend.capabilities.enforcesTimeLimit) skip();
      const { exit } = await endOf('trap "" TERM; while :; do sleep 0.1; done', {
        resources: { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 1 },
      });
      expect(exit).toMatchObject({ cause: 'TIME_LIMIT' });
    });

    test('using more memory than asked for ends a job as OUT_OF_MEMORY', async ({ skip }) => {
      if (!under.backend.capabilities.enforcesMemory) skip();
      const script =
        'x=0123456789; while :; do x="$x$x"; [ ${#x} -gt 150000000 ] && sleep 20; done';
      const { exit } = await endOf(script, {
        resources: { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 },
      });
      expect(exit).toMatchObject({ cause: 'OUT_OF_MEMORY' });
    });

    test('watch says each thing once, agrees with inspect, and ends with the end', async () => {
      const handle = await submit(under.jobs, job(under.shell('sleep 0.2')));
      const seen: string[] = [];
      let last: unknown = null;
      for await (const status of under.jobs.watch(handle, soon())) {
        seen.push(JSON.stringify(status));
        last = status;
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(last).toEqual(await under.jobs.inspect(handle));
      const phases = seen.map((status) => (JSON.parse(status) as { phase: string }).phase);
      const order = ['PENDING', 'PREPARING', 'RUNNING', 'ENDED'];
      expect(phases).toEqual(phases.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
      const again: unknown[] = [];
      for await (const status of under.jobs.watch(handle, soon())) again.push(status);
      expect(again).toEqual([last]);
    });

    test('a watch that is aborted ends without an error, and the job goes on', async () => {
      const handle = await submit(under.jobs, job(under.shell('sleep 20')));
      const stop = new AbortController();
      const watching = drain(under.jobs.watch(handle, stop.signal));
      await untilJob(under.jobs, handle, ({ phase }) => phase === 'RUNNING');
      stop.abort();
      await watching;
      expect((await under.jobs.inspect(handle)).phase).toBe('RUNNING');
      await under.backend.release(handle);
    });

    test('logs keep the order of each stream and resume after any cursor', async () => {
      const before = Date.now();
      const script =
        'for i in 1 2 3; do echo "out $i"; echo "err $i" >&2; sleep 0.03; done; printf "no end"';
      const { handle } = await endOf(script);
      const lines = await printed(under.jobs, handle);
      const of = (stream: string) =>
        lines.filter((line) => line.stream === stream).map((line) => line.text);
      expect(of('STDOUT')).toEqual(['out 1', 'out 2', 'out 3', 'no end']);
      expect(of('STDERR')).toEqual(['err 1', 'err 2', 'err 3']);
      for (const { at } of lines) expect(at).toBeGreaterThanOrEqual(before - 1000);
      const all = await chunks(under.jobs, handle);
      for (const [index, chunk] of all.entries()) {
        const rest = all.slice(index + 1).flatMap((one) => one.lines);
        expect(await printed(under.jobs, handle, chunk.cursor)).toEqual(rest);
      }
    });

    test('a reader that follows a running job by cursors gets every line once', async () => {
      const script = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "line $i"; sleep 0.01; done';
      const handle = await submit(under.jobs, job(under.shell(script)));
      const seen: string[] = [];
      let cursor: string | null = null;
      for (let ended = false; ;) {
        for (const chunk of await chunks(under.jobs, handle, cursor)) {
          expect(chunk.lines.length).toBeGreaterThan(0);
          seen.push(...chunk.lines.map((line) => line.text));
          cursor = chunk.cursor;
        }
        if (ended) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
        ended = (await under.jobs.inspect(handle)).phase === 'ENDED';
      }
      expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => `line ${index + 1}`));
    });

    test('a line longer than 16 KiB is cut, and characters stay whole', async () => {
      const script = `s=ä漢; while [ \${#s} -lt 20000 ]; do s="$s$s"; done; echo "$s"; echo after`;
      const { handle } = await endOf(script);
      const [long, after] = await printed(under.jobs, handle);
      expect(Buffer.byteLength(long?.text ?? '')).toBeLessThanOrEqual(16 * 1024);
      expect(Buffer.byteLength(long?.text ?? '')).toBeGreaterThan(16 * 1024 - 8);
      expect(long?.text).toMatch(/^[ä漢]+…$/);
      expect(after?.text).toBe('after');
    });

    test('bytes that are no text do not break the log', async () => {
      const { handle } = await endOf(
        String.raw`printf 'a\377\376\000b\r\n\033[31mred\n'; echo last`,
      );
      const lines = (await printed(under.jobs, handle)).map((line) => line.text);
      expect(lines).toHaveLength(3);
      expect(lines.at(-1)).toBe('last');
    });

    test('cancel ends a running job, as often as it is asked', async () => {
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
      const handle = await submit(under.jobs, job(under.shell('sleep 30')));
      await under.jobs.cancel(handle);
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
    });

    test('cancelling a job that ended changes nothing', async () => {
      const { handle } = await endOf('exit 5');
      const before = await under.jobs.inspect(handle);
      await under.jobs.cancel(handle);
      expect(await under.jobs.inspect(handle)).toEqual(before);
    });

    test('a handle that is unknown, foreign or forged is NotFound everywhere', async () => {
      const real = await submit(under.jobs, job(under.shell('exit 0')));
      await untilEnded(under.jobs, real);
      const forged: Handle[] = [
        { backend: under.backend.name, version: 1, native: { kind: 'JOB', name: 'no-such-job' } },
        { backend: under.backend.name, version: 1, native: {} },
        { backend: under.backend.name, version: 1, native: { kind: 'JOB', name: '../jobs' } },
        { ...real, backend: 'another' },
      ];
      for (const handle of forged) {
        for (const call of everyCall(under, handle)) expect(await kindOf(call)).toBe('NotFound');
        await under.backend.release(handle);
      }
      expect((await under.jobs.inspect(real)).phase).toBe('ENDED');
    });

    test('inputs that would leave the work folder are refused, and nothing is kept', async () => {
      const paths = [
        '../x',
        '/etc/x',
        'a/../../x',
        '',
        '.',
        'a//b',
        './a',
        'a/',
        'a\\b',
        'a\0b',
        '..',
      ];
      for (const path of paths) {
        const workload = job(under.shell('exit 0'), { inputs: [text(path, 'x')] });
        expect({ path, kind: await kindOf(() => submit(under.jobs, workload)) }).toEqual({
          path,
          kind: 'Rejected',
        });
      }
      const twice = job(under.shell('exit 0'), { inputs: [text('a', 'x'), text('a/b', 'y')] });
      expect(await kindOf(() => submit(under.jobs, twice))).toBe('Rejected');
    });

    test('a blob that is not there is refused, and the key stays free', async () => {
      const key = newKey();
      const content = { kind: 'BLOB', sha256: '0'.repeat(64), bytes: 1, url: null } as const;
      const workload = job(under.shell('exit 0'), { inputs: [{ path: 'b', content }] });
      expect(await kindOf(() => submit(under.jobs, workload, key))).toBe('Rejected');
      const handle = await submit(under.jobs, job(under.shell('exit 9')), key);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(9);
    });

    test('what no program can be given is refused', async () => {
      const bad = [
        job({ kind: 'COMMAND', argv: [], image: null }),
        job({ kind: 'COMMAND', argv: ['a\0b'], image: null }),
        job(under.shell('exit 0'), { environment: { 'A=B': 'x' } }),
        job(under.shell('exit 0'), { environment: { '': 'x' } }),
        job(under.shell('exit 0'), { secrets: { A: 'x\0y' } }),
      ];
      for (const workload of bad) {
        expect(await kindOf(() => submit(under.jobs, workload))).toBe('Rejected');
      }
    });

    test('an image is Unsupported where no images run', async ({ skip }) => {
      if (under.backend.capabilities.images) skip();
      const programs = [
        { kind: 'COMMAND', argv: ['true'], image: 'an/image' },
        {
          kind: 'MODULE',
          module: { slug: 'm', source: { kind: 'IMAGE', image: 'an/image' } },
          operation: 'train',
        },
      ] as const;
      for (const program of programs) {
        expect(await kindOf(() => submit(under.jobs, job(program)))).toBe('Unsupported');
      }
    });

    test('a submit that was given up leaves nothing', async () => {
      const key = newKey();
      const signal = AbortSignal.abort();
      const workload = job(under.shell('exit 1'));
      await kindOf(() => under.jobs.submit(workload, { key, signal }));
      const handle = await submit(under.jobs, job(under.shell('exit 2')), key);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(2);
    });

    test('another instance reattaches by the handle, also as read back from JSON', async () => {
      const script =
        'echo one; while [ ! -e data/go ] && [ ! -e out/go ]; do sleep 0.05; done; echo two';
      const handle = await submit(
        under.jobs,
        job(under.shell(`(sleep 0.5; touch out/go) & ${script}`)),
      );
      await untilPrinted(under.jobs, handle, 'one');
      const [first] = await chunks(under.jobs, handle);
      const other = await under.again();
      try {
        const jobs = other.jobs;
        if (jobs === null) throw new Error('the other instance runs no jobs');
        const stored = JSON.parse(JSON.stringify(handle)) as Handle;
        expect((await untilEnded(jobs, stored)).exit?.code).toBe(0);
        // A look at a job that runs may be overtaken; two looks at its end say the same.
        expect(await jobs.inspect(stored)).toEqual(await untilEnded(under.jobs, handle));
        const rest = await printed(jobs, stored, first?.cursor ?? null);
        expect(rest.map((line) => line.text)).toEqual(['two']);
      } finally {
        await other.close();
      }
    });

    test('after close every method rejects, close may be repeated, and the job goes on', async () => {
      const other = await under.again();
      const jobs = other.jobs;
      if (jobs === null) throw new Error('the other instance runs no jobs');
      const workload = job(under.shell('sleep 0.3; exit 8'));
      const handle = await submit(jobs, workload);
      const watching = kindOf(() => drain(jobs.watch(handle, soon())));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await other.close();
      await other.close();
      expect(await watching).toBe('Closed');
      for (const call of everyCall({ jobs }, handle)) expect(await kindOf(call)).toBe('Closed');
      expect(await kindOf(() => submit(jobs, workload))).toBe('Closed');
      expect(await kindOf(() => other.release(handle))).toBe('Closed');
      expect((await other.health()).reachable).toBe(false);
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(8);
    });

    test('release stops, forgets and may be repeated; then the key is free', async () => {
      const key = newKey();
      const workload = job(under.shell('echo up; sleep 30'));
      const handle = await submit(under.jobs, workload, key);
      await untilPrinted(under.jobs, handle, 'up');
      await under.backend.release(handle);
      await under.backend.release(handle);
      expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
      const second = await submit(under.jobs, job(under.shell('exit 4')), key);
      expect((await untilEnded(under.jobs, second)).exit?.code).toBe(4);
    });

    test('health says what there is in a sentence, and what is in use', async () => {
      const handle = await submit(
        under.jobs,
        job(under.shell('echo up; sleep 30'), {
          resources: { cpus: 0.5, memoryMiB: 100, gpus: null, timeLimitSeconds: 60 },
        }),
      );
      await untilPrinted(under.jobs, handle, 'up');
      const health = await under.backend.health();
      expect(health.reachable).toBe(true);
      expect(health.message).toMatch(/\w+ .*\.$/s);
      // A backend that cannot know its capacity says null.
      const inUse = health.capacity ?? { cpusInUse: 0.5, memoryInUseMiB: 100 };
      expect(inUse.cpusInUse).toBeGreaterThanOrEqual(0.5);
      expect(inUse.memoryInUseMiB).toBeGreaterThanOrEqual(100);
      await under.backend.release(handle);
    });
  });
}

function text(path: string, content: string): InputFile {
  return { path, content: { kind: 'TEXT', text: content } };
}

function everyCall(
  { jobs }: Pick<BackendUnderTest, 'jobs'>,
  handle: Handle,
): readonly (() => Promise<unknown>)[] {
  return [
    () => jobs.inspect(handle),
    () => drain(jobs.watch(handle, soon())),
    () => drain(jobs.logs(handle, { after: null, signal: soon() })),
    () => jobs.cancel(handle),
    () => jobs.outputs(handle),
  ];
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import type { JobsUnderTest, ServicesUnderTest } from './under-test.ts';
import {
  chunks,
  endOf,
  job,
  kindOf,
  nativeText,
  newKey,
  printed,
  service,
  soon,
  submit,
  textOf,
  untilEnded,
  untilPrinted,
} from './under-test.ts';

export type NativeNomad = JobsUnderTest &
  ServicesUnderTest & {
    readonly sharedFolder: string;
    again(settings?: object): Promise<Backend>;
    /** Nomad forgets what is dead. */
    collect(): Promise<void>;
  };

/** What Nomad does to texts, logs and old jobs: for the fake and for the real one. */
export function nativePromises(target: {
  readonly name: string;
  /** Engines of containers tell signal N as exit code 128 + N. */
  readonly isContainer?: boolean;
  readonly create: (settings?: object) => Promise<NativeNomad>;
}): void {
  describe(`what is Nomad's own: ${target.name}`, () => {
    let under: NativeNomad;
    beforeAll(async () => {
      under = await target.create();
    });
    afterAll(() => under?.destroy());

    test('words that mean something to HCL and to templates arrive as they are', async () => {
      const wild = [
        '$${HOME}',
        '$$${HOME}$',
        '%{ if true }x%{ endif }',
        '%%{a} %',
        '$%{x}',
        '${env["PATH"]} ${NOMAD_JOB_ID} ${node.unique.id}',
        '{{ env "PATH" }} {{ range }}',
        '[fathom0[ .environment ]fathom0]',
        '"${"$"}"',
        'x'.repeat(40_000),
      ];
      const environment = Object.fromEntries(wild.map((value, index) => [`WILD_${index}`, value]));
      const script = `for a in "$@"; do printf '%s\\0' "$a" >> out/argv; done
        for i in 0 1 2 3 4 5 6 7 8 9; do eval "v=\\$WILD_$i"; printf '%s\\0' "$v" >> out/env; done`;
      const program = under.shell(script, ...wild);
      const handle = await submit(under.jobs, job(program, { environment }));
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 0 });
      const outputs = await under.jobs.outputs(handle);
      expect((await textOf(outputs, 'argv')).split('\0').slice(0, -1)).toEqual(wild);
      expect((await textOf(outputs, 'env')).split('\0').slice(0, -1)).toEqual(wild);
      await under.backend.release(handle);
    });

    test('a name of a variable that Nomad cannot carry is refused', async () => {
      const workload = job(under.shell('exit 0'), { environment: { 'A-B': 'x' } });
      expect(await kindOf(() => submit(under.jobs, workload))).toBe('Rejected');
      const long = job(under.shell('exit 0'), { environment: { A: 'x'.repeat(70_000) } });
      expect(await kindOf(() => submit(under.jobs, long))).toBe('Rejected');
    });

    test('a log goes on by cursors when its oldest files are gone', async () => {
      const other = await under.again({ logLimitMiB: 2 });
      try {
        if (other.jobs === null) throw new Error('it runs no jobs');
        const script = `line=$(printf %01000d 7); i=0
          part() { n=0; while [ $n -lt 1500 ]; do n=$((n+1)); i=$((i+1)); echo "$i $line"; done; }
          part; echo first >&2; while [ ! -e out/go ]; do sleep 0.05; done; part; part; part; part; part
          while [ ! -e out/seen ]; do sleep 0.05; done`;
        const handle = await submit(other.jobs, job(under.shell(script)));
        await untilPrinted(other.jobs, handle, 'first');
        const before = await chunks(other.jobs, handle);
        const middle = before.find(({ lines }) =>
          lines.some(({ text }) => text.startsWith('1001 ')),
        );
        const work = join(under.sharedFolder, 'jobs', nativeText(handle, 'name'), 'work');
        await writeFile(join(work, 'out/go'), '');
        // What a container printed last Nomad drops when it ends before that was collected.
        if (target.isContainer === true) await untilPrinted(other.jobs, handle, '9000 ');
        await writeFile(join(work, 'out/seen'), '');
        expect((await untilEnded(other.jobs, handle)).exit).toMatchObject({ code: 0 });
        const kept = numbers(await printed(other.jobs, handle));
        expect(kept.at(-1)).toBe(9000);
        expect(kept[0]).toBeGreaterThan(1500);
        // Behind a cursor whose file is gone comes what there is.
        const rest = numbers(await printed(other.jobs, handle, middle?.cursor ?? null));
        expect(rest).toEqual(kept);
        const all = await chunks(other.jobs, handle);
        for (const index of [1, 4, all.length - 2]) {
          const behind = all.slice(index + 1).flatMap(({ lines }) => lines);
          expect(await printed(other.jobs, handle, all[index]?.cursor ?? null)).toEqual(behind);
        }
        await other.release(handle);
      } finally {
        await other.close();
      }
    });

    test('a program that does not heed SIGTERM is killed, and was cancelled', async () => {
      const handle = await submit(
        under.jobs,
        job(under.shell('trap "" TERM; echo up; while :; do sleep 0.1; done')),
      );
      await untilPrinted(under.jobs, handle, 'up');
      await under.jobs.cancel(handle);
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
      await under.backend.release(handle);
    });

    test('an end that was seen is remembered when Nomad has forgotten the job', async () => {
      const key = newKey();
      const handle = await submit(under.jobs, job(under.shell('exit 7')), key);
      const ended = await untilEnded(under.jobs, handle);
      await under.collect();
      expect(await under.jobs.inspect(handle)).toEqual(ended);
      expect(ended.exit?.code).toBe(7);
      await under.jobs.cancel(handle);
      // The key still is that job: it is not run again.
      expect(await submit(under.jobs, job(under.shell('exit 8')), key)).toEqual(handle);
      expect(await kindOf(() => printed(under.jobs, handle))).toBe('NotFound');
      await under.backend.release(handle);
      expect(await kindOf(() => under.jobs.inspect(handle))).toBe('NotFound');
    });

    test('a job that Nomad forgot before anybody saw its end is NotFound, and says why', async () => {
      const handle = await submit(under.jobs, job(under.shell('echo 1 > out/done')));
      const outputs = await under.jobs.outputs(handle);
      for (const limit = soon(); !limit.aborted && (await outputs.list('')).length === 0;) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await new Promise((resolve) => setTimeout(resolve, 700));
      await under.collect();
      const error = await under.jobs.inspect(handle).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ kind: 'NotFound' });
      expect((error as Error).message).toContain('collected');
      await under.backend.release(handle);
    });

    test('without a shared folder programs run, and files are Unsupported', async () => {
      const other = await under.again({ sharedFolder: null });
      try {
        if (other.jobs === null) throw new Error('it runs no jobs');
        const handle = await submit(other.jobs, job(under.shell('echo here; exit 4')));
        expect((await untilEnded(other.jobs, handle)).exit?.code).toBe(4);
        expect((await printed(other.jobs, handle)).map(({ text }) => text)).toEqual(['here']);
        const { jobs } = other;
        expect(await kindOf(() => jobs.outputs(handle))).toBe('Unsupported');
        const content = { kind: 'TEXT', text: 'x' } as const;
        const withFile = job(under.shell('exit 0'), { inputs: [{ path: 'a', content }] });
        expect(await kindOf(() => submit(jobs, withFile))).toBe('Unsupported');
        await other.release(handle);
      } finally {
        await other.close();
      }
    });

    test('a service is healthy in Nomad too, and scaling waits for no deployment', async () => {
      const options = { key: newKey(), signal: soon() };
      const handle = await under.services.deploy(service(under.server()), options);
      await under.services.scale(handle, 2);
      await under.services.scale(handle, 3);
      for await (const status of under.services.watch(handle, soon())) {
        if (status.replicas.filter(({ phase }) => phase === 'READY').length === 3) break;
      }
      const status = await under.services.status(handle);
      expect(status.replicas).toHaveLength(3);
      expect(status.native).toContain('3 running, 3 wanted');
      await under.backend.release(handle);
    });

    test('signals and codes that look alike are told apart, where that can be known', async () => {
      const killed = { cause: 'SIGNALLED', code: null, signal: 'SIGKILL' };
      const exited = { cause: 'EXITED', code: 137 };
      const { exit } = await endOf(under, 'exit 137');
      expect(exit).toMatchObject(target.isContainer === true ? killed : exited);
      expect((await endOf(under, 'kill -TERM $$')).exit).toMatchObject({
        cause: 'SIGNALLED',
        signal: 'SIGTERM',
      });
    });
  });
}

function numbers(lines: readonly { readonly text: string }[]): readonly number[] {
  return lines.filter(({ text }) => / 0*7$/.test(text)).map(({ text }) => parseInt(text));
}

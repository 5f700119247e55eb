import { expect, test } from 'vitest';
import type { InputFile } from '../../../backends/contract/workload.ts';
import type { JobsUnderTest } from './under-test.ts';
import {
  endOf,
  job,
  kindOf,
  newKey,
  submit,
  textOf,
  untilEnded,
  untilPrinted,
} from './under-test.ts';

/** What a program of a job is given, and what it leaves. */
export function programPromises(opened: () => JobsUnderTest): void {
  test('a program finds its inputs in its work folder and leaves outputs there', async () => {
    const under = opened();
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
    const under = opened();
    const { handle } = await endOf(
      under,
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
    const under = opened();
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

  test('a key, a title and labels written to break a shell, a YAML file or a template have no effect', async () => {
    const under = opened();
    const evil = `$(touch out/a) \`touch out/b\` '; touch out/c; "\n- x: {{ .y }} \${z}\n#!/../..`;
    const workload = job(under.shell('echo 1 > out/only'), {
      title: evil,
      labels: { run: evil, 'a/../b $(c)': 'x' },
    });
    const handle = await submit(under.jobs, workload, `${evil} ${newKey()}`);
    expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 0 });
    expect(await (await under.jobs.outputs(handle)).list('')).toEqual([{ path: 'only', bytes: 2 }]);
  });

  test('a secret reaches the program and stands in nothing that can be listed', async () => {
    const under = opened();
    const secret = `s3cr3t-${process.pid}-$(id) "q"`;
    const program = under.shell(
      'printf %s "$TOKEN" | wc -c > out/length; echo ready; read -r x < gate',
    );
    const handle = await submit(under.jobs, job(program, { secrets: { TOKEN: secret } }));
    await untilPrinted(under.jobs, handle, 'ready');
    const told = async (): Promise<string> =>
      JSON.stringify([
        await under.listing(),
        handle,
        await under.jobs.inspect(handle),
        await under.backend.health(),
      ]);
    expect(await told()).not.toContain(secret.slice(0, 12));
    await under.jobs.cancel(handle);
    await untilEnded(under.jobs, handle);
    const length = await textOf(await under.jobs.outputs(handle), 'length');
    expect(Number(length)).toBe(secret.length);
    expect(await told()).not.toContain(secret.slice(0, 12));
  });

  test('inputs that would leave the work folder are refused, and nothing is kept', async () => {
    const under = opened();
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
    const under = opened();
    const key = newKey();
    const content = { kind: 'BLOB', sha256: '0'.repeat(64), bytes: 1, url: null } as const;
    const workload = job(under.shell('exit 0'), { inputs: [{ path: 'b', content }] });
    expect(await kindOf(() => submit(under.jobs, workload, key))).toBe('Rejected');
    const handle = await submit(under.jobs, job(under.shell('exit 9')), key);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(9);
  });

  test('what no program can be given is refused', async () => {
    const under = opened();
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
    const under = opened();
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
}

function text(path: string, content: string): InputFile {
  return { path, content: { kind: 'TEXT', text: content } };
}

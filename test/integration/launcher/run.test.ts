import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sample } from '../../contract/blob-store.contract.ts';
import { contentOf, Dock, listed, printed, until } from './dock.ts';

let dock: Dock;
beforeEach(async () => {
  dock = await Dock.open();
});
afterEach(() => dock.destroy());

describe('the launcher around a program', () => {
  test('data goes out, lines, files and the exit code come back', async () => {
    const data = sample(300_000);
    const inputs = [
      await dock.blob('data/a b/ünï.bin', data),
      { path: 'workload.json', content: { kind: 'TEXT', text: '{"n":1}' } } as const,
    ];
    const delivery = await dock.opened('one', inputs);
    const launched = dock.run(
      delivery,
      await dock.workFolder(),
      `cat workload.json; echo; echo "$GREETING"; echo oops >&2
       env | grep -c FATHOM_DELIVERY
       mkdir -p out/model; cp "data/a b/ünï.bin" out/model/weights; echo '{}' > out/output.json; exit 3`,
    );
    expect(await launched.ended).toEqual({ code: 3, signal: null });
    expect(launched.output).toBe('{"n":1}\nit is $(me) "here"\n0\n');
    expect(launched.errors).toBe('oops\n');
    const received = await dock.received('one');
    expect(received.exit).toEqual({
      cause: 'EXITED',
      code: 3,
      signal: null,
      message: 'It ended with exit code 3. Its last lines:\noops',
    });
    expect(await listed(received)).toEqual(['model/weights', 'output.json']);
    expect(await contentOf(received, 'model/weights')).toEqual(data);
    const lines = await printed(received);
    expect(lines.filter(({ stream }) => stream === 'STDOUT').map(({ text }) => text)).toEqual([
      '{"n":1}',
      'it is $(me) "here"',
      '0',
    ]);
    expect(lines).toContainEqual({ stream: 'STDERR', text: 'oops' });
    expect(received.heardAt).toBeGreaterThan(0);
  });

  test('a file among the data may say the program, and is gone before it starts', async () => {
    const script = 'ls -A | sort; echo "$1|$WORD|$FATHOM_WORK_FOLDER"; exit 4';
    const text = JSON.stringify({
      argv: ['/bin/sh', '-c', script, 'sh', '/@place@/data $(id)'],
      environment: { WORD: 'hush /@place@' },
      workFolder: '/@place@',
    });
    const delivery = await dock.opened('one', [
      { path: '.program', content: { kind: 'TEXT', text } },
    ]);
    const work = await dock.workFolder();
    const launched = dock.launch(delivery, work, ['run', '--program', '.program']);
    expect(await launched.ended).toEqual({ code: 4, signal: null });
    expect(launched.output).toBe(`.fathom\nout\n${work}/data $(id)|hush ${work}|${work}\n`);
    expect((await dock.received('one')).exit).toMatchObject({ cause: 'EXITED', code: 4 });
    expect((await stat(join(work, '.fathom', 'told.json'))).isFile()).toBe(true);
  });

  test('a file that says no program starts nothing, and says so', async () => {
    for (const [key, text] of [
      ['none', null],
      ['odd', 'no JSON'],
      ['empty', '{"argv":[],"environment":{},"workFolder":""}'],
    ] as const) {
      const inputs =
        text === null ? [] : [{ path: 'say', content: { kind: 'TEXT', text } } as const];
      const delivery = await dock.opened(key, inputs);
      const args = ['run', '--program', 'say'];
      const launched = dock.launch(delivery, await dock.workFolder(), args);
      expect(await launched.ended).toEqual({ code: 126, signal: null });
      expect((await dock.received(key)).exit).toMatchObject({ cause: 'NOT_STARTED' });
    }
    const both = ['run', '--program', 'say', '--', 'true'];
    const launched = dock.launch(await dock.opened('both'), await dock.workFolder(), both);
    expect(await launched.ended).toEqual({ code: 64, signal: null });
  });

  test('lines are cut into lines, whatever the program does', async () => {
    const script = `printf 'a\\r\\n\\nno end yet'; sleep 0.1; printf ' and now\\nübung\\nlast without end'
      head -c 20000 /dev/zero | tr '\\0' 'y' >&2`;
    const launched = dock.run(await dock.opened('one'), await dock.workFolder(), script, [
      '--no-echo',
    ]);
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    expect([launched.output, launched.errors]).toEqual(['', '']);
    const lines = await printed(await dock.received('one'));
    const of = (stream: string) =>
      lines.filter((line) => line.stream === stream).map(({ text }) => text);
    expect(of('STDOUT')).toEqual(['a', '', 'no end yet and now', 'übung', 'last without end']);
    expect(of('STDERR')).toEqual([`${'y'.repeat(16 * 1024 - 3)}…`]);
  });

  test('a checkpoint is there when its line is', async () => {
    const script = `for n in 1 2 3; do
        mkdir -p out/checkpoints/.new; head -c 200000 /dev/urandom > out/checkpoints/.new/weights
        mv out/checkpoints/.new out/checkpoints/$n
        echo '{"type":"checkpoint","epoch":'$n',"path":"checkpoints/'$n'"}'; echo after $n
      done
      until [ -e go ]; do sleep 0.01; done`;
    const work = await dock.workFolder();
    // Nothing would settle in the time of this test: only the line makes files go out.
    const launched = dock.run(await dock.opened('one'), work, script, ['--settle', '600']);
    await until(async () => {
      const lines = (await printed(await dock.received('one'))).map(({ text }) => text);
      const files = await listed(await dock.received('one'));
      const told = lines.filter((text) => text.startsWith('{'));
      expect(files.length).toBeGreaterThanOrEqual(told.length);
      return lines.includes('after 3');
    });
    const names = [1, 2, 3].map((n) => `checkpoints/${n}/weights`);
    expect(await listed(await dock.received('one'))).toEqual(names);
    await writeFile(join(work, 'go'), '');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
  });

  test('while the program runs only complete files go out, and all of them at its end', async () => {
    const script = `exec 3> out/open; printf half >&3
      printf half > out/model.unfinished; printf half > out/.hidden; printf half > out/x.tmp
      printf whole > out/.y; mv out/.y out/whole; printf 1 > out/grows
      until [ -e go ]; do sleep 0.01; done
      printf ' and half' >&3; mv out/model.unfinished out/model; printf 22 > out/grows`;
    const work = await dock.workFolder();
    const launched = dock.run(await dock.opened('one'), work, script);
    await until(async () => (await listed(await dock.received('one'))).length === 2);
    expect(await listed(await dock.received('one'))).toEqual(['grows', 'whole']);
    await writeFile(join(work, 'go'), '');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    const received = await dock.received('one');
    const all = ['.hidden', 'grows', 'model', 'open', 'whole', 'x.tmp'];
    expect(await listed(received)).toEqual(all);
    expect((await contentOf(received, 'open')).toString()).toBe('half and half');
    expect((await contentOf(received, 'grows')).toString()).toBe('22');
  });

  test('links and pipes in the outputs are followed nowhere', async () => {
    const script = `ln -s /etc/passwd out/link; ln -s /etc out/folder; mkfifo out/pipe; echo x > out/file`;
    const launched = dock.run(await dock.opened('one'), await dock.workFolder(), script);
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    expect(await listed(await dock.received('one'))).toEqual(['file']);
    const away = dock.run(
      await dock.opened('two'),
      await dock.workFolder(),
      'rmdir out; ln -s /etc out',
    );
    expect(await away.ended).toEqual({ code: 0, signal: null });
    expect(await listed(await dock.received('two'))).toEqual([]);
  });
});

describe('the end of the program', () => {
  async function endOf(script: string, options: readonly string[] = []) {
    const launched = dock.run(await dock.opened('one'), await dock.workFolder(), script, options);
    return { launched, ended: launched.ended, exit: async () => (await dock.received('one')).exit };
  }

  test('a signal is told as itself, and as a shell would', async () => {
    const { ended, exit } = await endOf('echo last; kill -KILL $$');
    expect(await ended).toEqual({ code: 137, signal: null });
    expect(await exit()).toEqual({
      cause: 'SIGNALLED',
      code: null,
      signal: 'SIGKILL',
      message: 'It was ended by SIGKILL. Its last lines:\nlast',
    });
  });

  test('beyond its time it is told to stop, and killed when it does not', async () => {
    const script = `trap 'echo no' TERM; echo begun; while :; do sleep 0.05; done`;
    const { ended, exit } = await endOf(script, ['--time-limit', '0.3', '--grace', '0.2']);
    expect(await ended).toEqual({ code: 137, signal: null });
    expect(await exit()).toMatchObject({ cause: 'TIME_LIMIT', signal: 'SIGKILL' });
    const texts = (await printed(await dock.received('one'))).map(({ text }) => text);
    expect(texts).toEqual(
      expect.arrayContaining(['begun', 'fathom: stopping the program: TIME_LIMIT', 'no']),
    );
  });

  test('a signal to the launcher reaches the program, whose own end counts', async () => {
    const script = `trap 'echo saving; echo x > out/saved; exit 9' TERM; echo begun; while :; do sleep 0.05; done`;
    const { launched, ended, exit } = await endOf(script);
    await launched.said('begun');
    launched.process.kill('SIGTERM');
    expect(await ended).toEqual({ code: 9, signal: null });
    expect(await exit()).toMatchObject({ cause: 'EXITED', code: 9, signal: null });
    expect((await exit())?.message).toContain('It had been told to stop (SIGTERM).');
    expect(await listed(await dock.received('one'))).toEqual(['saved']);
  });

  test('other signals are passed on and end nothing', async () => {
    const script = `trap 'echo one' USR1; trap 'echo two; exit 0' USR2; echo begun; while :; do sleep 0.05; done`;
    const { launched, ended } = await endOf(script);
    await launched.said('begun');
    launched.process.kill('SIGUSR1');
    await launched.said('one');
    launched.process.kill('SIGUSR2');
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  test('what it left running in its group ends with it', async () => {
    const work = await dock.workFolder();
    const script = 'sleep 600 & echo $! > child; exit 0';
    const launched = dock.run(await dock.opened('one'), work, script);
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    const child = Number(await readFile(join(work, 'child'), 'utf8'));
    await until(() => !isAlive(child));
  });

  test('a program that cannot be started is told as one', async () => {
    const delivery = await dock.opened('one');
    const launched = dock.launch(delivery, await dock.workFolder(), ['run', '--', '/no/such']);
    expect(await launched.ended).toEqual({ code: 126, signal: null });
    const { exit } = await dock.received('one');
    expect(exit).toMatchObject({ cause: 'NOT_STARTED', code: null });
    expect(exit?.message).toContain('/no/such');
  });

  test('data that are not there are told, and nothing is started', async () => {
    const gone = { kind: 'BLOB', sha256: '0'.repeat(64), bytes: 5, url: null } as const;
    const delivery = await dock.opened('one', [{ path: 'data', content: gone }]);
    const work = await dock.workFolder();
    const launched = dock.run(delivery, work, 'touch started');
    expect(await launched.ended).toEqual({ code: 126, signal: null });
    const { exit } = await dock.received('one');
    expect(exit).toMatchObject({ cause: 'NOT_STARTED' });
    expect(exit?.message).toContain('"data"');
    await expect(readFile(join(work, 'started'))).rejects.toThrow('ENOENT');
  });

  test('results that are refused are no success', async () => {
    await dock.destroy();
    dock = await Dock.open({ bytes: 100 });
    const { launched, ended, exit } = await endOf(
      'printf x > out/fits; head -c 200 /dev/zero > out/large',
    );
    expect(await ended).toEqual({ code: 74, signal: null });
    expect(launched.errors).toContain(
      'out/large is not taken: The files of a delivery have at most',
    );
    expect(await exit()).toMatchObject({ cause: 'UNKNOWN', code: 0 });
    expect((await exit())?.message).toContain('out/large');
    expect(await listed(await dock.received('one'))).toEqual(['fits']);
  });

  test('a log without end has its beginning kept, and the work goes on', async () => {
    await dock.destroy();
    dock = await Dock.open({ logBytes: 40_000 });
    const { ended, exit } = await endOf('echo begun; yes | head -n 100000; echo x > out/x', [
      '--no-echo',
    ]);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(await exit()).toMatchObject({ cause: 'EXITED', code: 0 });
    const lines = await printed(await dock.received('one'));
    expect(lines[0]?.text).toBe('begun');
    expect(lines.at(-1)?.text).toMatch(/^fathom: \d+ bytes of output were dropped in all$/);
  });
});

describe('beside and before a program', () => {
  test('fetch brings the data and nothing twice', async () => {
    const data = sample(50_000);
    const delivery = await dock.opened('one', [await dock.blob('data/x', data)]);
    const work = await dock.workFolder();
    await mkdir(join(work, 'data'));
    await writeFile(join(work, 'data', 'x'), sample(50_000).fill(1));
    for (let count = 0; count < 2; count++) {
      expect(await dock.launch(delivery, work, ['fetch']).ended).toEqual({ code: 0, signal: null });
      expect(await readFile(join(work, 'data', 'x'))).toEqual(data);
    }
    expect((await dock.received('one')).heardAt).toBe(null);
    // The program may be any user's.
    for (const folder of ['.', 'out', 'data']) {
      expect((await stat(join(work, folder))).mode & 0o777).toBe(0o777);
    }
  });

  test('return brings files while somebody else runs the program, and the rest at the stop file', async () => {
    const delivery = await dock.opened('one');
    const work = await dock.workFolder();
    const quick = ['--sweep', '0.02', '--settle', '0.05'];
    const launched = dock.launch(delivery, work, ['return', ...quick]);
    await mkdir(join(work, 'out', 'a'), { recursive: true });
    await writeFile(join(work, 'out', 'a', 'b'), 'early');
    await until(async () => (await listed(await dock.received('one'))).includes('a/b'));
    await writeFile(join(work, 'out', 'late.tmp'), 'late');
    await writeFile(join(work, 'out', '.ended'), '');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    const received = await dock.received('one');
    expect(await listed(received)).toEqual(['a/b', 'late.tmp']);
    expect([received.exit, received.logs]).toEqual([null, null]);
  });

  test('return brings the rest when it is told to stop', async () => {
    const delivery = await dock.opened('one');
    const work = await dock.workFolder();
    const launched = dock.launch(delivery, work, ['return', '--settle', '600']);
    await until(async () => (await dock.received('one')).logs === null);
    await writeFile(join(work, 'out', 'x'), 'x');
    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    expect(await listed(await dock.received('one'))).toEqual(['x']);
  });

  test('a call that is wrong, or a file that cannot be read, is said in a sentence', async () => {
    const delivery = await dock.opened('one');
    const work = await dock.workFolder();
    const calls = [[], ['run'], ['go'], ['fetch', '--work'], ['run', '--grace', 'x', '--', 'y']];
    const wrong = calls.map((args) => dock.launch(delivery, work, args));
    for (const launched of wrong) {
      expect(await launched.ended).toEqual({ code: 64, signal: null });
      expect(launched.errors).toContain('fathom: ');
      expect(launched.errors).not.toContain('    at ');
    }
    const nowhere = dock.launch({ ...delivery, url: 'ftp://x' }, work, ['fetch']);
    expect(await nowhere.ended).toEqual({ code: 64, signal: null });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

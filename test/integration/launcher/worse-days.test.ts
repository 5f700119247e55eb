import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sample } from '../../contract/blob-store.contract.ts';
import { BadLine, numbers } from './bad-line.ts';
import { contentOf, Dock, listed, printed, until } from './dock.ts';

let dock: Dock;
beforeEach(async () => {
  dock = await Dock.open();
});
afterEach(() => dock.destroy());

const ended = { code: 0, signal: null };
const texts = async () => (await printed(await dock.received('one'))).map(({ text }) => text);
const runs = async (work: string) =>
  (await readFile(join(work, 'runs'), 'utf8')).split('\n').length - 1;

describe('a line that breaks', () => {
  test('everything arrives, once, and whole at every moment', async () => {
    const data = sample(1_500_000);
    const opened = await dock.opened('one', [
      await dock.blob('data/x', data),
      await dock.blob('data/y', sample(10)),
    ]);
    const line = await BadLine.open(dock.port, numbers(3, 1500, 400_000));
    const delivery = { ...opened, url: opened.url.replace(/:\d+/, `:${line.port}`) };
    const script = `echo run >> runs; n=0; while [ $n -lt 300 ]; do n=$((n+1)); echo line $n; done
      cp data/x out/large; for n in 1 2 3 4 5 6 7 8; do echo $n > out/$n; done`;
    try {
      const work = await dock.workFolder();
      const launched = dock.run(delivery, work, script);
      let isOver = false;
      const watching = until(async () => {
        const received = await dock.received('one');
        for (const path of await listed(received)) {
          const expected = path === 'large' ? data : Buffer.from(`${path}\n`);
          expect(expected.equals(await contentOf(received, path))).toBe(true);
        }
        return isOver;
      });
      expect(await launched.ended).toEqual(ended);
      isOver = true;
      await watching;
      expect(line.cuts).toBeGreaterThan(5);
      expect(await runs(work)).toBe(1);
    } finally {
      await line.close();
    }
    expect(await texts()).toEqual(Array.from({ length: 300 }, (_, n) => `line ${n + 1}`));
    expect((await listed(await dock.received('one'))).length).toBe(9);
    expect((await dock.received('one')).exit).toMatchObject({ cause: 'EXITED', code: 0 });
  });

  test("an answer that is a proxy's is no answer", async () => {
    const delivery = await dock.opened('one');
    const { createServer } = await import('node:http');
    let asked = 0;
    const proxy = createServer((_request, response) => {
      response.statusCode = [200, 401, 403, 404, 502][asked++ % 5] ?? 500;
      response.end('<html>sign in</html>');
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    const { port } = proxy.address() as { port: number };
    const url = delivery.url.replace(/:\d+/, `:${port}`);
    const work = await dock.workFolder();
    try {
      const launched = dock.run({ ...delivery, url }, work, 'touch out/started', [
        '--give-up',
        '1',
      ]);
      expect((await launched.ended).code).toBe(75);
      expect(asked).toBeGreaterThan(1);
      expect(await readdir(work)).not.toContain('out');
    } finally {
      await new Promise((done) => proxy.close(done));
    }
  });
});

describe('a platform that is away', () => {
  test('it goes away in the middle of a file, and the file goes on where it was', async () => {
    const work = await dock.workFolder();
    const script = `head -c 60000000 /dev/urandom > out/x`;
    const launched = dock.run(await dock.opened('one'), work, script);
    const incoming = await incomingFolder();
    for (let count = 0; count < 3; count++) {
      await until(
        async () => (await readdir(incoming)).length > 0 || launched.process.exitCode !== null,
      );
      await dock.cutOff();
      await dock.serve();
    }
    expect(await launched.ended).toEqual(ended);
    const received = await dock.received('one');
    expect(await isSame(join(work, 'out', 'x'), await contentOf(received, 'x'))).toBe(true);
  });

  test('when it stays away everything is left in the folder, and is brought by another start', async () => {
    const work = await dock.workFolder();
    const script = `echo run >> runs; echo begun; until [ -e go ]; do sleep 0.01; done; echo x > out/x`;
    const delivery = await dock.opened('one');
    const first = dock.run(delivery, work, script, ['--give-up', '0.5']);
    await until(async () => (await texts()).includes('begun'));
    await dock.cutOff();
    await writeFile(join(work, 'go'), '');
    expect(await first.ended).toEqual({ code: 75, signal: null });
    expect(first.errors).toContain(`stays in ${work}`);
    await dock.serve();
    expect(await dock.run(delivery, work, script).ended).toEqual(ended);
    expect(await runs(work)).toBe(1);
    expect((await texts())[0]).toBe('begun');
    expect(await listed(await dock.received('one'))).toEqual(['x']);
    expect((await dock.received('one')).exit).toMatchObject({ cause: 'EXITED', code: 0 });
    expect(await dock.run(delivery, work, script).ended).toEqual(ended);
    expect(await runs(work)).toBe(1);
  });

  test('an absence while the program runs ends nothing, however long', async () => {
    const work = await dock.workFolder();
    const script = `echo begun; until [ -e go ]; do sleep 0.01; done; echo done`;
    const launched = dock.run(await dock.opened('one'), work, script, ['--give-up', '2']);
    await until(async () => (await texts()).includes('begun'));
    await dock.cutOff();
    await new Promise((next) => setTimeout(next, 3000));
    await dock.serve();
    await writeFile(join(work, 'go'), '');
    expect(await launched.ended).toEqual(ended);
    expect(await texts()).toEqual(['begun', 'done']);
  });
});

describe('a launcher that is killed', () => {
  test('killed while it brings the results, a second start brings the rest and runs nothing', async () => {
    const work = await dock.workFolder();
    const script = `echo run >> runs; echo printed; head -c 30000000 /dev/urandom > out/x; echo y > out/y`;
    const delivery = await dock.opened('one');
    const first = dock.run(delivery, work, script, ['--settle', '600']);
    const incoming = await incomingFolder();
    await until(async () => (await readdir(incoming)).length > 0);
    await first.kill();
    expect((await dock.received('one')).exit).toBe(null);
    expect(await listed(await dock.received('one'))).not.toContain('x');
    expect(await dock.run(delivery, work, script).ended).toEqual(ended);
    expect(await runs(work)).toBe(1);
    const received = await dock.received('one');
    expect(await isSame(join(work, 'out', 'x'), await contentOf(received, 'x'))).toBe(true);
    expect(await texts()).toEqual(['printed']);
    expect(received.exit).toMatchObject({ cause: 'EXITED', code: 0 });
  });

  test('killed while it fetches, it goes on where it was', async () => {
    const data = sample(20_000_000);
    const opened = await dock.opened('one', [await dock.blob('x', data)]);
    const line = await BadLine.open(dock.port, () => 8_000_000);
    const delivery = { ...opened, url: opened.url.replace(/:\d+/, `:${line.port}`) };
    const work = await dock.workFolder();
    try {
      const first = dock.launch(delivery, work, ['fetch']);
      await until(() => line.cuts > 0);
      await first.kill();
      expect(await dock.launch(delivery, work, ['fetch']).ended).toEqual(ended);
      // From the beginning it would never have come through.
      expect(line.cuts).toBeLessThan(5);
    } finally {
      await line.close();
    }
    expect(await isSame(join(work, 'x'), data)).toBe(true);
  });
});

describe('two launchers with one key', () => {
  test('one that was cut off ends its program when it hears of the other, and changes nothing', async () => {
    await dock.destroy();
    dock = await Dock.open({ silenceMs: 300 });
    const delivery = await dock.opened('one');
    const [near, far] = [await dock.workFolder(), await dock.workFolder()];
    const script = `echo $$ > pid; echo begun; until [ -e go ]; do sleep 0.01; done; echo done; echo $PWD > out/where`;
    const first = dock.run(delivery, near, script);
    await until(async () => (await texts()).includes('begun'));
    // As on a node that is partitioned away: it neither ends nor says anything.
    first.process.kill('SIGSTOP');
    await writeFile(join(far, 'go'), '');
    expect(await dock.run(delivery, far, script).ended).toEqual(ended);
    first.process.kill('SIGCONT');
    expect(await first.ended).toEqual({ code: 75, signal: null });
    const pid = Number(await readFile(join(near, 'pid'), 'utf8'));
    await until(() => !isAlive(pid));
    const received = await dock.received('one');
    expect((await contentOf(received, 'where')).toString()).toBe(`${far}\n`);
    expect(await texts()).toEqual(['begun', 'begun', 'done']);
  });
});

async function incomingFolder(): Promise<string> {
  const [id = ''] = await readdir(join(dock.folder, 'deliveries'));
  return join(dock.folder, 'deliveries', id, 'incoming');
}

/** Byte by byte in one step: a comparison for people takes seconds over megabytes. */
async function isSame(path: string, content: Uint8Array): Promise<boolean> {
  return (await readFile(path)).equals(content);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

describe('a platform that is away', () => {
  test('the program goes on, and what it made is brought when the platform is back', async () => {
    const work = await dock.workFolder();
    const script = `echo run >> runs; echo begun; until [ -e go ]; do sleep 0.01; done
      echo done; head -c 3000000 /dev/zero > out/x; exit 4`;
    const launched = dock.run(await dock.opened('one'), work, script);
    await until(async () => (await texts()).includes('begun'));
    await dock.cutOff();
    await writeFile(join(work, 'go'), '');
    await launched.said('done');
    await launched.said('trying on');
    await dock.serve();
    expect(await launched.ended).toEqual({ code: 4, signal: null });
    expect(await texts()).toEqual(['begun', 'done']);
    expect(await listed(await dock.received('one'))).toEqual(['x']);
    expect(await runs(work)).toBe(1);
  });
});

describe('a launcher that is killed', () => {
  test('its program ends with it, and a second start begins anew without the halves of the first', async () => {
    const work = await dock.workFolder();
    const script = `echo run >> runs; echo begun $$; echo $$ > pid
      if [ -e go ]; then echo whole > out/result; exit 0; fi
      mkdir -p out/checkpoints; echo 1 > out/checkpoints/one
      echo '{"type":"checkpoint","epoch":1,"path":"checkpoints"}'
      printf half > out/result.tmp; printf half > out/result; exec 3>> out/result
      while :; do sleep 0.02; done`;
    const delivery = await dock.opened('one');
    const first = dock.run(delivery, work, script);
    await until(async () => (await texts()).length === 2);
    await until(async () => (await listed(await dock.received('one'))).length === 1);
    await first.kill();
    const pid = Number(await readFile(join(work, 'pid'), 'utf8'));
    await until(() => !isAlive(pid));
    expect(await listed(await dock.received('one'))).toEqual(['checkpoints/one']);
    await writeFile(join(work, 'go'), '');
    expect(await dock.run(delivery, work, script).ended).toEqual(ended);
    expect(await runs(work)).toBe(2);
    const received = await dock.received('one');
    expect(await listed(received)).toEqual(['checkpoints/one', 'result']);
    expect((await contentOf(received, 'result')).toString()).toBe('whole\n');
    const earlier = join(work, '.fathom', 'earlier', '1', 'result');
    expect(await readFile(earlier, 'utf8')).toBe('half');
    expect((await texts()).filter((text) => text.startsWith('begun')).length).toBe(2);
  });
});

describe('a token that opens nothing', () => {
  test('nothing is started, and it is said why', async () => {
    const delivery = await dock.opened('one');
    const { token } = await dock.opened('two');
    const work = await dock.workFolder();
    const launched = dock.run({ ...delivery, token }, work, 'touch started');
    expect(await launched.ended).toEqual({ code: 126, signal: null });
    expect(launched.errors).toContain('The token opens no delivery here, or not any more.');
    expect(launched.errors).not.toContain(token);
    expect(await readdir(work)).not.toContain('started');
  });

  test('a delivery that is released under a program lets it end, and keeps what it made', async () => {
    const delivery = await dock.opened('one');
    const work = await dock.workFolder();
    const script = `echo begun; until [ -e go ]; do sleep 0.01; done; echo x > out/x`;
    const launched = dock.run(delivery, work, script);
    await until(async () => (await texts()).includes('begun'));
    await dock.deliveries.release('one');
    await writeFile(join(work, 'go'), '');
    expect(await launched.ended).toEqual({ code: 75, signal: null });
    expect(await readFile(join(work, 'out', 'x'), 'utf8')).toBe('x\n');
    expect(await readdir(join(dock.folder, 'deliveries'))).toEqual([]);
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

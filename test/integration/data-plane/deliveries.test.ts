import { appendFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delivery } from '../../../backends/contract/delivery.ts';
import { Deliveries } from '../../../server/data-plane/deliveries/deliveries.ts';
import { sample } from '../../contract/blob-store.contract.ts';
import { contentOf, Dock, dockSecret, listed, printed } from '../launcher/dock.ts';
import { Caller, fileHeaders } from './delivery-requests.ts';

let dock: Dock;
let delivery: Delivery;
let caller: Caller;

async function openDock(limits: Parameters<typeof Dock.open>[0] = {}): Promise<void> {
  dock = await Dock.open(limits);
  delivery = await dock.opened('one', [await dock.blob('data.bin', sample(1000))]);
  caller = new Caller(delivery);
  await caller.claim();
}

beforeEach(() => openDock());
afterEach(() => dock.destroy());

/** Everything that is on the disk: names, sizes, times of change. */
async function everything(): Promise<readonly string[]> {
  const paths = await readdir(join(dock.folder, 'deliveries'), { recursive: true });
  const lines = paths.map(async (path) => {
    const { size, mtimeMs } = await stat(join(dock.folder, 'deliveries', path));
    return `${path} ${size} ${mtimeMs}`;
  });
  return Promise.all(lines);
}

const requests: readonly (readonly [string, string, Uint8Array | object | null])[] = [
  ['GET', 'manifest', null],
  ['POST', 'session', { session: 'another-0123456789', role: 'RUN' }],
  ['POST', 'beat', null],
  ['POST', 'logs', Buffer.from('1 O x\n')],
  ['HEAD', 'out/a', null],
  ['PUT', 'out/a', Buffer.from('x')],
  [
    'PUT',
    'exit',
    { cause: 'EXITED', code: 0, signal: null, message: '', startedAt: 1, endedAt: 1 },
  ],
];

describe('the token of a delivery', () => {
  async function expectRefused(it: Delivery, headers: Record<string, string> = {}): Promise<void> {
    const before = await everything();
    const answers = new Set<string>();
    for (const [method, path, body] of requests) {
      const file = fileHeaders(Buffer.from('x'));
      const said = await new Caller(it).send(method, path, body, { ...file, ...headers });
      answers.add(`${said.status} ${said.headers['fathom-code']}`);
    }
    expect([...answers]).toEqual(['401 UNAUTHENTICATED']);
    expect(await everything()).toEqual(before);
  }

  test('a wrong, cut, foreign or missing one is refused in one way and changes nothing', async () => {
    const other = await dock.opened('two');
    const [expiry = '', signed = ''] = delivery.token.split('.');
    const later = (Number.parseInt(expiry, 36) + 1000).toString(36);
    for (const token of [
      other.token,
      `${later}.${signed}`,
      `${expiry}.`,
      `${delivery.token}.x`,
      delivery.token.slice(0, -2),
      'x',
    ]) {
      await expectRefused({ ...delivery, token });
    }
    await expectRefused(delivery, { authorization: '' });
    await expectRefused(delivery, { authorization: `Basic ${delivery.token}` });
    await expectRefused({ ...delivery, url: `${delivery.url}0` });
    await expectRefused({ ...delivery, url: delivery.url.replace(/[^/]+$/, '..%2Fstorage') });
  });

  test('it ends with its time, and a submit that is repeated later gives one that opens again', async () => {
    expect(await dock.opened('one')).toEqual(delivery);
    dock.wait(601);
    await expectRefused(delivery);
    const renewed = await dock.opened('one');
    expect(renewed.url).toBe(delivery.url);
    expect((await new Caller(renewed).send('GET', 'manifest')).status).toBe(200);
  });

  test('it ends with the release, also for what is opened under the same key afterwards', async () => {
    await caller.put('a', Buffer.from('x'));
    await dock.deliveries.release('one');
    await dock.deliveries.release('one');
    await expectRefused(delivery);
    expect(await readdir(join(dock.folder, 'deliveries'))).toEqual([]);
    await expect(dock.received('one')).rejects.toMatchObject({ kind: 'NotFound' });
    await dock.opened('one');
    await expectRefused(delivery);
    expect(await listed(await dock.received('one'))).toEqual([]);
  });

  test('it is in no address and in nothing that is written down', async () => {
    const { body } = await caller.send('GET', 'manifest');
    expect(JSON.stringify(body)).not.toContain(delivery.token);
    expect(delivery.url).not.toContain(delivery.token.split('.')[1]);
    const folder = join(dock.folder, 'deliveries');
    for (const path of await readdir(folder, { recursive: true })) {
      const text = await readFile(join(folder, path), 'utf8').catch(() => '');
      expect(text).not.toContain(delivery.token.split('.')[1]);
    }
  });
});

describe('what goes out', () => {
  test('inputs have a link of their own that ends, or stand in the manifest', async () => {
    const text = { path: 'workload.json', content: { kind: 'TEXT', text: '{}' } } as const;
    const two = await dock.opened('two', [await dock.blob('d/x', sample(20_000)), text]);
    const { body } = await new Caller(two).send('GET', 'manifest');
    const { inputs } = body as { inputs: { path: string; url: string; bytes: number }[] };
    expect(inputs).toMatchObject([
      { path: 'd/x', bytes: 20_000 },
      { path: 'workload.json', text: '{}' },
    ]);
    const url = new URL(inputs[0]?.url ?? '', `${two.url}/manifest`);
    const answer = await fetch(url);
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(sample(20_000));
    dock.wait(2 * 3600);
    expect((await fetch(url)).status).toBe(404);
  });
});

describe('a great many inputs', () => {
  test('all of them are in the manifest, in their order', async () => {
    const { content } = await dock.blob('x', sample(10));
    const inputs = Array.from({ length: 1700 }, (_, n) => ({ path: `d/${n}`, content }));
    const many = await dock.opened('many', inputs);
    const { body } = await new Caller(many).send('GET', 'manifest');
    const listed = (body as { inputs: { path: string }[] }).inputs.map(({ path }) => path);
    expect(listed).toEqual(inputs.map(({ path }) => path));
  });
});

describe('files that come back', () => {
  const content = sample(100_000);

  test('a file appears when all of it is there, wherever it was cut', async () => {
    expect((await caller.put('m/weights', content, { to: 40_000 })).headers).toMatchObject({
      'upload-offset': '40000',
    });
    expect(await listed(await dock.received('one'))).toEqual([]);
    await dock.cutOff();
    await dock.serve();
    expect((await caller.head('m/weights', content)).headers['upload-offset']).toBe('40000');
    const wrong = await caller.put('m/weights', content, { from: 50_000 });
    expect(wrong).toMatchObject({ status: 409, body: { code: 'WRONG_STATE' } });
    expect((await caller.put('m/weights', content, { from: 40_000 })).status).toBe(201);
    const received = await dock.received('one');
    expect(await received.outputs.list('')).toEqual([{ path: 'm/weights', bytes: 100_000 }]);
    expect(await contentOf(received, 'm/weights')).toEqual(content);
  });

  test('the same content again changes nothing, also after a restart; another one replaces it whole', async () => {
    await caller.put('a', content);
    const before = await everything();
    for (const from of [0, 10, 100_000]) {
      expect((await caller.put('a', content, { from })).status).toBe(204);
    }
    await dock.cutOff();
    await dock.serve();
    expect((await caller.put('a', content)).status).toBe(204);
    expect(without('heard', await everything())).toEqual(without('heard', before));
    const other = sample(5);
    await caller.put('a', other, { to: 2 });
    expect(await contentOf(await dock.received('one'), 'a')).toEqual(content);
    expect((await caller.put('a', other, { from: 2 })).status).toBe(201);
    expect(await contentOf(await dock.received('one'), 'a')).toEqual(other);
  });

  test('bytes that are not those that were announced are forgotten', async () => {
    const digest = fileHeaders(sample(7))['repr-digest'].slice(9, -1);
    const said = await caller.put('a', content, { digest });
    expect(said).toMatchObject({ status: 422, body: { code: 'DIGEST_MISMATCH' } });
    expect(await listed(await dock.received('one'))).toEqual([]);
    expect((await caller.put('a', content)).status).toBe(201);
  });

  test('an empty file is a file', async () => {
    expect((await caller.put('empty', Buffer.alloc(0))).status).toBe(201);
    expect(await (await dock.received('one')).outputs.list('')).toEqual([
      { path: 'empty', bytes: 0 },
    ]);
  });

  test('no path leads out of the folder, nor through a file, nor onto a folder', async () => {
    const before = without('heard', await everything());
    for (const path of [
      '../x',
      '../../record.json',
      'a/../../x',
      'a/./b',
      '/etc/x',
      'a//b',
      '..%2fx',
      '%2e%2e/x',
      'a%00b',
      'a%5cb',
      '',
      `a/${'x'.repeat(300)}`,
      'x/'.repeat(600),
    ]) {
      const said = await caller.put(path, Buffer.from('x'));
      expect({ path, ...said }).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
    }
    expect(without('heard', await everything())).toEqual(before);
    await caller.put('a/b', Buffer.from('x'));
    for (const path of ['a', 'a/b/c']) {
      const said = await caller.put(path, Buffer.from('y'));
      expect(said).toMatchObject({ status: 409, body: { code: 'WRONG_STATE' } });
    }
    expect(await listed(await dock.received('one'))).toEqual(['a/b']);
  });

  test('names of every kind come back as they were', async () => {
    const names = ['ü n/日本.txt', "it's (1) $(x) `y` #?&%.bin", '\n', '-rf', 'a'.repeat(255)];
    for (const name of names) {
      const path = name.split('/').map(encodeURIComponent).join('/');
      expect((await caller.put(path, Buffer.from(name))).status).toBe(201);
    }
    const received = await dock.received('one');
    expect(await listed(received)).toEqual(names.toSorted());
    for (const name of names) expect((await contentOf(received, name)).toString()).toBe(name);
  });

  test('bytes and files are bounded, what is under way included', async () => {
    await dock.destroy();
    await openDock({ bytes: 1000, files: 3 });
    const tooLarge = { status: 413, body: { code: 'TOO_LARGE' } };
    expect(await caller.put('a', sample(1001))).toMatchObject(tooLarge);
    await caller.put('a', sample(600), { to: 10 });
    expect(await caller.put('b', sample(401))).toMatchObject(tooLarge);
    await dock.cutOff();
    await dock.serve();
    expect(await caller.put('b', sample(401))).toMatchObject(tooLarge);
    await caller.put('a', sample(600), { from: 10 });
    expect((await caller.put('a', sample(700))).status).toBe(201);
    expect((await caller.put('b', sample(300))).status).toBe(201);
    expect(await caller.put('c', sample(1))).toMatchObject(tooLarge);
    expect((await caller.put('c', sample(0))).status).toBe(201);
    expect(await caller.put('d', sample(0))).toMatchObject(tooLarge);
    const more = await caller.send('PUT', 'out/a', sample(900), fileHeaders(sample(5)));
    expect(more).toMatchObject(tooLarge);
    expect(await listed(await dock.received('one'))).toEqual(['a', 'b', 'c']);
  });

  test('a request that lacks its digest or its length is malformed', async () => {
    const good = fileHeaders(content);
    for (const headers of [
      {},
      { ...good, 'repr-digest': 'sha-256=:x:' },
      { ...good, 'upload-length': '-1' },
      { ...good, 'upload-offset': 'x' },
      { ...good, 'content-encoding': 'gzip' },
    ]) {
      const said = await caller.send('PUT', 'out/a', content, headers);
      expect(said).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
    }
  });
});

describe('lines that come back', () => {
  test('the same lines may come again, in other pieces, and stand there once', async () => {
    expect((await caller.log(0, '1 O a\n2 E b\n')).headers['upload-offset']).toBe('12');
    await caller.log(0, '1 O a\n2 E b\n');
    await caller.log(6, '2 E b\n3 O c\n');
    await dock.cutOff();
    await dock.serve();
    await caller.log(12, '3 O c\n');
    await caller.log(0, '1 O a\n2 E b\n3 O c\n4 O d\n');
    expect(await printed(await dock.received('one'))).toEqual([
      { stream: 'STDOUT', text: 'a' },
      { stream: 'STDERR', text: 'b' },
      { stream: 'STDOUT', text: 'c' },
      { stream: 'STDOUT', text: 'd' },
    ]);
  });

  test('nothing is left out, nothing is torn, and there is an end to it', async () => {
    expect(await caller.log(5, '1 O a\n')).toMatchObject({
      status: 409,
      headers: { 'upload-offset': '0' },
    });
    expect((await caller.log(0, '1 O a')).status).toBe(400);
    expect((await caller.log(0, `1 O ${'x'.repeat(1024 * 1024)}\n`)).status).toBe(413);
    await dock.destroy();
    await openDock({ logBytes: 10 });
    expect((await caller.log(0, '1 O a\n')).status).toBe(204);
    expect(await caller.log(6, '2 O b\n')).toMatchObject({
      status: 413,
      headers: { 'upload-offset': '6' },
    });
  });
});

describe('the end', () => {
  test('it is told once; who tells it again hears what stands', async () => {
    expect(await caller.exit(3)).toMatchObject({ status: 201, body: { code: 3 } });
    expect(await caller.exit(0)).toMatchObject({ status: 200, body: { code: 3 } });
    expect(await caller.claim()).toMatchObject({ status: 200, body: { exit: { code: 3 } } });
    expect((await dock.received('one')).exit).toEqual({
      cause: 'EXITED',
      code: 3,
      signal: null,
      message: 'It ended with exit code 3.',
    });
  });

  test('nothing new comes behind it', async () => {
    await caller.put('a', Buffer.from('x'));
    await caller.log(0, '1 O a\n');
    await caller.exit(0);
    expect((await caller.put('b', Buffer.from('x'))).status).toBe(409);
    expect((await caller.log(6, '1 O b\n')).status).toBe(409);
    expect((await caller.put('a', Buffer.from('x'))).status).toBe(204);
    expect((await caller.log(0, '1 O a\n')).status).toBe(204);
    expect(await listed(await dock.received('one'))).toEqual(['a']);
  });

  test('an end that is none is malformed', async () => {
    const exit = { cause: 'EXITED', code: 0, signal: null, message: '', startedAt: 1, endedAt: 1 };
    for (const wrong of [
      { cause: 'FINE' },
      { code: 256 },
      { signal: 'x' },
      { message: 'x'.repeat(20_000) },
    ]) {
      expect((await caller.send('PUT', 'exit', { ...exit, ...wrong })).status).toBe(400);
    }
    expect((await dock.received('one')).exit).toBe(null);
  });
});

describe('several launchers', () => {
  test('a second one waits while the first is heard, and has the work when it was silent', async () => {
    const second = new Caller(delivery, 'session-of-the-second');
    expect(await second.claim()).toMatchObject({ status: 409, headers: { 'retry-after': '5' } });
    const superseded = { status: 412, body: { code: 'VERSION_CONFLICT' } };
    expect(await second.put('a', Buffer.from('x'))).toMatchObject(superseded);
    await caller.log(0, '1 O first\n');
    dock.wait(61);
    expect((await second.claim()).status).toBe(200);
    for (const said of [
      await caller.put('a', Buffer.from('x')),
      await caller.log(10, '1 O more\n'),
      await caller.exit(0),
      await caller.send('POST', 'beat'),
    ]) {
      expect(said).toMatchObject(superseded);
    }
    await second.log(10, '2 O second\n');
    expect((await printed(await dock.received('one'))).map(({ text }) => text)).toEqual([
      'first',
      'second',
    ]);
  });

  test('a line that a server was killed in is completed by who wrote it, and nobody else', async () => {
    const segment = join(dock.folder, 'deliveries', idOf(delivery), 'log', `${'0'.repeat(16)}.log`);
    const texts = async () => (await printed(await dock.received('one'))).map(({ text }) => text);
    await caller.log(0, '1 O first\n');
    await appendFile(segment, '2 O torn is wh');
    await caller.log(10, '2 O torn is whole\n');
    expect(await texts()).toEqual(['first', 'torn is whole']);
    await appendFile(segment, '3 O torn for ev');
    dock.wait(61);
    const second = new Caller(delivery, 'session-of-the-second');
    const { body } = await second.claim();
    expect(body).toMatchObject({ logBytes: 43, exit: null });
    await second.log(43, '4 O second\n');
    expect(await texts()).toEqual(['first', 'torn is whole', 'second']);
  });

  test('one that runs beside the program brings no lines', async () => {
    const two = await dock.opened('two');
    expect((await dock.received('two')).logs).not.toBe(null);
    await new Caller(two).claim('RETURN');
    expect((await dock.received('two')).logs).toBe(null);
  });
});

describe('what backends see', () => {
  test('keys of two backends are two deliveries, and a key that was never opened is unknown', async () => {
    const desk = new Deliveries(options());
    const near = await desk.forBackend('near').open('one', [], { lifetimeSeconds: 60 });
    expect(near.url).not.toBe(delivery.url);
    await desk.forBackend('near').release('one');
    expect((await new Caller(delivery).send('GET', 'manifest')).status).toBe(200);
    for (const work of [dock.received('never'), desk.forBackend('near').received('one')]) {
      await expect(work).rejects.toMatchObject({ kind: 'NotFound' });
    }
    await desk.forBackend('near').release('never');
  });

  test('data that is not stored is refused before a job could miss it, and nothing is opened', async () => {
    const desk = new Deliveries({
      ...options(),
      isStored: async (sha256) => sha256 === 'b'.repeat(64),
    });
    const blob = (letter: string) =>
      ({
        path: `data/${letter}`,
        content: { kind: 'BLOB', sha256: letter.repeat(64), bytes: 1, url: null },
      }) as const;
    const site = desk.forBackend('careful');
    const open = site.open('one', [blob('b'), blob('c')], { lifetimeSeconds: 60 });
    await expect(open).rejects.toMatchObject({ kind: 'Rejected' });
    await expect(open).rejects.toThrow('data/c');
    await expect(site.received('one')).rejects.toMatchObject({ kind: 'NotFound' });
    await site.open('one', [blob('b')], { lifetimeSeconds: 60 });
    expect((await site.received('one')).exit).toBe(null);
    await site.release('one');
  });

  test('another process on the same folder opens the same, sees the same and ends it', async () => {
    const other = new Deliveries(options()).forBackend('far');
    expect(await other.open('one', [], { lifetimeSeconds: 600 })).toEqual(delivery);
    await caller.put('a', Buffer.from('x'));
    await caller.log(0, '1 O a\n');
    expect(await listed(await other.received('one'))).toEqual(['a']);
    expect(await printed(await other.received('one'))).toEqual([{ stream: 'STDOUT', text: 'a' }]);
    await other.release('one');
    expect((await caller.put('b', Buffer.from('x'))).status).toBe(401);
    await other.open('one', [], { lifetimeSeconds: 600 });
    const again = new Caller(await dock.opened('one'));
    await again.claim();
    expect((await again.put('a', Buffer.from('x'))).status).toBe(201);
  });

  test('many that open the same key at once open one', async () => {
    const desks = Array.from({ length: 8 }, () => new Deliveries(options()).forBackend('far'));
    const open = desks.map((desk) => desk.open('new', [], { lifetimeSeconds: 600 }));
    const tokens = new Set((await Promise.all(open)).map(({ token }) => token));
    expect(tokens.size).toBe(1);
    expect((await readdir(join(dock.folder, 'deliveries'))).length).toBe(2);
  });

  test('while nobody listens nothing is opened: it is tried again later', async () => {
    const desk = new Deliveries({ ...options(), baseUrl: () => '' }).forBackend('far');
    const work = desk.open('one', [], { lifetimeSeconds: 60 });
    await expect(work).rejects.toMatchObject({ kind: 'Unavailable' });
  });

  function options() {
    return {
      folder: join(dock.folder, 'deliveries'),
      secret: dockSecret,
      baseUrl: () => `http://127.0.0.1:${dock.port}`,
      ambient: { now: () => Date.now() },
    };
  }
});

function idOf({ url }: Delivery): string {
  return url.split('/').at(-1) ?? '';
}

function without(name: string, lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !line.includes(`/${name} `));
}

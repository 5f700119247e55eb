import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Actor, localOwner } from '../../../domain/actor.ts';
import { FathomError, InvalidInputError } from '../../../domain/errors.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { PredictRequest } from '../../../services/inference/predict-request.ts';
import { predictRequest, ServingSite } from '../deployments/serving-site.ts';

let site: ServingSite;
let web: Server;
let webUrl: string;

beforeAll(async () => {
  site = await ServingSite.create({
    // Loopback stands for the public internet here; every other address is refused as ever.
    predictions: {
      dispatch: { perReplica: 1, queuedPerReplica: 2 },
      heldCalls: 2,
      mayConnect: (address) => address === '127.0.0.1',
    },
  });
  web = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/cat.png' }).end();
    else if (request.url === '/inside') {
      response.writeHead(302, { location: 'http://169.254.169.254/secret' }).end();
    } else if (request.url === '/round') response.writeHead(302, { location: '/round' }).end();
    else if (request.url === '/silent') return;
    else if (request.url === '/huge') {
      response.writeHead(200);
      const block = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(block));
        response.once('drain', more);
      };
      more();
    } else if (request.url === '/cat.png') {
      response.writeHead(200, { 'content-type': 'image/png; x=1' }).end('cat');
    } else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => web.once('listening', resolve));
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await site.destroy();
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
});

const predictSchema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    probe: { type: 'integer' },
    topK: { type: 'integer', minimum: 1, default: 3 },
    image: { type: 'string', contentEncoding: 'base64', 'x-file': true },
  },
};

const echo = `await serve({ predict: (a) => ({ label: 'yes', ...a }) });`;

let echoed: Promise<string> | null = null;

/** One warm deployment that answers what it is sent, for all tests that need no more. */
function echoing(): Promise<string> {
  echoed ??= site.deploy(echo, {}, { predictSchema }).then(async ({ id }) => {
    await site.reaches(id, 'WARM');
    return id;
  });
  return echoed;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const file = { argument: 'image', url: null, base64: null, fileName: null, mediaType: null };

test('arguments are checked before anything is sent, all of them at once', async () => {
  const id = await echoing();
  const error: unknown = await site
    .predict(id, { topK: 0, colour: 'red' })
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(InvalidInputError);
  const paths = (error as InvalidInputError).errors.map(({ inputPath }) => inputPath);
  expect(paths).toEqual(
    expect.arrayContaining([
      ['arguments', 'topK'],
      ['arguments', 'colour'],
    ]),
  );
  expect(await site.predict(id, {})).toMatchObject({ topK: 3 });
});

test('a file comes as text, as a link of ours or by URL, and reaches the module as a file', async () => {
  const id = await echoing();
  const { sha256 } = await site.at.blobs.put(new TextEncoder().encode('blob'));
  const own = site.at.links.blob(sha256, 'own.bin');
  const calls: readonly [JsonObject, Partial<PredictRequest>][] = [
    [{ image: base64('inside') }, {}],
    [{}, { files: [{ ...file, base64: base64('beside'), mediaType: 'image/png' }] }],
    [{ topK: 1 }, { files: [{ ...file, url: own }] }],
    [{}, { files: [{ ...file, url: `${webUrl}/moved` }] }],
  ];
  const images = [];
  for (const [given, more] of calls) {
    images.push(((await site.predict(id, given, more)) as { image: unknown }).image);
  }
  expect(images).toEqual([
    { name: 'image', type: 'application/octet-stream', text: 'inside' },
    { name: 'image', type: 'image/png', text: 'beside' },
    { name: 'own.bin', type: 'application/octet-stream', text: 'blob' },
    { name: 'moved', type: 'image/png', text: 'cat' },
  ]);
});

test.each([
  ['leads into the machine’s own network', '/inside', 'INVALID_ARGUMENT', /not public/],
  ['leads round in a circle', '/round', 'INVALID_ARGUMENT', /from one place to the next/],
  ['is not there', '/nothing', 'INVALID_ARGUMENT', /answered 404/],
  ['never comes', '/silent', 'DEADLINE_EXCEEDED', /in time/],
  ['is larger than the limit', '/huge', 'TOO_LARGE', /at most/],
])('a file that %s is refused with its path', async (_, path, code, message) => {
  const id = await echoing();
  const files = [{ ...file, url: `${webUrl}${path}` }];
  const call = site.predict(id, {}, { files, deadlineMs: path === '/silent' ? 200 : 10_000 });
  await expect(call).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
    inputPath: ['files', '0', 'url'],
  });
});

test.each([
  ['http://10.0.0.8/x', /not public/],
  ['http://[::1]/x', /not public/],
  ['file:///etc/passwd', /http or https/],
  ['http://me:secret@example.org/x', /no user name/],
])('the URL %s is refused without a connection', async (url, message) => {
  const id = await echoing();
  await expect(site.predict(id, {}, { files: [{ ...file, url }] })).rejects.toThrow(message);
});

test('the form of a call is judged before the deployment is asked', async () => {
  const id = await echoing();
  const files = [file, { ...file, url: 'http://x/', base64: 'AA==' }];
  const error: unknown = await site
    .predict(id, {}, { files, deadlineMs: 0, waitUntilWarmMs: -1 })
    .catch((thrown: unknown) => thrown);
  const paths = (error as InvalidInputError).errors.map(({ inputPath }) => inputPath.join('.'));
  expect(paths.toSorted()).toEqual([
    'deadlineMs',
    'files.0',
    'files.1',
    'files.1.argument',
    'waitUntilWarmMs',
  ]);
  const wrong = { ...file, argument: 'topK', base64: base64('x') };
  await expect(site.predict(id, {}, { files: [wrong] })).rejects.toThrow('not a file argument');
  const text = { ...file, base64: 'not base64!' };
  await expect(site.predict(id, {}, { files: [text] })).rejects.toThrow('not base64');
});

test.concurrent('what the module refuses comes back at the argument’s path', async ({ expect }) => {
  const { id } = await site.deploy(
    `await serve({ predict: (a) => { if (a.bad) throw unprocessable({ bad: ['Must be good.'] }); return { label: 'yes' }; } });`,
  );
  await site.reaches(id, 'WARM');
  await expect(site.predict(id, { bad: 1 })).rejects.toMatchObject({
    errors: [{ code: 'INVALID_ARGUMENT', inputPath: ['arguments', 'bad'] }],
  });
});

test.concurrent.for([
  ['an error', `throw new Error('singular matrix')`, /500.*singular matrix/s],
  ['a page', `return answer(200, '<html></html>', 'text/html')`, /not JSON: <html>/],
  ['JSON of another shape', `return answer(200, { result: 1 })`, /without `predictions`/],
  [
    'half an answer',
    `response.writeHead(200, { 'content-length': '100' }); response.write('{'); response.socket.destroy(); await sleep(10); return response.end()`,
    /broke off/,
  ],
] as const)(
  'a module that answers %s is MODULE_FAILED in its own words',
  async ([, answer, words], { expect }) => {
    const { id } = await site.deploy(
      `await serve({ predict: async (a, { answer, response }) => { if (!a.probe) { ${answer}; } return { label: 'yes' }; } });`,
    );
    await site.reaches(id, 'WARM');
    await expect(site.predict(id)).rejects.toMatchObject({
      code: 'MODULE_FAILED',
      message: expect.stringMatching(words) as string,
    });
    expect(await site.predict(id, { probe: 1 })).toEqual({ label: 'yes' });
  },
);

test('before WARM a call is refused with the time to try again, or held until then', async () => {
  const slow = `await serve({ load: () => sleep(700) });`;
  const { id } = await site.deploy(slow);
  await site.reaches(id, 'LOADING');
  const refused: unknown = await site.predict(id).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(FathomError);
  expect(refused).toMatchObject({ code: 'NOT_READY', details: { state: 'LOADING' } });
  expect((refused as FathomError).retryAfterMs).toBeGreaterThan(0);
  const held = [1, 2].map((x) => site.predict(id, { x }, { waitUntilWarmMs: 10_000 }));
  await expect(site.predict(id, {}, { waitUntilWarmMs: 10_000 })).rejects.toMatchObject({
    code: 'OVERLOADED',
  });
  expect(await Promise.all(held)).toEqual([
    { label: 'yes', x: 1 },
    { label: 'yes', x: 2 },
  ]);
});

test.concurrent(
  'a held call is refused when its time is over, and at once when the endpoint fails',
  async ({ expect }) => {
    const never = await site.deploy(`await serve({ load: () => sleep(60_000) });`);
    await expect(site.predict(never.id, {}, { waitUntilWarmMs: 100 })).rejects.toMatchObject({
      code: 'NOT_READY',
    });
    const broken = await site.deploy(`process.exit(1);`);
    await expect(site.predict(broken.id, {}, { waitUntilWarmMs: 60_000 })).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
  },
);

test.concurrent(
  'beyond its servers and their queue a deployment is OVERLOADED, and no call is lost',
  async ({ expect }) => {
    const { id } = await site.deploy(
      `let at = 0; await serve({ predict: async (a) => { if (a.probe) return { label: 'yes' }; at += 1; const now = at; await sleep(200); at -= 1; return { label: 'yes', now }; } });`,
    );
    await site.reaches(id, 'WARM');
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => site.predict(id)));
    const answers = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const errors = results.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as FathomError] : [],
    );
    // One is answered, two wait, three are sent away.
    expect(answers).toEqual(Array.from({ length: 3 }, () => ({ label: 'yes', now: 1 })));
    expect(errors.map(({ code }) => code)).toEqual(['OVERLOADED', 'OVERLOADED', 'OVERLOADED']);
    expect(errors[0]?.retryAfterMs).toBeGreaterThan(0);
  },
);

test.concurrent(
  'a call that waits for a server longer than its deadline gives its place back',
  async ({ expect }) => {
    const { id } = await site.deploy(
      `await serve({ predict: async (a) => { if (!a.probe) await sleep(400); return { label: 'yes' }; } });`,
    );
    await site.reaches(id, 'WARM');
    const first = site.predict(id);
    await expect(site.predict(id, {}, { deadlineMs: 100 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    expect(await first).toEqual({ label: 'yes' });
    expect(await site.predict(id)).toEqual({ label: 'yes' });
  },
);

test.concurrent(
  'each call is remembered for those it concerns, and for nobody else',
  async ({ expect }) => {
    const { id } = await site.deploy(
      `await serve({ predict: (a) => { if (a.bad) throw new Error('no'); return { label: 'yes' }; } });`,
    );
    await site.reaches(id, 'WARM');
    const call = { ...predictRequest, deploymentId: id };
    const { prediction } = await site.predictions.predict(localOwner, call);
    await site.predict(id, { bad: true }).catch(() => null);
    const pages = await site.predictions.pageEach(localOwner, [id], { first: 10 });
    const items = pages.get(id)?.items.map(({ node }) => node);
    expect(items?.map(({ outcome }) => outcome).toSorted()).toEqual(['MODULE_FAILED', 'OK']);
    expect(await site.predictions.get(localOwner, prediction.id)).toMatchObject({
      outcome: 'OK',
      deploymentId: id,
    });
    expect((await site.predictions.countEach(localOwner, [id])).get(id)).toBe(2);
    const stranger: Actor = { subject: 'stranger', groups: [], system: false };
    expect(await site.predictions.get(stranger, prediction.id)).toBeNull();
    expect((await site.predictions.countEach(stranger, [id])).get(id) ?? 0).toBe(0);
    const refused: unknown = await site.predictions
      .predict(stranger, call)
      .catch((e: unknown) => e);
    const absent = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const unknown: unknown = await site.predict(absent).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'NOT_FOUND' });
    expect((refused as Error).message.replace(id, absent)).toBe((unknown as Error).message);
  },
);

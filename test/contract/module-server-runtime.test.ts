import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeGreyPng } from '../../modules/data/idx-encoding.ts';
import { startModuleServer } from './module-process.ts';
import { moduleServerContract } from './module-server.contract.ts';

const png = encodeGreyPng(new Uint8Array(28 * 28).fill(128), 28, 28);

moduleServerContract(
  'the runtime with the image classifier',
  () => startModuleServer('image-classifier', ['--client-max-size', '100000']),
  {
    model: 'image-classifier',
    predict: { image: Buffer.from(png).toString('base64'), topK: '2' },
    invalid: { arguments: { topK: 'many' }, field: 'topK' },
    upload: { field: 'image', bytes: png },
    train: { epochs: '1', hiddenUnits: '2', shift: '0', batchSize: '512' },
    maxBody: 100_000,
  },
);

moduleServerContract(
  'the runtime with the language detector',
  () => startModuleServer('language-detector'),
  {
    model: 'language-detector',
    predict: { text: 'Where do we come from, and where do we go?' },
    invalid: { arguments: { topK: '0' }, field: 'topK' },
    upload: null,
    train: null,
    maxBody: null,
  },
);

test('a base path stands before every route and every link', async () => {
  const server = await startModuleServer('language-detector', ['--base-path', '/a/b']);
  try {
    expect((await fetch(`${server.url}/v2/models/`)).status).toBe(404);
    const answer = await fetch(`${server.url}/a/b/v2/models/`);
    expect(await answer.json()).toMatchObject({
      models: [{ links: [{ href: '/a/b/v2/models/language-detector/' }] }],
    });
  } finally {
    await server.stop();
  }
});

test('every server answers its own sample with the label it promises', async () => {
  for (const model of ['image-classifier', 'tabular-classifier', 'language-detector']) {
    const server = await startModuleServer(model);
    try {
      const url = `${server.url}/v2/models/${model}/`;
      const { sample } = (await (await fetch(url)).json()) as {
        sample: { arguments: unknown; expect: { label: string } };
      };
      const answer = await fetch(`${url}predict/`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(sample.arguments),
      });
      const { predictions } = (await answer.json()) as { predictions: { labels: string[] } };
      expect(predictions.labels[0]).toBe(sample.expect.label);
    } finally {
      expect(await server.stop()).toBe(0);
    }
  }
});

test('a prediction that cannot be made is 422 with the argument to mend', async () => {
  const server = await startModuleServer('image-classifier');
  try {
    const post = (body: unknown): Promise<Response> =>
      fetch(`${server.url}/v2/models/image-classifier/predict/`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const broken = await post({ image: Buffer.from('not a picture').toString('base64') });
    expect(broken.status).toBe(422);
    expect(await broken.json()).toEqual({ image: [expect.stringMatching(/not a readable PNG/)] });
    const short = await post({ pixels: [0, 1] });
    expect(await short.json()).toEqual({ pixels: ['Must have 784 values, has 2.'] });
  } finally {
    await server.stop();
  }
});

test('a request under way when the server is told to stop is answered, and the port is closed after it', async () => {
  const server = await startModuleServer('language-detector');
  const slow = new ReadableStream<Uint8Array>({
    start: async (body) => {
      body.enqueue(new TextEncoder().encode('{"text":"Where do we come '));
      await fetch(`${server.url}/v2/`);
      stopped = server.stop();
      await pause(150);
      body.enqueue(new TextEncoder().encode('from, and where do we go?"}'));
      body.close();
    },
  });
  let stopped: Promise<number | null> = Promise.resolve(null);
  const headers = { 'content-type': 'application/json' };
  const request = { method: 'POST', body: slow, headers, duplex: 'half' };
  const answer = await fetch(`${server.url}/v2/models/language-detector/predict/`, request);
  expect(await answer.json()).toMatchObject({ status: 'OK' });
  expect(await stopped).toBe(0);
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
});

test('a client that goes away in the middle of its upload does the server no harm', async () => {
  const server = await startModuleServer('language-detector');
  try {
    const url = `${server.url}/v2/models/language-detector/predict/`;
    const gone = new AbortController();
    const endless = new ReadableStream<Uint8Array>({
      pull: async (body) => {
        body.enqueue(new Uint8Array(1000));
        await pause(20);
        gone.abort();
      },
    });
    const request = { method: 'POST', body: endless, duplex: 'half', signal: gone.signal };
    await expect(fetch(url, request)).rejects.toThrow('aborted');
    const body = new URLSearchParams({ text: 'Is anybody still there to answer me?' });
    expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
  } finally {
    expect(await server.stop()).toBe(0);
  }
});

test('a folder that is no artifact is refused before a port opens', async () => {
  const start = startModuleServer('image-classifier', ['--artifact', import.meta.dirname]);
  await expect(start).rejects.toThrow('The artifact has no readable module.json.');
});

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from './module-process.ts';

/**
 * What a server under test was started with, so that one suite fits any module of any
 * implementation.
 */
export interface ModuleServerExpectations {
  readonly model: string;
  /**
   * Arguments that a prediction succeeds with, as texts: they are sent in the query, in forms and
   * in JSON.
   */
  readonly predict: Readonly<Record<string, string>>;
  /** Arguments that fail validation, and the argument the answer must name. */
  readonly invalid: {
    readonly arguments: Readonly<Record<string, string>>;
    readonly field: string;
  };
  /**
   * The file argument, where the module has one; the other arguments of `predict` are sent with it.
   */
  readonly upload: { readonly field: string; readonly bytes: Uint8Array } | null;
  /** Arguments of a short training, or null when the training endpoint is switched off. */
  readonly train: Readonly<Record<string, string>> | null;
  /** The server's limit of a body in bytes; null when it has none. */
  readonly maxBody: number | null;
  /**
   * DEEPaaS 2.6.0 answers nothing any more, nor ends, when a training is cancelled before its worker took it: the worker
   * is killed with the lock that the server then waits for. Whoever cancels has to live with that.
   */
  readonly maySilence?: true;
}

/**
 * What a client of the DEEPaaS V2 API may rely on, whoever implements it. Where the reference
 * implementation has several outcomes for one request, a client has to live with all of them, and
 * so has this suite.
 */
export function moduleServerContract(
  name: string,
  start: () => Promise<RunningServer>,
  expectations: ModuleServerExpectations,
): void {
  describe(`module server: ${name}`, () => {
    let server: RunningServer;
    let model: string;
    beforeAll(async () => {
      server = await start();
      model = `${server.url}/v2/models/${expectations.model}/`;
    }, 60_000);
    afterAll(async () => {
      await server.stop();
    });

    describeDocuments(() => ({ url: server.url, model }), expectations);
    describeRouting(() => ({ url: server.url, model }));
    describePrediction(() => ({ url: server.url, model }), expectations);
    describe.runIf(expectations.train !== null)('training', () => {
      describeTraining(() => ({ url: server.url, model }), expectations.train ?? {});
      describeCancelling(() => ({ url: server.url, model }), expectations);
    });
    test.runIf(expectations.train === null)(
      'a training endpoint that is switched off answers 402',
      async () => {
        for (const method of ['GET', 'POST']) {
          expect((await fetch(`${model}train/`, { method })).status).toBe(402);
        }
        expect((await fetch(`${model}train/${'0'.repeat(32)}`)).status).toBe(402);
      },
    );
  });
}

type Where = () => { readonly url: string; readonly model: string };

function describeDocuments(where: Where, { model }: ModuleServerExpectations): void {
  test('the root lists the one version of the API', async () => {
    const root = await getJson(`${where().url}/`);
    expect(root).toMatchObject({
      versions: [{ version: 'stable', id: 'v2', links: [{ rel: 'self', href: '/v2/' }] }],
    });
    expect(await getJson(`${where().url}/v2/`)).toMatchObject({ version: 'stable', id: 'v2' });
  });

  test('the list of models and the model itself say the same', async () => {
    const list = (await getJson(`${where().url}/v2/models/`)) as { models: unknown[] };
    const own = await getJson(where().model);
    expect(own).toMatchObject({
      id: expect.any(String),
      name: model,
      description: expect.any(String),
    });
    expect(list.models.map((entry) => (entry as { name: string }).name)).toContain(model);
    expect(own).toMatchObject({ links: [{ rel: 'self' }] });
  });

  test('the document is Swagger 2.0 and has the arguments of a prediction as query parameters and form data', async () => {
    const document = (await getJson(`${where().url}/swagger.json`)) as {
      swagger: string;
      paths: Record<
        string,
        { post?: { parameters: { in: string; name: string; type: string }[] } }
      >;
    };
    expect(document.swagger).toBe('2.0');
    const predict = document.paths[`/v2/models/${model}/predict/`]?.post;
    expect(predict?.parameters.length).toBeGreaterThan(0);
    for (const parameter of predict?.parameters ?? []) {
      expect(parameter.in).toBe(parameter.type === 'file' ? 'formData' : 'query');
    }
  });

  test('the debug endpoint is off', async () => {
    expect((await fetch(`${where().url}/v2/debug/`)).status).toBe(204);
  });
}

function describeRouting(where: Where): void {
  test('a missing slash is answered with 308, so that the method is kept', async () => {
    for (const url of [`${where().url}/v2/models`, `${where().model}train`]) {
      const answer = await fetch(url, { redirect: 'manual' });
      expect(answer.status).toBe(308);
      expect(answer.headers.get('location')).toMatch(/\/$/);
    }
    const posted = await fetch(`${where().model}predict?x=1`, {
      method: 'POST',
      redirect: 'manual',
    });
    expect(posted.status).toBe(308);
    expect(posted.headers.get('location')).toMatch(/predict\/\?x=1$/);
  });

  test('what is not there is 404 in plain text', async () => {
    for (const path of ['/nowhere', '/v2/models/nobody/', '/v2/models/nobody/predict/']) {
      const answer = await fetch(where().url + path, { method: 'POST' });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    }
  });

  test('a wrong method is 405', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await fetch(`${where().url}/v2/models/`, { method })).status).toBe(405);
    }
    expect((await fetch(`${where().model}predict/`)).status).toBe(405);
  });
}

function describePrediction(where: Where, expected: ModuleServerExpectations): void {
  const { predict, invalid, upload, maxBody } = expected;
  const post = (body: BodyInit | null, headers: HeadersInit = {}, query = ''): Promise<Response> =>
    fetch(`${where().model}predict/${query}`, { method: 'POST', body, headers });

  test('arguments are taken from the query, from forms of both kinds and from JSON alike', async () => {
    const form = new FormData();
    for (const [name, value] of Object.entries(predict)) form.set(name, value);
    const json = { 'content-type': 'application/json' };
    const answers = [
      await post(null, {}, `?${new URLSearchParams(predict)}`),
      await post(new URLSearchParams(predict)),
      await post(form),
      await post(JSON.stringify(predict), json),
    ];
    const [first, ...others] = await Promise.all(answers.map((answer) => answer.json()));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect(first).toMatchObject({ status: 'OK', predictions: expect.anything() });
    for (const other of others) expect(other).toEqual(first);
  });

  test('the query wins over the form', async () => {
    const query = `?${new URLSearchParams(invalid.arguments)}`;
    expect((await post(new URLSearchParams(predict), {}, query)).status).toBe(422);
  });

  test('an argument nobody declared is ignored', async () => {
    const answer = await post(new URLSearchParams({ ...predict, nobodyDeclaredThis: '1' }));
    expect(answer.status).toBe(200);
  });

  test('invalid arguments are 422 with texts by argument', async () => {
    const answer = await post(new URLSearchParams({ ...predict, ...invalid.arguments }));
    expect(answer.status).toBe(422);
    expect(await answer.json()).toEqual({ [invalid.field]: [expect.any(String)] });
  });

  test('a body that is not the JSON it says is refused', async () => {
    const answer = await post('{"a":', { 'content-type': 'application/json' });
    expect([400, 422]).toContain(answer.status);
  });

  test.runIf(upload)('a file is taken from a multipart form', async () => {
    const form = new FormData();
    if (upload) form.set(upload.field, new Blob([Uint8Array.from(upload.bytes)]), 'file.bin');
    const answer = await post(form);
    expect(await answer.json()).toMatchObject({ status: 'OK' });
  });

  test.runIf(maxBody)('a body beyond the limit is 413, said or unsaid how long it is', async () => {
    const large = 'x'.repeat((maxBody ?? 0) + 1);
    expect((await post(large)).status).toBe(413);
    const stream = new Blob([large]).stream();
    const unsaid = { method: 'POST', body: stream, duplex: 'half' };
    expect((await fetch(`${where().model}predict/`, unsaid)).status).toBe(413);
    expect((await post(new URLSearchParams(predict))).status).toBe(200);
  });
}

function describeTraining(where: Where, train: Readonly<Record<string, string>>): void {
  const collection = (): string => `${where().model}train/`;

  test('a training is accepted with 200, runs, and ends as done with its output', async () => {
    const started = await begin(collection(), train);
    expect(started).toMatchObject({
      uuid: expect.stringMatching(/^[0-9a-f]{32}$/),
      date: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/),
      status: 'running',
      args: expect.objectContaining(
        Object.fromEntries(Object.keys(train).map((k) => [k, expect.anything()])),
      ),
    });
    const list = await getJson(collection());
    expect(list).toEqual(expect.arrayContaining([expect.objectContaining({ uuid: started.uuid })]));
    const item = collection() + started.uuid;
    const ended = await settled(item);
    expect(ended).toMatchObject({
      uuid: started.uuid,
      status: expect.stringMatching(/^(done|completed)$/),
      result: {
        output: expect.anything(),
        finish_date: expect.any(String),
        duration: expect.stringMatching(/^\d+:\d\d:\d\d/),
      },
    });
    const forgotten = await fetch(item, { method: 'DELETE' });
    expect(forgotten.status).toBe(200);
    expect(await forgotten.json()).toMatchObject({ uuid: started.uuid });
    expect((await fetch(item)).status).toBe(404);
  }, 60_000);

  test('a training has no trailing slash, and an unknown one is 404', async () => {
    const unknown = `${collection()}${'0'.repeat(32)}`;
    expect((await fetch(unknown)).status).toBe(404);
    expect((await fetch(`${unknown}/`)).status).toBe(404);
  });
}

function describeCancelling(where: Where, { train, maySilence }: ModuleServerExpectations): void {
  test('cancelling a running training ends in 404, whatever the first answer was', async () => {
    const collection = `${where().model}train/`;
    const { uuid } = await begin(collection, train ?? {});
    const answer = fetch(collection + uuid, {
      method: 'DELETE',
      signal: AbortSignal.timeout(silenceMs),
    });
    // The reference implementation answers 500, or drops the connection of a training that was
    // still waiting.
    const first = await answer
      .then(({ status }) => status)
      .catch((error: Error) => (error.name === 'TimeoutError' ? 'silent' : 'dropped'));
    const silent = maySilence === true ? ['silent'] : [];
    expect([200, 500, 'dropped', ...silent]).toContain(first);
    if (first === 'silent') return;
    expect((await fetch(collection + uuid)).status).toBe(404);
    expect((await fetch(collection + uuid, { method: 'DELETE' })).status).toBe(404);
  }, 60_000);
}

/** Longer than any answer takes on a busy machine. */
const silenceMs = 30_000;

async function begin(
  collection: string,
  train: Readonly<Record<string, string>>,
): Promise<{ readonly uuid: string; readonly status: string }> {
  const body = new URLSearchParams(train);
  const answer = await fetch(collection, { method: 'POST', body });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { uuid: string; status: string };
}

async function settled(url: string): Promise<unknown> {
  for (;;) {
    const training = (await getJson(url)) as { status: string };
    if (training.status !== 'running') return training;
    await pause(100);
  }
}

async function getJson(url: string): Promise<unknown> {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  return answer.json();
}

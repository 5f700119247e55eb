import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeGreyPng } from '../../modules/data/idx-encoding.ts';
import { moduleServerContract } from './module-server.contract.ts';
import type { RunningAction } from './openwhisk-action.ts';
import { scriptedModule, sentinel, startAction, startBehindAction } from './openwhisk-action.ts';

const png = encodeGreyPng(new Uint8Array(28 * 28).fill(128), 28, 28);

moduleServerContract(
  'the runtime behind the protocol of OpenWhisk',
  () => startBehindAction('image-classifier', ['--client-max-size', '100000']),
  {
    model: 'image-classifier',
    predict: { image: Buffer.from(png).toString('base64'), topK: '2' },
    invalid: { arguments: { topK: 'many' }, field: 'topK' },
    upload: { field: 'image', bytes: png },
    // A function is no place to train.
    train: null,
    maxBody: 100_000,
  },
);

/** The cases that OpenWhisk's own suite of runtimes has, where a container without code can have them. */
describe('an action container', () => {
  let action: RunningAction | null = null;
  let loaded: RunningAction;
  beforeAll(async () => {
    loaded = await startAction(scriptedModule);
    await loaded.init();
  });
  afterAll(() => loaded.stop());
  afterEach(async () => {
    await action?.stop();
    action = null;
  });

  const open = async (
    options: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RunningAction> => {
    action = await startAction(scriptedModule, options, environment);
    return action;
  };
  const predict = (body: object): object => ({
    __ow_method: 'post',
    __ow_path: '/v2/models/scripted/predict/',
    __ow_headers: { 'content-type': 'application/json' },
    __ow_body: Buffer.from(JSON.stringify(body)).toString('base64'),
  });
  const predictions = (text: string): unknown => {
    const { statusCode, body } = JSON.parse(text) as { statusCode: number; body: string };
    expect(statusCode).toBe(200);
    return (JSON.parse(body) as { predictions: unknown }).predictions;
  };

  test('is initialised without code, without content, and more than once', async () => {
    const { init, run } = await open();
    const values = [{ name: 'a', main: '', code: '', binary: false }, {}, undefined];
    for (const value of values) {
      expect(await init(value)).toMatchObject({ status: 200, text: 'OK' });
    }
    const pids = [await run(predict({})), await run(predict({}))].map(({ text }) =>
      predictions(text),
    );
    expect(pids[0]).toEqual(pids[1]);
  });

  test('does not run before it is initialised', async () => {
    const { run } = await open();
    const answer = await run();
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringMatching(/not initialized/) });
  });

  test('takes an empty call for GET /: the list of versions', async () => {
    const { run } = loaded;
    const { status, text } = await run({});
    expect(status).toBe(200);
    const { statusCode, body } = JSON.parse(text) as { statusCode: number; body: string };
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ versions: [{ id: 'v2' }] });
  });

  test('says the length of every answer, also of refusals', async () => {
    const { init, run, url } = await open();
    const refused = await fetch(`${url}/init`, { method: 'POST', body: '{"a":' });
    const answers = [await run(), await init(), await run({}), await run('text')];
    for (const { headers } of [...answers, refused, await fetch(`${url}/other`)]) {
      expect(Number(headers.get('content-length'))).toBeGreaterThan(0);
      expect(headers.get('transfer-encoding')).toBeNull();
    }
    expect(refused.status).toBe(400);
  });

  test('refuses arguments that are no dictionary, and a request that is none', async () => {
    const { run } = loaded;
    const wrong = ['text', 5, [1], { __ow_headers: 'a' }, { __ow_body: 7 }, { __ow_path: {} }];
    for (const value of wrong) {
      const { status, text } = await run(value);
      expect({ value, status }).toEqual({ value, status: 400 });
      expect(JSON.parse(text)).toEqual({ error: expect.any(String) });
    }
  });

  test('ends the log of each run with the sentinel on both streams, and of no init that went well', async () => {
    const { init, run, printed } = await open();
    await init();
    expect(printed).toEqual({ stdout: '', stderr: '' });
    await run(predict({ print: 'hello stdout', complain: 'hello stderr' }));
    await run(predict({ print: '❄ ☃ ❄' }));
    await run('text');
    expect(printed.stdout).toBe(`hello stdout\n${sentinel}\n❄ ☃ ❄\n${sentinel}\n${sentinel}\n`);
    expect(printed.stderr).toBe(`hello stderr\n${sentinel}\n${sentinel}\n${sentinel}\n`);
  });

  test('carries Unicode and large inputs there and back', async () => {
    const { run } = loaded;
    for (const text of ['❄ ☃ ❄', 'a'.repeat(700_000)]) {
      expect(predictions((await run(predict({ text }))).text)).toMatchObject({ text });
    }
  });

  test('has the variables of its start, of /init before it loads, and of each call', async () => {
    const { init, run } = await open([], { __OW_API_HOST: 'xyz' });
    await init({ env: { SOME_VAR: 'xyz', ANOTHER_VAR: '', A_NUMBER: 5 } });
    const call = {
      api_key: 'abc',
      namespace: 'zzz',
      action_name: 'xxx',
      action_version: '0.0.1',
      activation_id: 'iii',
      deadline: '123',
    };
    const names = Object.keys(call).map((name) => `__OW_${name.toUpperCase()}`);
    const variables = ['__OW_API_HOST', 'SOME_VAR', 'ANOTHER_VAR', 'A_NUMBER', ...names];
    const { text } = await run(predict({ variables }), call);
    expect(predictions(text)).toMatchObject({
      variables: {
        __OW_API_HOST: 'xyz',
        SOME_VAR: 'xyz',
        ANOTHER_VAR: '',
        A_NUMBER: '5',
        __OW_API_KEY: 'abc',
        __OW_NAMESPACE: 'zzz',
        __OW_ACTION_NAME: 'xxx',
        __OW_ACTION_VERSION: '0.0.1',
        __OW_ACTIVATION_ID: 'iii',
        __OW_DEADLINE: '123',
      },
    });
  });

  test('has loaded the model when /init is answered, and says why when it cannot', async () => {
    const { init, run, printed } = await open();
    const failed = await init({ env: { LOAD: 'fail' } });
    expect(failed.status).toBe(500);
    expect(JSON.parse(failed.text)).toEqual({
      error: 'The model cannot be served: the weights are not there',
    });
    expect(printed.stdout).toBe(`${sentinel}\n`);
    expect((await run()).status).toBe(502);
    expect((await init({ env: { LOAD: '' } })).status).toBe(200);
    expect((await run()).status).toBe(200);
  });

  test('answers what the model answers, failures too, as a success of the container', async () => {
    const { run } = loaded;
    const statuses = async (value: object): Promise<unknown> => {
      const { status, text } = await run(value);
      return [status, (JSON.parse(text) as { statusCode: unknown }).statusCode];
    };
    expect(await statuses(predict({ fail: 'broken' }))).toEqual([200, 500]);
    expect(await statuses(predict({ refuse: 'text' }))).toEqual([200, 422]);
    expect(await statuses({ __ow_path: '/nowhere' })).toEqual([200, 404]);
    expect(
      await statuses({ __ow_method: 'post', __ow_path: '/v2/models/scripted/train/' }),
    ).toEqual([200, 402]);
  });

  test('takes the arguments of a web action as they come', async () => {
    const { run } = loaded;
    const path = '/v2/models/scripted/predict/';
    const calls = [
      { __ow_method: 'post', __ow_path: path, text: 'in the fields' },
      { __ow_method: 'POST', __ow_path: `${path}?text=in%20the%20path` },
      { __ow_method: 'post', __ow_path: `/${path}`, __ow_query: 'text=in+the+query' },
      {
        __ow_method: 'post',
        __ow_path: path,
        __ow_headers: { 'Content-Type': 'application/x-www-form-urlencoded', Host: 'a' },
        __ow_body: Buffer.from('text=in+a+form').toString('base64'),
      },
    ];
    const texts = [];
    for (const call of calls) {
      texts.push((predictions((await run(call)).text) as { text: string }).text);
    }
    expect(texts).toEqual(['in the fields', 'in the path', 'in the query', 'in a form']);
  });

  test('lays out the files it is given, and loads the artifact among them', async () => {
    const { init, run } = await open();
    const files = { 'artifact/weights.txt': 'trained ☃', 'artifact/deep/er.txt': '' };
    const environment = {
      FATHOM_FILES: JSON.stringify(files),
      FATHOM_ARTIFACT_FOLDER: 'artifact',
    };
    expect((await init({ env: environment })).status).toBe(200);
    const { text } = await run(predict({ variables: ['FATHOM_FILES'] }));
    expect(predictions(text)).toMatchObject({
      weights: 'trained ☃',
      variables: { FATHOM_FILES: null },
    });
  });

  test('lays out no file outside of its folder', async () => {
    const { init } = await open();
    for (const path of ['../outside', '/etc/outside', 'a/../../outside']) {
      const { status, text } = await init({
        env: { FATHOM_FILES: JSON.stringify({ [path]: 'x' }) },
      });
      expect({ path, status }).toEqual({ path, status: 500 });
      expect(text).toContain('leads out of the folder');
    }
  });
});

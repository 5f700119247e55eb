import { expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { FunctionSuite } from './functions-under-test.ts';
import { json, predictPath, predictedIn } from './functions-under-test.ts';
import { kindOf, newKey } from './under-test.ts';

/** What `FunctionRunner` promises of one call. */
export function functionCalls(suite: () => FunctionSuite): void {
  test('bodies, headers, queries and statuses pass untouched', async () => {
    const { under, deploy, within, predict, get } = suite();
    const handle = await deploy();
    const text = 'ein «Wort»\n\u0000 ☃ "x" $(id)';
    expect(await predict(handle, { text })).toMatchObject({ text });
    const form = new FormData();
    form.set('text', text);
    form.set('upload', new Blob([Uint8Array.from({ length: 100_000 }, (_, at) => at % 251)]));
    const encoded = new Request('http://a', { method: 'POST', body: form });
    const headers = { 'Content-Type': encoded.headers.get('content-type') ?? '' };
    const body = new Uint8Array(await encoded.arrayBuffer());
    const path = `${predictPath}?variables=A&variables=B%20C`;
    const request = { method: 'POST', path, headers, body } as const;
    const said = await under.functions.invoke(handle, request, within(30_000));
    if (said.kind !== 'ANSWER') throw new Error('it became a ticket');
    expect(predictedIn(said)).toMatchObject({
      uploaded: 100_000,
      variables: { A: null, 'B C': null },
    });
    const plain = {
      method: 'POST',
      path: predictPath,
      headers: { 'content-type': 'text/plain' },
    };
    const bytes = Buffer.from('ü');
    expect(
      await under.functions.invoke(handle, { ...plain, method: 'POST', body: bytes }, within(9000)),
    ).toMatchObject({ response: { status: 200 } });
    expect((await get(handle, '/nowhere')).status).toBe(404);
    expect(await get(handle, '/v2/models')).toMatchObject({
      status: 308,
      headers: { location: '/v2/models/' },
    });
    expect(JSON.parse(Buffer.from((await get(handle, '/')).body).toString())).toHaveProperty(
      'versions',
    );
    await under.backend.release(handle);
  });

  test('what the module answers is an answer, also its failures', async () => {
    const { under, deploy, answered, get } = suite();
    const handle = await deploy();
    expect((await answered(handle, { fail: 'broken' })).response.status).toBe(500);
    expect((await answered(handle, { refuse: 'text' })).response.status).toBe(422);
    expect((await get(handle, '/v2/models/scripted/train/')).status).toBe(402);
    // None of them cost the container.
    await under.settled();
    expect((await answered(handle, {})).start.cold).toBe(false);
    await under.backend.release(handle);
  });

  test('environment reaches the module unmangled', async () => {
    const { under, deploy, predict } = suite();
    const environment = {
      QUOTES: `'a' "b" \`c\``,
      LINES: 'first\nsecond\r\n',
      SHELL: '$(id) ${HOME} $$ %s \\n',
      UNICODE: 'Ångström ☃ 日本',
      YAML: '- a: [b, {c}\n#d: !!x &e *f',
      TEMPLATE: '{{ .Values }} ${NOMAD_META} <%= 1 %> %{ if x } {% y %}',
      EMPTY: '',
    };
    const handle = await deploy({ environment });
    const variables = Object.keys(environment);
    expect((await predict(handle, { variables })).variables).toEqual(environment);
    await under.backend.release(handle);
  });

  test('a title, labels and a key written to break something break nothing', async () => {
    const { under, deploy, predict } = suite();
    const evil = `"'; rm -rf / #\n$(reboot)\u2028{{x}}`;
    const key = `${newKey()}${evil}`;
    const handle = await deploy({ title: evil, labels: { evil } }, key);
    expect(await deploy({ title: evil, labels: { evil } }, key)).toEqual(handle);
    expect((await predict(handle, { text: evil })).text).toBe(evil);
    await under.backend.release(handle);
  });

  test('secrets stand in no listing, or are Unsupported', async () => {
    const { under, deploy, predict } = suite();
    const secret = `s3cr3t-${process.pid}`;
    const kind = await kindOf(async () => {
      const handle = await deploy({ secrets: { SECRET: secret } });
      const { variables } = await predict(handle, { variables: ['SECRET'] });
      expect(variables).toEqual({ SECRET: secret });
      await under.backend.release(handle);
      throw new BackendError('Unsupported', 'test', 'as well as a backend can do');
    });
    expect(kind).toBe('Unsupported');
    expect(await under.listing()).not.toContain(secret);
  });

  test('what is larger than the limits say is Rejected before it is sent', async () => {
    const { under, deploy, within, errorOf } = suite();
    const handle = await deploy();
    const { requestBytes } = (await under.functions.status(handle)).limits;
    if (requestBytes === null) throw new Error('it does not say what it takes');
    const request = { method: 'POST', path: predictPath } as const;
    const headers = { 'content-type': 'application/octet-stream' };
    const send = (bytes: number): Promise<unknown> =>
      under.functions.invoke(
        handle,
        { ...request, headers, body: Buffer.alloc(bytes, 7) },
        within(30_000),
      );
    expect(await send(requestBytes)).toMatchObject({ response: { status: 200 } });
    const error = await errorOf(() => send(requestBytes + 1));
    expect(error.kind).toBe('Rejected');
    expect(error.message).toContain(String(requestBytes));
    await under.backend.release(handle);
  });

  test('an answer that is longer than the platform carries is said to be', async () => {
    const { under, deploy, predict, errorOf } = suite();
    const handle = await deploy();
    const { responseBytes } = (await under.functions.status(handle)).limits;
    if (responseBytes === null) throw new Error('it does not say what it carries');
    const error = await errorOf(() => predict(handle, { bytes: responseBytes }));
    expect(error).toMatchObject({ kind: 'Unexpected' });
    expect(error.message).toMatch(/exceeded the allowed length/);
    expect(error.message.length).toBeLessThan(1000);
    await under.backend.release(handle);
  });

  test('a call that outlasts its deadline becomes a ticket, and goes on', async () => {
    const { under, deploy, within, predict, resolved } = suite();
    const handle = await deploy();
    await predict(handle);
    const request = { method: 'POST', path: predictPath, headers: json } as const;
    const body = Buffer.from(JSON.stringify({ text: 'late', sleepMs: 2500 }));
    const said = await under.functions.invoke(handle, { ...request, body }, within(1200));
    if (said.kind !== 'TICKET') throw new Error('it was answered');
    expect(await under.functions.result(handle, said.ticket)).toBeNull();
    const { response, start } = await resolved(handle, said.ticket);
    expect(JSON.parse(Buffer.from(response.body).toString())).toMatchObject({
      predictions: { text: 'late' },
    });
    expect(start.durationMs).toBeGreaterThanOrEqual(2500);
    // As often as it is asked, and by whom.
    const other = await under.again();
    expect(await other.functions?.result(handle, said.ticket)).toMatchObject({ kind: 'ANSWER' });
    await other.close();
    await under.backend.release(handle);
  });

  test('a deadline that has passed sends nothing', async () => {
    const { under, deploy, answered } = suite();
    const handle = await deploy();
    expect(await kindOf(() => answered(handle, {}, -5))).toBe('DeadlineExceeded');
    await under.backend.release(handle);
  });

  test('a ticket belongs to its function, and what is none is Rejected', async () => {
    const { under, deploy, within, resolved } = suite();
    const [handle, other] = [await deploy(), await deploy()];
    const request = { method: 'POST', path: predictPath, headers: json } as const;
    const body = Buffer.from('{"sleepMs":2000}');
    const said = await under.functions.invoke(handle, { ...request, body }, within(900));
    if (said.kind !== 'TICKET') throw new Error('it was answered');
    await resolved(handle, said.ticket);
    expect(await kindOf(() => under.functions.result(other, said.ticket))).toBe('NotFound');
    for (const wrong of ['', 'x', '../../actions', '0'.repeat(32)]) {
      expect(await kindOf(() => under.functions.result(handle, wrong))).toBe('Rejected');
    }
    await under.backend.release(handle);
    await under.backend.release(other);
  });

  test('a module that cannot load is said to be, in its own words', async () => {
    const { under, deploy, within, predict, errorOf } = suite();
    const handle = await deploy({ environment: { LOAD: 'fail' } });
    const works = [() => predict(handle), () => under.functions.warm(handle, 1, within(30_000))];
    for (const work of works) {
      const error = await errorOf(work);
      expect(error.kind).toBe('Unexpected');
      expect(error.message).toContain('the weights are not there');
    }
    await under.backend.release(handle);
  });

  test('a container that ends is Unexpected, and the next call has a new one', async () => {
    const { under, deploy, answered, predict, errorOf } = suite();
    const handle = await deploy();
    const { instance } = await predict(handle);
    await under.settled();
    expect((await errorOf(() => predict(handle, { exit: 7 }))).kind).toBe('Unexpected');
    await under.settled();
    const again = await answered(handle, {});
    expect(again.start.cold).toBe(true);
    expect(predictedIn(again).instance).not.toBe(instance);
    await under.backend.release(handle);
  });

  test('memory and time are limited to what was asked for', async () => {
    const { under, workload, deploy, predict, errorOf } = suite();
    const { resources } = workload();
    const handle = await deploy({ resources: { ...resources, timeLimitSeconds: 5 } });
    await predict(handle);
    const late = await errorOf(() => predict(handle, { sleepMs: 20_000 }));
    expect(late).toMatchObject({ kind: 'Unexpected' });
    expect(late.message).toContain('5000 milliseconds');
    await under.backend.release(handle);
    const greedy = await deploy();
    await predict(greedy);
    const body = { allocateMiB: 600, sleepMs: 2000 };
    const full = await errorOf(() => predict(greedy, body));
    expect(full).toMatchObject({ kind: 'Unexpected' });
    await under.backend.release(greedy);
  });
}

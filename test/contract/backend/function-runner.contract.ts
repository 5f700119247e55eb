import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { Answered, FunctionRunner } from '../../../backends/contract/function-runner.ts';
import type { LogChunk } from '../../../backends/contract/job-runner.ts';
import type {
  Handle,
  InputFile,
  Program,
  ServiceWorkload,
} from '../../../backends/contract/workload.ts';
import type { BackendUnderTest } from './under-test.ts';
import { chunks, drain, kindOf, newKey, service, soon } from './under-test.ts';

export interface FunctionTarget {
  readonly name: string;
  create(): Promise<FunctionsUnderTest>;
}

/** A backend whose functions are `test/fakes/openwhisk/scripted-module`, as an image of that platform. */
export interface FunctionsUnderTest {
  readonly backend: Backend;
  readonly functions: FunctionRunner;
  readonly program: Program;
  again(): Promise<Backend>;
  /** Deploys from another process, which ends afterwards. */
  deployElsewhere(workload: ServiceWorkload, key: string): Promise<Handle>;
  /** An input that containers of the platform can fetch; null where none of ours can be reached from there. */
  readonly blob: ((path: string, content: string) => Promise<InputFile>) | null;
  /** Everything a person could list of what runs there. */
  listing(): Promise<string>;
  destroy(): Promise<void>;
}

export function openedFunctions(
  backend: Backend,
  program: Program,
): Pick<FunctionsUnderTest, 'backend' | 'functions' | 'program'> {
  const { functions } = backend;
  if (functions === null) throw new Error(`${backend.name} has no functions`);
  return { backend, functions, program };
}

/** What the suite of `Backend` itself needs of it. */
export function asBackendUnderTest(under: FunctionsUnderTest): BackendUnderTest {
  const noJobs = (): never => {
    throw new Error('it runs no jobs');
  };
  return {
    backend: under.backend,
    jobs: null,
    services: null,
    gpu: null,
    again: () => under.again(),
    submitElsewhere: noJobs,
    requested: noJobs,
    waitingJob: noJobs,
    shell: (script) => ({ kind: 'COMMAND', argv: ['/bin/sh', '-c', script], image: null }),
    server: () => under.program,
    blob: noJobs,
    listing: () => under.listing(),
    destroy: () => under.destroy(),
  };
}

export interface Predicted {
  readonly pid: number;
  readonly text: string | null;
  readonly weights: string | null;
  readonly variables: Readonly<Record<string, string | null>>;
  readonly uploaded: number | null;
}

/** The scripted module's route of predictions. */
export const predictPath = '/v2/models/scripted/predict/';
const json = { 'content-type': 'application/json' };

/** The promises of `FunctionRunner`, and those of `Backend` about functions. */
export function functionRunnerContract(target: FunctionTarget): void {
  describe(`function runner: ${target.name}`, () => {
    let under: FunctionsUnderTest;
    beforeAll(async () => {
      under = await target.create();
    }, 60_000);
    afterAll(() => under?.destroy());

    const workload = (more: Partial<ServiceWorkload> = {}): ServiceWorkload => {
      const one = service(under.program, more);
      return { ...one, resources: { ...one.resources, memoryMiB: 256, ...more.resources } };
    };
    const deploy = (more: Partial<ServiceWorkload> = {}, key = newKey()): Promise<Handle> =>
      under.functions.deploy(workload(more), { key, signal: soon() });
    const within = (milliseconds: number): { readonly deadline: number } => ({
      deadline: Date.now() + milliseconds,
    });
    const answered = async (
      handle: Handle,
      body: object,
      milliseconds = 30_000,
    ): Promise<Answered> => {
      const request = { method: 'POST', path: predictPath, headers: json } as const;
      const bytes = Buffer.from(JSON.stringify(body));
      const said = await under.functions.invoke(
        handle,
        { ...request, body: bytes },
        within(milliseconds),
      );
      if (said.kind === 'TICKET') throw new Error('it became a ticket');
      return said;
    };
    const predict = async (handle: Handle, body: object = {}): Promise<Predicted> =>
      predictedIn(await answered(handle, body));
    const get = async (handle: Handle, path: string): Promise<Answered['response']> => {
      const request = { method: 'GET', path, headers: {}, body: null } as const;
      const said = await under.functions.invoke(handle, request, within(30_000));
      if (said.kind === 'TICKET') throw new Error('it became a ticket');
      return said.response;
    };
    const resolved = async (handle: Handle, ticket: string): Promise<Answered> => {
      for (const limit = soon(); !limit.aborted;) {
        const seen = await under.functions.result(handle, ticket);
        if (seen?.kind === 'ANSWER') return seen;
        if (seen !== null) throw new Error(seen.message);
        await new Promise((next) => setTimeout(next, 50));
      }
      throw new Error('it never ended');
    };
    const untilPrinted = async (handle: Handle, ...texts: string[]): Promise<void> => {
      for (const limit = soon(); !limit.aborted;) {
        const lines = (await chunks(under.functions, handle)).flatMap((chunk) => chunk.lines);
        if (texts.every((text) => lines.some((line) => line.text === text))) return;
        await new Promise((next) => setTimeout(next, 50));
      }
      throw new Error(`it never printed ${texts.join(', ')}`);
    };
    /** The error with which `work` rejects. */
    const errorOf = async (work: () => Promise<unknown>): Promise<BackendError> => {
      const error = await work().then(
        () => null,
        (one: unknown) => one,
      );
      if (error instanceof BackendError) return error;
      throw error ?? new Error('it did not reject');
    };

    test('the same key is the same function, whoever deploys it', async () => {
      const key = newKey();
      const [first, ...others] = await Promise.all([
        deploy({}, key),
        deploy({}, key),
        under.deployElsewhere(workload(), key),
      ]);
      others.push(await deploy({ environment: { OTHER: 'x' } }, key));
      for (const other of others) expect(other).toEqual(first);
      expect(await deploy()).not.toEqual(first);
      if (first === undefined) throw new Error('nothing was deployed');
      const { revision } = await under.functions.status(first);
      expect((await under.functions.status(first)).revision).toBe(revision);
      await under.backend.release(first);
    });

    test('the first call starts a container, the next one finds it', async () => {
      const handle = await deploy();
      expect(await under.functions.status(handle)).toMatchObject({
        phase: 'READY',
        failure: null,
        limits: { timeoutMs: expect.any(Number), requestBytes: expect.any(Number) },
      });
      const first = await answered(handle, {});
      expect(first.start).toMatchObject({ cold: true, initMs: expect.any(Number) });
      const second = await answered(handle, {});
      expect(second.start).toMatchObject({ cold: false, initMs: null });
      expect(predictedIn(second).pid).toBe(predictedIn(first).pid);
      await under.backend.release(handle);
    });

    test('bodies, headers, queries and statuses pass untouched', async () => {
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
        await under.functions.invoke(
          handle,
          { ...plain, method: 'POST', body: bytes },
          within(9000),
        ),
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
      const handle = await deploy();
      expect((await answered(handle, { fail: 'broken' })).response.status).toBe(500);
      expect((await answered(handle, { refuse: 'text' })).response.status).toBe(422);
      expect((await get(handle, '/v2/models/scripted/train/')).status).toBe(402);
      // None of them cost the container.
      expect((await answered(handle, {})).start.cold).toBe(false);
      await under.backend.release(handle);
    });

    test('environment reaches the module unmangled', async () => {
      const environment = {
        QUOTES: `'a' "b" \`c\``,
        LINES: 'first\nsecond\r\n',
        SHELL: '$(id) ${HOME} $$ %s \\n',
        UNICODE: 'Ångström ☃ 日本',
        EMPTY: '',
      };
      const handle = await deploy({ environment });
      const variables = Object.keys(environment);
      expect((await predict(handle, { variables })).variables).toEqual(environment);
      await under.backend.release(handle);
    });

    test('a title, labels and a key written to break something break nothing', async () => {
      const evil = `"'; rm -rf / #\n$(reboot)\u2028{{x}}`;
      const key = `${newKey()}${evil}`;
      const handle = await deploy({ title: evil, labels: { evil } }, key);
      expect(await deploy({ title: evil, labels: { evil } }, key)).toEqual(handle);
      expect((await predict(handle, { text: evil })).text).toBe(evil);
      await under.backend.release(handle);
    });

    test('secrets stand in no listing, or are Unsupported', async () => {
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
      const handle = await deploy();
      expect(await kindOf(() => answered(handle, {}, -5))).toBe('DeadlineExceeded');
      await under.backend.release(handle);
    });

    test('a ticket belongs to its function, and what is none is Rejected', async () => {
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

    test('warm makes as many containers ready as it is asked', async () => {
      const handle = await deploy({ replicas: 3 });
      const starts = await under.functions.warm(handle, 3, within(30_000));
      expect(starts.map(({ cold }) => cold)).toEqual([true, true, true]);
      const calls = Array.from({ length: 3 }, () => answered(handle, { sleepMs: 300 }));
      const answers = await Promise.all(calls);
      expect(answers.map(({ start }) => start.cold)).toEqual([false, false, false]);
      expect(new Set(answers.map((answer) => predictedIn(answer).pid)).size).toBe(3);
      expect(await under.functions.warm(handle, 0, within(1000))).toEqual([]);
      for (const wrong of [-1, 1.5, NaN, 1e9]) {
        expect(await kindOf(() => under.functions.warm(handle, wrong, within(1000)))).toBe(
          'Rejected',
        );
      }
      await under.backend.release(handle);
    });

    test('warm tells what it saw by the deadline, and no more', async () => {
      const handle = await deploy({ environment: { LOAD: 'slow' } });
      expect(await under.functions.warm(handle, 1, within(150))).toEqual([]);
      const [start] = await under.functions.warm(handle, 1, within(30_000));
      expect(start).toBeDefined();
      await under.backend.release(handle);
    });

    test('a module that cannot load is said to be, in its own words', async () => {
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
      const handle = await deploy();
      const { pid } = await predict(handle);
      expect((await errorOf(() => predict(handle, { exit: 7 }))).kind).toBe('Unexpected');
      const again = await answered(handle, {});
      expect(again.start.cold).toBe(true);
      expect(predictedIn(again).pid).not.toBe(pid);
      await under.backend.release(handle);
    });

    test('memory and time are limited to what was asked for', async () => {
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

    test('more than the limits say is Rejected with what is allowed; GPUs and nodes are Unsupported', async () => {
      const handle = await deploy();
      const { memoryMiB } = (await under.functions.status(handle)).limits;
      if (memoryMiB === null) throw new Error('it does not say what it allows');
      const { resources } = workload();
      const tooMuch = { ...resources, memoryMiB: memoryMiB.maximum + 1 };
      const error = await errorOf(() => deploy({ resources: tooMuch }));
      expect(error.kind).toBe('Rejected');
      expect(error.message).toContain(String(memoryMiB.maximum));
      const gpus = { count: 1, model: null, memoryMiB: null };
      for (const more of [{ gpus }, { nodes: 2 }]) {
        expect(await kindOf(() => deploy({ resources: { ...resources, ...more } }))).toBe(
          'Unsupported',
        );
      }
      await under.backend.release(handle);
    });

    test('an image that a name does not pin is Rejected, and what is no image is Unsupported', async () => {
      const image = (name: string): Program => ({
        kind: 'MODULE',
        module: { slug: 'm', source: { kind: 'IMAGE', image: name } },
        operation: 'serve',
      });
      const digest = `sha256:${'0'.repeat(64)}`;
      for (const name of ['a/b', 'a/b:latest', `a/b@${digest}`, 'host:5000/b', 'A b:1']) {
        expect({ name, kind: await kindOf(() => deploy({ program: image(name) })) }).toEqual({
          name,
          kind: 'Rejected',
        });
      }
      const folder = { kind: 'FOLDER', path: '/m' } as const;
      const others: Program[] = [
        { kind: 'MODULE', module: { slug: 'm', source: folder }, operation: 'serve' },
        { kind: 'COMMAND', argv: ['true'], image: 'a/b:1' },
        { kind: 'COMMAND', argv: [], image: null },
      ];
      for (const program of others) {
        expect(await kindOf(() => deploy({ program }))).toBe('Unsupported');
      }
    });

    test('text files reach the module', async () => {
      const content = { kind: 'TEXT', text: 'trained «here» ☃' } as const;
      const inputs = [{ path: 'artifact/weights.txt', content }];
      const handle = await deploy({ inputs, artifactFolder: 'artifact' });
      expect((await predict(handle)).weights).toBe('trained «here» ☃');
      await under.backend.release(handle);
      for (const path of ['../x', '/x', 'a//b', '']) {
        expect(await kindOf(() => deploy({ inputs: [{ path, content }] }))).toBe('Rejected');
      }
    });

    test('a trained artifact is fetched by every container, until release', async ({ skip }) => {
      const { blob } = under;
      if (blob === null) return skip();
      const trained = `trained ${'x'.repeat(2_000_000)}`;
      const inputs = [
        await blob('artifact/weights.txt', trained.slice(0, 300_000)),
        await blob('artifact/more/deep.bin', trained),
      ];
      const handle = await deploy({ inputs, artifactFolder: 'artifact' });
      const [first, second] = await Promise.all([
        predict(handle, { sleepMs: 300 }),
        predict(handle, { sleepMs: 300 }),
      ]);
      expect(first.weights).toBe(trained.slice(0, 300_000));
      expect(second.weights).toBe(first.weights);
      expect(second.pid).not.toBe(first.pid);
      await under.backend.release(handle);
    });

    test('logs are those of all calls, in their order, and go on after a cursor', async () => {
      const handle = await deploy();
      await predict(handle, { print: 'first', complain: 'aside' });
      await untilPrinted(handle, 'first');
      const some = await chunks(under.functions, handle);
      const cursor = some.at(-1)?.cursor ?? null;
      const seen = some.flatMap(({ lines }) => lines);
      expect(seen.map(({ text }) => text)).toContain('first');
      const { separatesStreams } = under.backend.capabilities;
      const aside = seen.filter(({ text }) => text === 'aside').map(({ stream }) => stream);
      expect(separatesStreams ? aside : ['STDERR']).toEqual(['STDERR']);
      for (const line of seen) expect(Math.abs(line.at - Date.now())).toBeLessThan(60_000);
      const slow = answered(handle, { print: 'begun before', sleepMs: 2500 });
      await new Promise((next) => setTimeout(next, 100));
      await predict(handle, { print: 'ended before' });
      await untilPrinted(handle, 'ended before');
      const middle = await chunks(under.functions, handle, cursor);
      await slow;
      await untilPrinted(handle, 'begun before');
      const last = await chunks(under.functions, handle, middle.at(-1)?.cursor ?? cursor);
      const texts = [...middle, ...last].flatMap(({ lines }) => lines.map(({ text }) => text));
      expect(texts.toSorted()).toEqual(['begun before', 'ended before']);
      expect(textsOf(last)).toEqual(['begun before']);
      const nothing = await chunks(under.functions, handle, last.at(-1)?.cursor ?? null);
      expect(nothing).toEqual([]);
      expect(await kindOf(() => drain(logs(under.functions, handle, 'no cursor')))).toBe(
        'Rejected',
      );
      await under.backend.release(handle);
    });

    test('a log is read whole from every cursor, and long lines are cut', async () => {
      const handle = await deploy();
      const print = [...Array.from({ length: 1200 }, (_, at) => `line ${at}`)].join('\n');
      await predict(handle, { print });
      await predict(handle, { print: `é${'x'.repeat(20_000)}` });
      await untilPrinted(handle, 'line 1199');
      let texts: readonly string[] = [];
      for (const limit = soon(); texts.length < 1201 && !limit.aborted;) {
        texts = textsOf(await chunks(under.functions, handle));
      }
      expect(texts.slice(0, 1200)).toEqual(Array.from({ length: 1200 }, (_, at) => `line ${at}`));
      expect(texts[1200]).toMatch(/^éx+…$/);
      expect(Buffer.byteLength(texts[1200] ?? '')).toBeLessThanOrEqual(16 * 1024);
      const all = await chunks(under.functions, handle);
      expect(all.length).toBeGreaterThan(1);
      for (const [at, { cursor }] of all.entries()) {
        const rest = await chunks(under.functions, handle, cursor);
        expect(textsOf(rest)).toEqual(textsOf(all.slice(at + 1)));
      }
      await under.backend.release(handle);
    });

    test('another instance serves the same functions', async () => {
      const handle = await deploy();
      const { pid } = await predict(handle);
      const other = await under.again();
      const copy = JSON.parse(JSON.stringify(handle)) as Handle;
      const request = { method: 'POST', path: predictPath, headers: json } as const;
      const said = await other.functions?.invoke(
        copy,
        { ...request, body: Buffer.from('{}') },
        within(9000),
      );
      if (said?.kind !== 'ANSWER') throw new Error('no answer');
      expect(predictedIn(said).pid).toBe(pid);
      await other.close();
      await under.backend.release(handle);
    });

    test('a function that was released is NotFound, and its key is free', async () => {
      const key = newKey();
      const handle = await deploy({}, key);
      const { revision } = await under.functions.status(handle);
      for (let time = 0; time < 2; time++) {
        expect(await under.backend.release(handle)).toBeUndefined();
      }
      for (const work of everyMethod(under.functions, handle)) {
        expect(await kindOf(work)).toBe('NotFound');
      }
      const again = await deploy({}, key);
      expect((await under.functions.status(again)).revision).not.toBe(revision);
      await under.backend.release(again);
    });

    test("a handle that is nobody's is NotFound, everywhere", async () => {
      const { name } = under.backend;
      const handles: Handle[] = [
        { backend: name, version: 1, native: {} },
        { backend: name, version: 1, native: { kind: 'FUNCTION', name: '../x', key: 'a' } },
        {
          backend: name,
          version: 1,
          native: { kind: 'FUNCTION', name: 'fathom-none', key: 'a', timeoutMs: 1000 },
        },
        { ...(await deploy()), backend: 'another' },
      ];
      for (const handle of handles) {
        for (const work of everyMethod(under.functions, handle)) {
          expect(await kindOf(work)).toBe('NotFound');
        }
      }
    });

    test('every method of an instance that is closed rejects', async () => {
      const handle = await deploy();
      const other = await under.again();
      const { functions } = other;
      if (functions === null) throw new Error('it has no functions');
      const slow = functions.invoke(
        handle,
        {
          method: 'POST',
          path: predictPath,
          headers: json,
          body: Buffer.from('{"sleepMs":3000}'),
        },
        within(9000),
      );
      const ended = kindOf(() => slow);
      await new Promise((next) => setTimeout(next, 100));
      await other.close();
      expect(await ended).toBe('Closed');
      const deployed = (): Promise<unknown> =>
        functions.deploy(workload(), { key: newKey(), signal: soon() });
      for (const work of [...everyMethod(functions, handle), deployed]) {
        expect(await kindOf(work)).toBe('Closed');
      }
      await under.backend.release(handle);
    });
  });
}

export function predictedIn({ response }: Answered): Predicted {
  const text = Buffer.from(response.body).toString();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return (JSON.parse(text) as { readonly predictions: Predicted }).predictions;
}

function everyMethod(
  functions: FunctionRunner,
  handle: Handle,
): readonly (() => Promise<unknown>)[] {
  const deadline = Date.now() + 5000;
  const request = { method: 'GET', path: '/', headers: {}, body: null } as const;
  return [
    () => functions.status(handle),
    () => functions.invoke(handle, request, { deadline }),
    () => functions.warm(handle, 1, { deadline }),
    () => functions.result(handle, `${'0'.repeat(32)}.${Date.now()}`),
    () => drain(logs(functions, handle, null)),
  ];
}

function logs(
  functions: FunctionRunner,
  handle: Handle,
  after: string | null,
): AsyncIterable<LogChunk> {
  return functions.logs(handle, { after, signal: soon() });
}

function textsOf(all: readonly LogChunk[]): readonly string[] {
  return all.flatMap(({ lines }) => lines.map(({ text }) => text));
}

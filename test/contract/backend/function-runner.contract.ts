import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Handle, Program } from '../../../backends/contract/workload.ts';
import { functionCalls } from './function-calls.contract.ts';
import { functionLogs } from './function-logs.contract.ts';
import type { FunctionSuite, FunctionTarget } from './functions-under-test.ts';
import { json, predictPath, predictedIn, everyMethod, suiteOf } from './functions-under-test.ts';
import { kindOf, newKey, soon } from './under-test.ts';

/** The promises of `FunctionRunner`, and those of `Backend` about functions. */
export function functionRunnerContract(target: FunctionTarget): void {
  describe(`function runner: ${target.name}`, () => {
    let opened: FunctionSuite | null = null;
    const suite = (): FunctionSuite => {
      if (opened === null) throw new Error('nothing was opened');
      return opened;
    };
    beforeAll(async () => {
      opened = suiteOf(await target.create());
    }, 60_000);
    afterAll(() => opened?.under.destroy());

    functionDeployments(suite);
    functionCalls(suite);
    functionLogs(suite);
  });
}

function functionDeployments(suite: () => FunctionSuite): void {
  test('the same key is the same function, whoever deploys it', async () => {
    const { under, workload, deploy } = suite();
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
    const { under, deploy, answered } = suite();
    const handle = await deploy();
    expect(await under.functions.status(handle)).toMatchObject({
      phase: 'READY',
      failure: null,
      limits: { timeoutMs: expect.any(Number), requestBytes: expect.any(Number) },
    });
    const first = await answered(handle, {});
    expect(first.start).toMatchObject({ cold: true, initMs: expect.any(Number) });
    await under.settled();
    const second = await answered(handle, {});
    expect(second.start).toMatchObject({ cold: false, initMs: null });
    expect(predictedIn(second).instance).toBe(predictedIn(first).instance);
    await under.backend.release(handle);
  });

  test('warm makes as many containers ready as it is asked', async () => {
    const { under, deploy, within, answered } = suite();
    const handle = await deploy({ replicas: 3 });
    const starts = await under.functions.warm(handle, 3, within(30_000));
    expect(starts.map(({ cold }) => cold)).toEqual([true, true, true]);
    await under.settled();
    const calls = Array.from({ length: 3 }, () => answered(handle, { sleepMs: 300 }));
    const answers = await Promise.all(calls);
    expect(answers.map(({ start }) => start.cold)).toEqual([false, false, false]);
    expect(new Set(answers.map((answer) => predictedIn(answer).instance)).size).toBe(3);
    expect(await under.functions.warm(handle, 0, within(1000))).toEqual([]);
    for (const wrong of [-1, 1.5, NaN, 1e9]) {
      expect(await kindOf(() => under.functions.warm(handle, wrong, within(1000)))).toBe(
        'Rejected',
      );
    }
    await under.backend.release(handle);
  });

  test('warm tells what it saw by the deadline, and no more', async () => {
    const { under, deploy, within } = suite();
    const handle = await deploy({ environment: { LOAD: 'slow' } });
    expect(await under.functions.warm(handle, 1, within(150))).toEqual([]);
    const [start] = await under.functions.warm(handle, 1, within(30_000));
    expect(start).toBeDefined();
    await under.backend.release(handle);
  });

  test('more than the limits say is Rejected with what is allowed; GPUs and nodes are Unsupported', async () => {
    const { under, workload, deploy, errorOf } = suite();
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
    const { deploy } = suite();
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
    const { under, deploy, predict } = suite();
    const text = 'trained «here» ☃ $(id) `id` ${HOME} {{ .x }} <%= 1 %>\n- "\'#';
    const content = { kind: 'TEXT', text } as const;
    const inputs = [
      { path: 'artifact/weights.txt', content },
      { path: `artifact/$(id) '"; {{ .x }} \n☃`, content },
    ];
    const handle = await deploy({ inputs, artifactFolder: 'artifact' });
    expect((await predict(handle)).weights).toBe(text);
    await under.backend.release(handle);
    for (const path of ['../x', '/x', 'a//b', '']) {
      expect(await kindOf(() => deploy({ inputs: [{ path, content }] }))).toBe('Rejected');
    }
  });

  test('a trained artifact is fetched by every container, until release', async ({ skip }) => {
    const { under, deploy, predict } = suite();
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
    expect(second.instance).not.toBe(first.instance);
    await under.backend.release(handle);
  });

  test('another instance serves the same functions', async () => {
    const { under, deploy, within, predict } = suite();
    const handle = await deploy();
    const { instance } = await predict(handle);
    await under.settled();
    const other = await under.again();
    const copy = JSON.parse(JSON.stringify(handle)) as Handle;
    const request = { method: 'POST', path: predictPath, headers: json } as const;
    const said = await other.functions?.invoke(
      copy,
      { ...request, body: Buffer.from('{}') },
      within(9000),
    );
    if (said?.kind !== 'ANSWER') throw new Error('no answer');
    expect(predictedIn(said).instance).toBe(instance);
    await other.close();
    await under.backend.release(handle);
  });

  test('a function that was released is NotFound, and its key is free', async () => {
    const { under, deploy } = suite();
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
    const { under, deploy } = suite();
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
    const { under, workload, deploy, within } = suite();
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
}

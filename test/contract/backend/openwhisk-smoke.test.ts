import { expect, test } from 'vitest';
import { predictedIn, predictPath } from './functions-under-test.ts';
import { openOpenWhisk } from './openwhisk-under-test.ts';
import { newKey, printed, service, soon } from './under-test.ts';

test('a function is deployed with its artifact, warmed, called, read and released', async () => {
  const under = await openOpenWhisk();
  try {
    if (under.blob === null) throw new Error('there are no deliveries');
    const inputs = [await under.blob('artifact/weights.txt', 'trained')];
    const workload = service(under.program, { inputs, artifactFolder: 'artifact' });
    const options = { key: newKey(), signal: soon() };
    const handle = await under.functions.deploy(workload, options);
    const deadline = Date.now() + 20_000;
    const [start] = await under.functions.warm(handle, 1, { deadline });
    expect(start?.cold).toBe(true);
    const body = Buffer.from(JSON.stringify({ print: 'called' }));
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', path: predictPath, headers, body } as const;
    const said = await under.functions.invoke(handle, request, { deadline });
    if (said.kind !== 'ANSWER') throw new Error('it was not answered');
    expect(said.start.cold).toBe(false);
    expect(predictedIn(said).weights).toBe('trained');
    const texts = (await printed(under.functions, handle)).map(({ text }) => text);
    expect(texts).toContain('called');
    await under.backend.release(handle);
    expect(under.fake.actions.size).toBe(0);
  } finally {
    await under.destroy();
  }
});

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Handle, InputFile, Program } from '../../../backends/contract/workload.ts';
import { files } from '../../../modules/data/iris.ts';
import type { LocalUnderTest } from './local-under-test.ts';
import { openLocal } from './local-under-test.ts';
import { job, newKey, printed, service, soon, submit, textOf, untilEnded } from './under-test.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const folder = join(root, 'modules/tabular-classifier');
let under: LocalUnderTest;

beforeAll(async () => {
  under = await openLocal({
    runtime: [process.execPath, join(root, 'modules/runtime/main.ts')],
    loadTimeoutSeconds: 15,
  });
});
afterAll(() => under.destroy());

function tabular(operation: 'train' | 'serve'): Program {
  return {
    kind: 'MODULE',
    module: { slug: 'tabular-classifier', source: { kind: 'FOLDER', path: folder } },
    operation,
  };
}

test('a real module is trained as a job and what it leaves is served', async () => {
  const [table] = await files();
  if (table === undefined) throw new Error('there is no data');
  const path = `data/${table.path}`;
  const workload = {
    module: 'tabular-classifier',
    arguments: { epochs: 2 },
    seed: 1,
    data: {
      format: 'CSV',
      root: 'data',
      files: [{ path, bytes: table.bytes.length }],
      split: 'data/split.json',
      target: null,
    },
    resume: null,
  };
  const indices = Array.from({ length: 150 }, (_, index) => index);
  const split = {
    rule: 'test',
    seed: 1,
    train: indices.filter((index) => index % 5 !== 0),
    test: indices.filter((index) => index % 5 === 0),
  };
  const text = (at: string, content: string): InputFile => ({
    path: at,
    content: { kind: 'TEXT', text: content },
  });
  const inputs = [
    text('workload.json', JSON.stringify(workload)),
    text('data/split.json', JSON.stringify(split)),
    text(path, Buffer.from(table.bytes).toString('utf8')),
  ];
  const resources = { cpus: 1, memoryMiB: 2048, gpus: null, timeLimitSeconds: 60 };
  const trained = await submit(under.jobs, job(tabular('train'), { inputs, resources }));
  const { exit } = await untilEnded(under.jobs, trained);
  expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
  const types = (await printed(under.jobs, trained))
    .filter((line) => line.stream === 'STDOUT' && line.text.startsWith('{'))
    .map((line) => (JSON.parse(line.text) as { type: string }).type);
  expect(types).toEqual(expect.arrayContaining(['phase', 'progress', 'metrics', 'checkpoint']));
  const outputs = await under.jobs.outputs(trained);
  const output = JSON.parse(await textOf(outputs, 'output.json')) as {
    metrics: Record<string, number>;
  };
  expect(output.metrics['testAccuracy']).toBeGreaterThan(0);
  const artifact = await Promise.all(
    (await outputs.list('model/')).map(async (file): Promise<InputFile> => {
      const bytes: Uint8Array[] = [];
      for await (const piece of await outputs.read(file.path)) bytes.push(piece);
      const sha256 = under.blob(Buffer.concat(bytes));
      const content = { kind: 'BLOB', sha256, bytes: file.bytes, url: null } as const;
      return { path: file.path.replace(/^model/, 'artifact'), content };
    }),
  );
  const served = await under.services.deploy(
    service(tabular('serve'), { inputs: artifact, artifactFolder: 'artifact', resources }),
    { key: newKey(), signal: soon() },
  );
  await ready(served);
  const answer = await under.services.invoke(
    served,
    { method: 'GET', path: '/v2/models/', headers: {}, body: null, replica: null },
    { deadline: Date.now() + 5000 },
  );
  expect(answer.status).toBe(200);
  expect(Buffer.from(answer.body).toString('utf8')).toContain('tabular-classifier');
});

test('a module that cannot load fails with its own words', async () => {
  const handle = await under.services.deploy(
    service(tabular('serve'), { artifactFolder: 'none' }),
    {
      key: newKey(),
      signal: soon(),
    },
  );
  for await (const status of under.services.watch(handle, soon())) {
    if (status.phase !== 'FAILED') continue;
    expect(status.failure).toMatch(/exit code 2 before it was ready.*artifact/s);
    return;
  }
  throw new Error('it did not fail');
});

async function ready(handle: Handle): Promise<void> {
  for await (const { phase, failure } of under.services.watch(handle, soon())) {
    if (phase === 'READY') return;
    if (phase === 'FAILED') throw new Error(failure ?? 'it failed');
  }
}

import { expect, test } from 'vitest';
import { BackendError } from '../../../../backends/contract/error.ts';
import type { OutputFolder } from '../../../../backends/contract/job-runner.ts';
import {
  collectArtifact,
  maximumMetrics,
  readOutputDocument,
  UnusableOutputError,
} from '../../../../services/training/collect.ts';

const what = {
  kind: 'MODEL',
  name: 'model',
  folder: 'model',
  epoch: null,
  metrics: {},
} as const;

/** Outputs that list these paths and give this content for each, or nothing at all. */
function outputs(paths: readonly string[], content: string | null = ''): OutputFolder {
  return {
    list: async () => paths.map((path) => ({ path, bytes: content?.length ?? 0 })),
    read: async (path) => {
      if (content === null) throw new BackendError('NotFound', 'outputs', `no ${path}`);
      return (async function* () {
        yield new TextEncoder().encode(content);
      })();
    },
  };
}

const collect = (folder: OutputFolder) =>
  // Refused before anything is stored or described.
  collectArtifact({} as never, folder, {} as never, what);

test('an artifact of more files than are kept is refused for good, not tried for ever', async () => {
  const paths = Array.from({ length: 10_001 }, (_, at) => `model/${at}`);
  await expect(collect(outputs(paths))).rejects.toThrow(UnusableOutputError);
  await expect(collect(outputs(paths))).rejects.toThrow('more than 10000 files');
});

test('a file that is listed and cannot be read is the fault of the module, and is named', async () => {
  const at = { blobs: {}, ambient: {} } as never;
  const work = collectArtifact(at, outputs(['model/a\\b'], null), {} as never, what);
  await expect(work).rejects.toThrow(UnusableOutputError);
  await expect(work).rejects.toThrow(String.raw`out/model/a\\b`);
});

test('an output document with more metrics than are kept is refused', async () => {
  const metrics = (count: number) =>
    JSON.stringify({
      metrics: Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, at])),
    });
  const read = (count: number) => readOutputDocument(outputs(['output.json'], metrics(count)));
  expect(await read(maximumMetrics)).toHaveProperty('document');
  expect(await read(maximumMetrics + 1)).toMatchObject({
    problem: expect.stringContaining('more than 256 metrics') as string,
    missing: false,
  });
});

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InputFile } from '../../backends/contract/workload.ts';
import * as iris from '../../modules/data/iris.ts';
import { layOutWorkload } from '../../modules/runtime/lay-out-workload.ts';
import type { SlurmSite, SlurmUnderTest } from '../contract/backend/slurm-under-test.ts';
import { openSlurm } from '../contract/backend/slurm-under-test.ts';
import { job, printed, submit, textOf, untilEnded } from '../contract/backend/under-test.ts';
import type { RealSlurm } from './slurm.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A reference module, trained on a node as a site would train it. */
export function slurmTrainsModules(
  name: string,
  started: () => RealSlurm,
  site: (slurm: RealSlurm) => SlurmSite,
): void {
  describe(`training by ${name}`, { timeout: 60_000 }, () => {
    let under: SlurmUnderTest;
    beforeAll(async () => {
      const runtime = [process.execPath, join(root, 'modules/runtime/main.ts')];
      under = await openSlurm(site(started()), { runtime }, `${started().folder}/shared`);
    });
    afterAll(() => under.destroy());

    test('a module is trained, tells its progress and leaves its document and weights', async () => {
      const source = { kind: 'FOLDER', path: join(root, 'modules/tabular-classifier') } as const;
      const handle = await submit(
        under.jobs,
        job(
          {
            kind: 'MODULE',
            module: { slug: 'tabular-classifier', source },
            operation: 'train',
          },
          {
            inputs: await trainingInputs(),
            resources: { cpus: 2, memoryMiB: 1500, gpus: null, timeLimitSeconds: 120 },
          },
        ),
      );
      const { exit } = await untilEnded(under.jobs, handle);
      expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
      const told = (await printed(under.jobs, handle)).map(({ text }) => text);
      expect(told.some((text) => text.includes('"type":"metrics"'))).toBe(true);
      const outputs = await under.jobs.outputs(handle);
      const document = JSON.parse(await textOf(outputs, 'output.json')) as {
        readonly metrics: { readonly accuracy: number };
      };
      expect(document.metrics.accuracy).toBeGreaterThan(0.8);
      expect((await outputs.list('model/')).length).toBeGreaterThan(0);
    });
  });
}

/** What a training of the tabular classifier is given. */
export async function trainingInputs(): Promise<readonly InputFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-workload-'));
  try {
    const { examples, target } = iris;
    const data = { format: 'CSV', target, examples, files: await iris.files() } as const;
    await layOutWorkload(folder, {
      module: 'tabular-classifier',
      arguments: { epochs: 30 },
      seed: 1,
      data,
    });
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async (entry): Promise<InputFile> => {
          const path = join(entry.parentPath, entry.name);
          const text = await readFile(path, 'utf8');
          return { path: path.slice(folder.length + 1), content: { kind: 'TEXT', text } };
        }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

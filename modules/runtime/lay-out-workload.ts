import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ReferenceData } from './module.ts';

export interface WorkloadRequest {
  readonly module: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly data: ReferenceData;
  readonly resume?: string;
}

/**
 * Writes a work folder for the command `train`: the data files, a split that tests on every fifth
 * example, and `workload.json`.
 */
export async function layOutWorkload(work: string, request: WorkloadRequest): Promise<void> {
  const { data } = request;
  for (const file of data.files) {
    const path = join(work, 'data', file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.bytes);
  }
  const indices = Array.from({ length: data.examples }, (_, index) => index);
  const split = {
    rule: 'every-fifth',
    seed: request.seed,
    train: indices.filter((index) => index % 5 !== 4),
    test: indices.filter((index) => index % 5 === 4),
  };
  await writeFile(join(work, 'data', 'split.json'), JSON.stringify(split));
  const workload = {
    module: request.module,
    arguments: request.arguments,
    seed: request.seed,
    data: {
      format: data.format,
      root: 'data',
      files: data.files.map(({ path, bytes }) => ({ path: `data/${path}`, bytes: bytes.length })),
      split: 'data/split.json',
      target: data.target,
    },
    resume: request.resume ?? null,
  };
  await writeFile(join(work, 'workload.json'), JSON.stringify(workload));
}

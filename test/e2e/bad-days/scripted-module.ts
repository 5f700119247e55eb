import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes a module of this name, whose `train` and `load` are the given scripts, into `folder`. */
export async function writeModule(
  folder: string,
  name: string,
  { train, load = '' }: { readonly train?: string; readonly load?: string },
): Promise<void> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'metadata.json'), JSON.stringify({ ...metadata, title: name }));
  await writeFile(
    join(path, 'module.ts'),
    `
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
export const module = {
  name: '${name}',
  version: '1.0.0',
  predictArguments: { probe: { type: 'string', description: 'Anything.', default: 'x' } },
  trainArguments: ${train === undefined ? 'null' : "{ how: { type: 'string', description: 'What to do.', default: 'well' } }"},
  sample: { arguments: { probe: 'x' }, expect: { label: 'yes' } },
  weights: null,
  predictsWithoutWeights: true,
  async load(artifact: string | null) {
    let predict = (values: { probe: unknown }): unknown => ({ labels: ['yes'], ...values, pid: process.pid });
    ${load}
    return { facts: {}, predict };
  },
  async train({ values, artifact, report }: never) {
    const out = join(artifact, '..');
    const how = (values as { how: string }).how;
    ${train ?? ''}
    writeFileSync(join(artifact, 'weights'), 'weights');
    return { metrics: { testAccuracy: 1 }, labels: ['yes'] };
  },
};
`,
  );
}

const metadata = {
  summary: 'A script.',
  description: ['It does as it is told.'],
  keywords: ['inference'],
  license: 'Apache-2.0',
  date_creation: '2026-01-01',
  sources: {
    dockerfile_repo: 'https://fathom.example/modules/script',
    docker_registry_repo: 'fathom/script',
    code: 'https://fathom.example/modules/script',
  },
};

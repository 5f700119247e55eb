import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectCopy, root } from './project-copy.ts';

const clean = {
  'domain/run.ts': `export type Run = 'QUEUED';\nexport const first: Run = 'QUEUED';\n`,
  'schema/training/run.ts': `import { first } from '../../domain/run.ts';\nexport const run = first;\n`,
  'schema/snapshots/sdl.ts': `export const sdl = '';\n`,
  'store/contract/store.ts': `import type { Run } from '../../domain/run.ts';\nexport type Store = Run;\n`,
  'store/embedded/open.ts': `import { first } from '../../domain/run.ts';\nexport const open = first;\n`,
  'backends/contract/job-runner.ts': `export const contract = 'jobs';\n`,
  'backends/slurm/client.ts': `export const client = 1;\n`,
  'backends/slurm/index.ts': `import { contract } from '../contract/job-runner.ts';\nimport { client } from './client.ts';\nexport const slurm = [contract, client];\n`,
  'backends/nomad/index.ts': `export const nomad = 2;\n`,
  'backends/registry.ts': `import { slurm } from './slurm/index.ts';\nexport const registry = [slurm];\n`,
  'storage/files/index.ts': `import { readFileSync } from 'node:fs';\nexport const files = readFileSync;\n`,
  'services/runs.ts': `import type { Store } from '../store/contract/store.ts';\nimport { contract } from '../backends/contract/job-runner.ts';\nexport const runs = (store: Store): string => contract + store;\n`,
  'resolvers/training/subgraph.ts': `import { run } from '../../schema/training/run.ts';\nimport { runs } from '../../services/runs.ts';\nexport const subgraph = [run, runs];\n`,
  'gateway/edge.ts': `import { subgraph } from '../resolvers/training/subgraph.ts';\nimport { sdl } from '../schema/snapshots/sdl.ts';\nexport const edge = [subgraph, sdl];\n`,
  'server/config.ts': `export const port = process.env['PORT'];\n`,
  'server/main.ts': `import { edge } from '../gateway/edge.ts';\nimport { open } from '../store/embedded/open.ts';\nimport { registry } from '../backends/registry.ts';\nimport { port } from './config.ts';\nexport const main = [edge, open, registry, port];\n`,
  'codegen/client/generated/client.ts': `export const client = 3;\n`,
  'console/page.ts': `import { client } from '../codegen/client/generated/client.ts';\nexport const page = client;\n`,
  'modules/runtime/main.ts': `import { join } from 'node:path';\nexport const home = join(process.env['HOME'] ?? '', '.cache');\n`,
  'test/unit/any.ts': `import { main } from '../../server/main.ts';\nexport const seen = main;\n`,
};

test('code that follows the table of folders is clean', async () => {
  expect(await lint(await projectCopy(clean))).toEqual([]);
});

/** Planted file → its text and the rule that must refuse it. */
const planted: Readonly<Record<string, readonly [rule: string, text: string]>> = {
  'domain/a-layer-above.ts': layers(`import { run } from '../schema/training/run.ts';`),
  'domain/a-package.ts': layers(`import { z as run } from 'zod';`),
  'domain/a-node-module.ts': layers(`import { join as run } from 'node:path';`),
  'domain/a-package-by-path.ts': layers(`import { z as run } from '../node_modules/zod/index.js';`),
  'domain/a-dynamic-import.ts': layers(`const run = import('../services/runs.ts');`),
  'domain/a-computed-import.ts': layers(
    `const run = (name: string): Promise<unknown> => import(name);`,
  ),
  'domain/an-export-from.ts': ['house/layers', `export { runs } from '../services/runs.ts';\n`],
  'domain/an-export-all.ts': ['house/layers', `export * from '../services/runs.ts';\n`],
  'domain/a-type.ts': [
    'house/layers',
    `import type { Store } from '../store/contract/store.ts';\nexport type S = Store;\n`,
  ],
  'domain/an-import-type.ts': [
    'house/layers',
    `export type S = import('../store/contract/store.ts').Store;\n`,
  ],
  'schema/imports-resolvers.ts': layers(
    `import { subgraph as run } from '../resolvers/training/subgraph.ts';`,
  ),
  'schema/imports-services.ts': layers(`import { runs as run } from '../services/runs.ts';`),
  'resolvers/imports-a-store.ts': layers(
    `import { open as run } from '../store/embedded/open.ts';`,
  ),
  'resolvers/imports-a-contract.ts': layers(
    `import { contract as run } from '../backends/contract/job-runner.ts';`,
  ),
  'resolvers/imports-the-gateway.ts': layers(`import { edge as run } from '../gateway/edge.ts';`),
  'services/imports-a-concrete-store.ts': layers(
    `import { open as run } from '../store/embedded/open.ts';`,
  ),
  'services/imports-a-concrete-backend.ts': layers(
    `import { slurm as run } from '../backends/slurm/index.ts';`,
  ),
  'services/imports-the-registry.ts': layers(
    `import { registry as run } from '../backends/registry.ts';`,
  ),
  'services/imports-a-concrete-storage.ts': layers(
    `import { files as run } from '../storage/files/index.ts';`,
  ),
  'services/imports-the-schema.ts': layers(`import { run } from '../schema/training/run.ts';`),
  'services/imports-resolvers.ts': layers(
    `import { subgraph as run } from '../resolvers/training/subgraph.ts';`,
  ),
  'store/imports-services.ts': layers(`import { runs as run } from '../services/runs.ts';`),
  'store/contract/imports-an-engine.ts': layers(
    `import { open as run } from '../embedded/open.ts';`,
  ),
  'backends/imports-a-concrete-one.ts': layers(`import { nomad as run } from './nomad/index.ts';`),
  'backends/slurm/imports-its-sibling.ts': layers(
    `import { nomad as run } from '../nomad/index.ts';`,
  ),
  'backends/slurm/imports-services.ts': layers(
    `import { runs as run } from '../../services/runs.ts';`,
  ),
  'backends/contract/imports-a-concrete-one.ts': layers(
    `import { nomad as run } from '../nomad/index.ts';`,
  ),
  'storage/s3/imports-its-sibling.ts': layers(`import { files as run } from '../files/index.ts';`),
  'gateway/imports-services.ts': layers(`import { runs as run } from '../services/runs.ts';`),
  'gateway/imports-a-schema-class.ts': layers(`import { run } from '../schema/training/run.ts';`),
  'gateway/imports-the-server.ts': layers(`import { main as run } from '../server/main.ts';`),
  'codegen/imports-services.ts': layers(`import { runs as run } from '../services/runs.ts';`),
  'console/imports-the-domain.ts': layers(`import { first as run } from '../domain/run.ts';`),
  'modules/imports-the-domain.ts': layers(`import { first as run } from '../domain/run.ts';`),
  'server/imports-a-test.ts': layers(`import { seen as run } from '../test/unit/any.ts';`),
  'services/imports-by-absolute-path.ts': layers(`import run from '/srv/fathom/domain/run.ts';`),
  'services/leaves-the-repository.ts': layers(`import { run } from '../../elsewhere/run.ts';`),
  'workers/stands-outside-the-table.ts': layers(`import { first as run } from '../domain/run.ts';`),
  'services/reads-the-environment.ts': environment(`const run = process.env['HOME'];`),
  'services/reads-it-by-the-global.ts': environment(`const run = globalThis.process.env['HOME'];`),
  'services/reads-it-by-a-computed-name.ts': environment(`const run = process['env'];`),
  'services/reads-it-by-destructuring.ts': environment(`const { env: run } = process;`),
  'services/reads-it-by-import.ts': environment(`import { env as run } from 'node:process';`),
  'services/reads-it-by-another-name.ts': environment(`import run from 'process';`),
  'server/also-reads-it.ts': environment(`const run = process.env['HOME'];`),
  'services/cycle-a.ts': [
    'import/no-cycle',
    `import { b } from './cycle-b.ts';\nexport const a = (): number => b();\n`,
  ],
  'services/cycle-b.ts': [
    'import/no-cycle',
    `import { a } from './cycle-a.ts';\nexport const b = (): number => a();\n`,
  ],
  'domain/type-cycle-a.ts': [
    'import/no-cycle',
    `import type { B } from './type-cycle-b.ts';\nexport type A = B | 1;\n`,
  ],
  'domain/type-cycle-b.ts': [
    'import/no-cycle',
    `import type { A } from './type-cycle-a.ts';\nexport type B = A[];\n`,
  ],
  'services/any.ts': ['typescript/no-explicit-any', `export const run = (x: any): unknown => x;\n`],
  'services/bang.ts': [
    'typescript/no-non-null-assertion',
    `export const run = (x?: string): string => x!;\n`,
  ],
  'services/type-import.ts': [
    'typescript/consistent-type-imports',
    `import { Store } from '../store/contract/store.ts';\nexport type S = Store;\n`,
  ],
  'services/floating.ts': [
    'typescript/no-floating-promises',
    `export function run(p: Promise<void>): void {\n  p.then(() => undefined);\n}\n`,
  ],
  'services/misused.ts': [
    'typescript/no-misused-promises',
    `export const run = (f: () => Promise<boolean>): number => (f() ? 1 : 2);\n`,
  ],
  'services/default.ts': ['import/no-default-export', `export default 1;\n`],
  'services/space.ts': [
    'typescript/no-namespace',
    `export namespace Space {\n  export const run = 1;\n}\n`,
  ],
};

test('every rule of the table refuses the import or the access planted against it', async () => {
  const texts = Object.entries(planted).map(([path, [, text]]) => [path, text] as const);
  const findings = await lint(await projectCopy({ ...clean, ...Object.fromEntries(texts) }));
  const seen = new Set(findings.map(({ file, rule }) => `${file} ${rule}`));
  const wanted = Object.entries(planted).map(([path, [rule]]) => `${path} ${rule}`);
  expect(wanted.filter((line) => !seen.has(line))).toEqual([]);
  // and nothing beside them: a rule that fires everywhere proves nothing
  expect(findings.filter(({ file }) => !(file in planted))).toEqual([]);
});

function layers(statement: string): readonly [string, string] {
  return ['house/layers', `${statement}\nexport const seen = run;\n`];
}

function environment(statement: string): readonly [string, string] {
  return ['house/environment', `${statement}\nexport const seen = run;\n`];
}

interface Finding {
  readonly file: string;
  readonly rule: string;
  readonly message: string;
}

async function lint(folder: string): Promise<readonly Finding[]> {
  const program = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const output = await new Promise<string>((resolve) => {
    // The exit code only repeats what the findings say.
    execFile(
      process.execPath,
      [program, '--format', 'json', '.'],
      { cwd: folder, maxBuffer: 1 << 26 },
      (_error, stdout, stderr) => resolve(stdout === '' ? stderr : stdout),
    );
  });
  const { diagnostics } = JSON.parse(output) as {
    readonly diagnostics: readonly {
      readonly code: string;
      readonly filename: string;
      readonly message: string;
    }[];
  };
  return diagnostics.map(({ code, filename, message }) => ({
    file: filename,
    rule: code.replace(/\((.*)\)/, '/$1'),
    message,
  }));
}

// `npm run new:backend NAME`: a backend that compiles, is registered, and fails its contract suite until it is written.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { newBackend } from '../codegen/new-backend/new-backend.ts';

const root = resolve(import.meta.dirname, '..');
const [, , name = ''] = process.argv;

try {
  const { files, registry } = await newBackend(root, name);
  for (const [path, text] of [...files, ['backends/registry.ts', registry] as const]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    // A file that is there is never written over, but for the registry.
    const flag = files.has(path) ? 'wx' : 'w';
    await writeFile(join(root, path), await formatted(path, text), { flag });
    console.log(path);
  }
  console.log(`
now: write test/fakes/${name} and backends/${name} until this is green, as docs/checklists/backend.md says:
  npm test -- test/contract/backend/${name}.test.ts`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

async function formatted(path: string, text: string): Promise<string> {
  const filepath = join(root, path);
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}

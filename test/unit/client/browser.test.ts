import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');

test('the client bundles for browsers with graphql-ws and nothing else', async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['codegen/client/client.ts', 'codegen/client/generated/graphql.ts'],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
    outdir: 'unused',
    logLevel: 'silent',
  });
  const foreign = Object.keys(metafile.inputs).filter(
    (path) =>
      !path.startsWith('codegen/client/') && !path.startsWith('node_modules/graphql-ws/dist/'),
  );
  expect(foreign).toEqual([]);
});

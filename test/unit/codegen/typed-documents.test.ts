import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { typedDocuments } from '../../../codegen/typed-documents.ts';

const schema = `
  scalar DateTime scalar JSON scalar SafeInt
  type Query { thing(id: ID!): Thing }
  type Thing { id: ID! at: DateTime! size: SafeInt! extra: JSON }
`;
const operation = 'query Thing($id: ID!) { thing(id: $id) { id at size extra } }';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fathom-codegen-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function generated(text: string, api = schema): Promise<ReadonlyMap<string, string>> {
  await writeFile(join(folder, 'a.graphql'), text);
  return typedDocuments({ schema: api, operations: join(folder, '*.graphql'), folder: 'out/' });
}

describe('typed documents', () => {
  test('know the types of scalars and carry the digest of their text', async () => {
    const files = await generated(operation);
    expect([...files.keys()].toSorted()).toEqual([
      'out/graphql.ts',
      'out/persisted-documents.json',
    ]);
    const code = files.get('out/graphql.ts') ?? '';
    expect(code).toContain('{ id: string, at: string, size: number, extra: Json | null }');
    expect(code).not.toContain('any;');
    const manifest = JSON.parse(files.get('out/persisted-documents.json') ?? '') as object;
    const [hash = ''] = Object.keys(manifest);
    expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(code).toContain(hash);
  });

  test('need no package but the client', async () => {
    const code = (await generated(operation)).get('out/graphql.ts') ?? '';
    const imports = [...code.matchAll(/from '([^']+)'/g)].map(([, from]) => from);
    expect(new Set(imports)).toEqual(new Set(['../json.ts', '../typed-document.ts']));
  });

  test('are the same each time', async () => {
    expect(await generated(operation)).toEqual(await generated(operation));
  });

  test('are refused for a field that is not there', async () => {
    await expect(generated('query A { other }')).rejects.toThrow('other');
  });

  test('are refused for a scalar nobody gave a type', async () => {
    const api = schema.replace('extra: JSON', 'extra: Secret').concat(' scalar Secret');
    await expect(generated(operation, api)).rejects.toThrow('Secret');
  });
});

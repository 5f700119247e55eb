import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, readSettings } from '../../../server/settings-file.ts';

describe('the settings file', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fathom-settings-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const written = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  test('is JSON, or TypeScript with the same content by default export', async () => {
    const json = await written(
      'fathom.config.json',
      '{ "backends": [{ "name": "here", "type": "local", "settings": { "cpus": 2 } }] }',
    );
    const ts = await written(
      'fathom.config.ts',
      `const cpus: number = 1 + 1;
       export default { backends: [{ name: 'here', type: 'local', settings: { cpus } }] } as const;`,
    );
    expect(readSettings(ts)).toEqual(readSettings(json));
    expect(readSettings(ts).backends).toEqual([
      { name: 'here', type: 'local', settings: { cpus: 2 } },
    ]);
  });

  test('that is wrong is a sentence with the file and the place', async () => {
    const wrong = [
      await written('a.config.ts', 'export default { backend: [] };'),
      await written('b.config.ts', 'export const backends = [];'),
      await written('c.config.ts', 'export default {'),
      await written('d.config.ts', "throw new Error('not today');"),
      await written('e.config.json', '{'),
      join(folder, 'f.config.ts'),
    ];
    for (const path of wrong) {
      expect(() => readSettings(path)).toThrow(ConfigError);
      expect(() => readSettings(path)).toThrow(path);
    }
  });

  test('is looked for under both names, and two are one too many', async () => {
    expect(readSettings(undefined, folder).backends).toBe(undefined);
    await written(
      'fathom.config.ts',
      "export default { backends: [{ name: 'ts', type: 'local' }] };",
    );
    expect(readSettings(undefined, folder).backends?.[0]?.name).toBe('ts');
    await written('fathom.config.json', '{}');
    expect(() => readSettings(undefined, folder)).toThrow('keep one');
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../../../server/config.ts';
import { ConfigError } from '../../../server/settings-file.ts';

describe('the address that launchers are given', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fathom-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function configOf(dataPlane: unknown, env: Record<string, string> = {}): Promise<Config> {
    const path = join(folder, 'fathom.config.json');
    await writeFile(path, JSON.stringify({ dataPlane }));
    return readConfig(folder, { FATHOM_CONFIG: path, ...env });
  }

  test('without settings it is where the server listens', () => {
    expect(readConfig(folder, {})).toMatchObject({ dataUrl: null, sites: null });
  });

  test('a public address is said in the environment, or in the file', async () => {
    const file = { publicUrl: 'https://ml.example.org/bytes/' };
    expect((await configOf(file)).dataUrl).toBe('https://ml.example.org/bytes');
    const env = { FATHOM_DATA_URL: 'https://other.example.org' };
    expect((await configOf(file, env)).dataUrl).toBe('https://other.example.org');
  });

  test('sites may have one of their own, where nothing but deliveries is served', async () => {
    const sites = async (value: object) => (await configOf({ sites: value })).sites;
    expect(await sites({ host: '10.0.0.5', port: 4011 })).toEqual({
      host: '10.0.0.5',
      port: 4011,
      url: 'http://10.0.0.5:4011',
    });
    expect((await sites({ host: 'fd00::5', port: 4011 }))?.url).toBe('http://[fd00::5]:4011');
    const behind = { host: '0.0.0.0', port: 4011, url: 'https://sites.example.org/' };
    expect((await sites(behind))?.url).toBe('https://sites.example.org');
  });

  test('one that no site could use is refused in a sentence', async () => {
    for (const dataPlane of [
      { sites: { host: '0.0.0.0', port: 4011 } },
      { sites: { host: '10.0.0.5', port: 0 } },
      { sites: { host: '10.0.0.5', port: 1, url: 'ftp://x' } },
      { publicUrl: 'x' },
      { publicURL: 'https://x' },
    ]) {
      await expect(configOf(dataPlane)).rejects.toBeInstanceOf(ConfigError);
    }
  });
});

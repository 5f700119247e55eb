import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackend } from '../../../backends/registry.ts';
import { localSurroundings } from './local-surroundings.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('requests to a backend carry the trace that they are made in', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fathom-traceparent-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const settings = (url: string): Readonly<Record<string, object>> => ({
    kubernetes: {
      connection: { kind: 'token', server: url, token: 'a-token', skipTlsVerify: true },
    },
    nomad: { address: url },
    openwhisk: { apiHost: url, key: 'someone:secret' },
    slurm: {
      transport: { kind: 'rest', url, user: 'someone', credentials: { token: 'a.b.c' } },
      sharedFolder: folder,
    },
  });

  /** What its requests carried while it looked whether it is well, each once. */
  const carried = async (
    type: string,
    current: string | null,
  ): Promise<readonly (string | undefined)[]> => {
    const heard = new Set<string | undefined>();
    const server = createServer(({ headers }, response) => {
      heard.add(headers['traceparent'] as string | undefined);
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const own = settings(`http://127.0.0.1:${port}`)[type];
    const surroundings = { ...localSurroundings(folder, folder, []), traceparent: () => current };
    const backend = await createBackend(type, 'far', own, surroundings);
    await backend.health();
    await backend.close();
    server.close();
    server.closeAllConnections();
    return [...heard];
  };

  test.each(['kubernetes', 'nomad', 'openwhisk', 'slurm'])('%s', async (type) => {
    expect(await carried(type, traceparent)).toEqual([traceparent]);
    expect(await carried(type, null)).toEqual([undefined]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { announce, partHeaders, Server, sha256, type UserError } from './server.ts';

let server: Server;
let dataset: string;

beforeAll(async () => {
  server = await Server.start();
  const payload = await server.change<{ dataset: { id: string } }>(
    'createDataset',
    'CreateDatasetInput',
    { name: 'odd' },
    'dataset { id }',
  );
  dataset = payload.dataset.id;
}, 60_000);

afterAll(() => server.destroy());

const good = { path: 'a.bin', bytes: 3, sha256: sha256('abc') };

describe('an upload is not announced', () => {
  test.each([
    ['above its folder', { ...good, path: '../a' }, 'path'],
    ['above its folder, later', { ...good, path: 'a/../../b' }, 'path'],
    ['from the root', { ...good, path: '/etc/passwd' }, 'path'],
    ['with a backslash', { ...good, path: String.raw`a\..\b` }, 'path'],
    ['with NUL', { ...good, path: 'a\u0000.bin' }, 'path'],
    ['with half a character', { ...good, path: '\ud800' }, 'path'],
    ['with an empty part', { ...good, path: 'a//b' }, 'path'],
    ['with a part too long for a file system', { ...good, path: 'ü'.repeat(200) }, 'path'],
    ['without a name', { ...good, path: '' }, 'path'],
    ['with less than nothing', { ...good, bytes: -1 }, 'bytes'],
    ['with more than anybody has', { ...good, bytes: Number.MAX_SAFE_INTEGER }, 'bytes'],
    ['with a digest that is none', { ...good, sha256: 'z'.repeat(64) }, 'sha256'],
  ])('%s', async (_what, file, field) => {
    expect(await refusalOf([good, file])).toMatchObject([
      { code: 'INVALID_ARGUMENT', path: ['files', '1', field] },
    ]);
  });

  test.each([
    ['twice', [good, good]],
    [
      'twice in two writings of one name',
      [
        { ...good, path: '\u00e9' },
        { ...good, path: 'e\u0301' },
      ],
    ],
    [
      'as a file and a folder',
      [
        { ...good, path: 'a' },
        { ...good, path: 'a/b' },
      ],
    ],
    [
      'in numbers beyond the limit',
      Array.from({ length: 1001 }, (_, at) => ({ ...good, path: `${at}` })),
    ],
    ['as nothing', []],
  ])('%s', async (_what, files) => {
    expect(await refusalOf(files)).toMatchObject([{ code: 'INVALID_ARGUMENT', path: ['files'] }]);
  });
});

describe('a part is refused, and nothing of it kept,', () => {
  test.each([
    ['beyond the end', 0, 'abcd', {}, 413],
    ['not where the upload stands', 1, 'bc', {}, 409],
    ['at no offset', 0, 'abc', { 'upload-offset': '-1' }, 400],
    ['at an offset that is no number', 0, 'abc', { 'upload-offset': '0x0' }, 400],
    ['of another media type', 0, 'abc', { 'content-type': 'text/plain' }, 400],
    ['that is compressed', 0, 'abc', { 'content-encoding': 'gzip' }, 400],
    ['of another version of the protocol', 0, 'abc', { 'tus-resumable': '0.2.0' }, 400],
    [
      'with another checksum',
      0,
      'ab',
      { 'upload-checksum': `sha256 ${Buffer.alloc(32).toString('base64')}` },
      460,
    ],
    ['with a checksum that is none', 0, 'ab', { 'upload-checksum': 'md5 AAAA' }, 400],
  ])('%s', async (what, offset, body, headers, status) => {
    const { url, id } = await announce(server, dataset, `part/${what}`, 'abc');
    const response = await send(url, offset, body, headers);
    const problem = (await response.json()) as { code: string; message: string };
    expect(response.status).toBe(status);
    expect(Object.keys(problem).toSorted()).toEqual(['code', 'message']);
    expect(JSON.stringify(problem)).not.toMatch(/\/tmp|\.ts|FST_/u);
    expect(await stateOf(id)).toEqual({
      state: 'OPEN',
      receivedBytes: what === 'beyond the end' ? 3 : 0,
    });
  });

  test('of bytes with another digest than announced: the upload is over, and says so', async () => {
    const { url, id } = await announce(server, dataset, 'wrong.bin', 'abc');
    const response = await send(url, 0, 'abd');
    expect([response.status, await response.json()]).toEqual([
      422,
      { code: 'DIGEST_MISMATCH', message: expect.stringContaining(sha256('abd')) as string },
    ]);
    expect(await stateOf(id)).toEqual({ state: 'REFUSED', receivedBytes: 0 });
    expect((await send(url, 0, 'abc')).status).toBe(409);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(410);
    const { userErrors } = await server.change<{ userErrors: readonly UserError[] }>(
      'createDatasetVersion',
      'CreateDatasetVersionInput',
      { datasetId: dataset, format: 'FILES', files: [{ uploadId: id }] },
      'datasetVersion { id }',
    );
    expect(userErrors[0]?.path.slice(0, 2)).toEqual(['files', '0']);
  });
});

test('a link opens one upload or one file, and no other', async () => {
  const [one, other] = await Promise.all([
    announce(server, dataset, 'one', 'abc'),
    announce(server, dataset, 'other', 'abc'),
  ]);
  const token = new URL(one.url).searchParams.get('token') ?? '';
  const base = new URL(server.url).origin;
  const links = [
    `${base}/uploads/${other.id}?token=${token}`,
    `${base}/uploads/${one.id}`,
    `${base}/uploads/${one.id}?token=`,
    `${base}/uploads/${one.id}?token=zzzzzzz.${token.split('.')[1]}`,
    `${base}/uploads/${one.id}?token=${token}&token=${token}`,
    `${base}/uploads/..%2f..%2fsecret?token=${token}`,
    `${base}/blobs/..%2f..%2fsecret/x?token=${token}`,
    `${base}/blobs/${sha256('abc')}/x?token=${token}`,
  ];
  for (const link of links) {
    const response = await fetch(link, { method: link.includes('/blobs/') ? 'GET' : 'HEAD' });
    expect([link, response.status]).toEqual([link, 404]);
  }
  expect((await fetch(one.url, { method: 'HEAD' })).status).toBe(200);
  expect(server.said).not.toMatch(/"level":"error"/u);
});

async function refusalOf(files: readonly object[]): Promise<readonly UserError[]> {
  const { uploads, userErrors } = await server.change<{
    uploads: unknown;
    userErrors: readonly UserError[];
  }>('createUploads', 'CreateUploadsInput', { datasetId: dataset, files }, 'uploads { id }');
  expect(uploads).toBeNull();
  return userErrors;
}

function send(
  url: string,
  offset: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, { method: 'PATCH', headers: { ...partHeaders(offset), ...headers }, body });
}

function stateOf(id: string): Promise<unknown> {
  return server.field('query ($id: ID!) { upload(id: $id) { state receivedBytes } }', { id });
}

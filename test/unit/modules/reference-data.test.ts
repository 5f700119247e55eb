import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import * as digits from '../../../modules/data/digits.ts';
import * as fashion from '../../../modules/data/fashion.ts';
import * as iris from '../../../modules/data/iris.ts';
import { decodePng } from '../../../modules/formats/png.ts';

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('the files are the bytes they have always been', async () => {
  const all = [...(await digits.files()), ...(await fashion.files()), ...(await iris.files())];
  const digests = all.map(({ path, bytes }) => `${path} ${digest(bytes)}`);
  expect(digests).toMatchInlineSnapshot(`
    [
      "digits-images-idx3-ubyte e1ade7d1c822bb1902dcba3ee5328daa8fad6b65d3c5b0bc265b14f311d2b53e",
      "digits-labels-idx1-ubyte 09b78e5f4714b30e81f15f9d3b4dce74e357123b658450f352854dec53d6229f",
      "fashion-images-idx3-ubyte 556ec089bfe6836640daa43d13606e8ca71af5bd50d93a4094289bf8635f5c93",
      "fashion-labels-idx1-ubyte a135745967afecfa4e03c52117b5fdf9049224121d2cab620ea267d2bee9c05a",
      "labels.txt c05cbe764897f8f34d28f45aa4669357a728c2bd56e7610475ae1594e478a8c7",
      "iris.csv efd937bea2dde26e0b9f214b81cd43911051029dd9e0a77aa8704bf74c122302",
    ]
  `);
}, 30_000);

test.each([digits, fashion])(
  'no held-out image of $name is in its files',
  async (data) => {
    const [images] = await data.files();
    const known = new Set<string>();
    for (let at = 16; at < (images?.bytes.length ?? 0); at += 784) {
      known.add(digest(images?.bytes.subarray(at, at + 784) ?? new Uint8Array()));
    }
    // Fashion-MNIST itself has a few articles twice; digits have none.
    const kept = await data.heldOut(1000);
    expect(kept).toHaveLength(1000);
    const seen = kept.filter(({ png }) => known.has(digest(decodePng(png).pixels)));
    expect(seen.length).toBeLessThanOrEqual(data.name === 'digits' ? 0 : 2);
    expect(new Set(kept.map(({ label }) => label)).size).toBe(10);
  },
  30_000,
);

test('pixels and PNG of a held-out image are the same image', async () => {
  const [image] = await digits.heldOut(1);
  const pixels = image ? [...decodePng(image.png).pixels].map((value) => value / 255) : [];
  expect(image?.pixels).toEqual(pixels);
});

test('a limit takes fewer examples, irises of every species', async () => {
  const [images, labels] = await digits.files({ limit: 10 });
  expect([images?.bytes.length, labels?.bytes.length]).toEqual([16 + 10 * 784, 8 + 10]);
  const [file] = await iris.files({ limit: 6 });
  const lines = new TextDecoder().decode(file?.bytes).trim().split('\n');
  expect(lines).toHaveLength(7);
  expect(new Set(lines.slice(1).map((line) => line.split(',').at(-1))).size).toBe(3);
});

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { metadata, Shelf } from './shelf.ts';

let shelf: Shelf;
beforeEach(async () => {
  shelf = await Shelf.create();
});
afterEach(() => shelf.destroy());

const links = {
  source_code: 'https://example.org/plants',
  docker_image: 'docker://deephdc/plants:1.2.0',
};
const document = {
  swagger: '2.0',
  info: { title: 'DEEP as a Service API endpoint', version: '2.6.0' },
  paths: {
    '/v2/models/plant_net/train/': {
      post: { parameters: [{ in: 'query', name: 'epochs', type: 'integer', default: 5 }] },
    },
    '/v2/models/plant_net/predict/': {
      post: { parameters: [{ in: 'query', name: 'leaf', type: 'string', required: true }] },
    },
  },
};
const sample = { arguments: { leaf: 'round' }, expect: { label: 'oak' } };

async function put(
  metadataFile: object,
  files: Readonly<Record<string, object | string>>,
): Promise<string> {
  const path = await shelf.put('plants', metadataFile, null);
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(path, name), JSON.stringify(content));
  }
  return path;
}

async function listed() {
  await shelf.catalogue.refresh(localOwner, null);
  const module = await shelf.catalogue.bySlug(localOwner, 'plants');
  if (module === null) throw new Error('it is not listed');
  const id = module.latestVersionId;
  const version = id === null ? null : await shelf.catalogue.resolveVersion(localOwner, id);
  return { module, version };
}

describe('a folder with metadata and the saved document of a module', () => {
  it('is a module that is the image which its metadata name', async () => {
    await put(metadata({ links }), { 'swagger.json': document, 'sample.json': sample });
    const { module, version } = await listed();
    expect(module).toMatchObject({ trainable: true, findings: [] });
    expect(version).toMatchObject({
      name: '1.2.0',
      source: { kind: 'IMAGE', image: 'deephdc/plants:1.2.0', deepaas: { model: 'plant_net' } },
      sample,
      pretrained: false,
    });
    expect(version?.trainSchema?.['properties']).toHaveProperty('epochs');
    expect(shelf.described).toEqual([]);
  });

  it('gets another version with another image, and is known again', async () => {
    const path = await put(metadata({ links }), { 'swagger.json': document });
    const first = await listed();
    const docker_image = `deephdc/plants@sha256:${'ab'.repeat(32)}`;
    await shelf.put('plants', metadata({ links: { ...links, docker_image } }), null);
    const second = await listed();
    expect(second.version).toMatchObject({ name: 'abababababab', source: { image: docker_image } });
    await shelf.put('plants', metadata({ links }), null);
    expect((await listed()).version).toEqual(first.version);
    await rm(join(path, 'swagger.json'));
    expect((await listed()).module.findings[0]).toMatchObject({ severity: 'ERROR' });
  });

  it('is trainable when its metadata say so: every server has a route for that', async () => {
    await put(metadata({ links, categories: ['AI4 inference', 'AI4 pre trained'] }), {
      'swagger.json': document,
      'sample.json': sample,
    });
    const { module, version } = await listed();
    expect(module).toMatchObject({ trainable: false, findings: [] });
    expect(version).toMatchObject({ trainSchema: null, pretrained: true });
  });

  it.each([
    [
      'an image that may be another one tomorrow',
      { docker_image: 'deephdc/plants' },
      document,
      /no image with a tag/,
    ],
    ['a document of nothing', links, { swagger: '2.0' }, /has no prediction/],
    [
      'a document of two models',
      links,
      { paths: { ...document.paths, '/v2/models/other/predict/': { post: {} } } },
      /several models: plant_net, other/,
    ],
  ])('with %s is listed without a version, and says why', async (_, given, saved, words) => {
    await put(metadata({ links: { ...links, ...given } }), { 'swagger.json': saved });
    const { module, version } = await listed();
    expect(version).toBeNull();
    expect(module.findings[0]).toMatchObject({
      severity: 'ERROR',
      message: expect.stringMatching(words),
    });
  });

  it('with code in it is described by its code', async () => {
    await put(metadata({ links }), { 'swagger.json': document, 'setup.py': 'setup()' });
    await listed();
    expect(shelf.described).toHaveLength(1);
  });
});

describe('a folder of code in Python', () => {
  it('has an image of DEEPaaS and nothing of ours, when its metadata name one', async () => {
    const path = await shelf.put('plants', metadata({ links }), {
      name: 'plant_net',
      api: 'DEEPAAS',
    });
    const { version } = await listed();
    expect(version?.source).toEqual({
      kind: 'FOLDER',
      path,
      image: 'deephdc/plants:1.2.0',
      deepaas: { model: 'plant_net' },
    });
  });

  it('without one says nothing of images', async () => {
    const path = await shelf.put('plants', metadata(), { name: 'plant_net', api: 'DEEPAAS' });
    expect((await listed()).version?.source).toEqual({ kind: 'FOLDER', path });
  });
});

import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { metadata, Shelf } from './shelf.ts';

let shelf: Shelf;
beforeEach(async () => {
  shelf = await Shelf.create();
});
afterEach(() => shelf.destroy());

const refresh = (slugs: readonly string[] | null = null) =>
  shelf.catalogue.refresh(localOwner, slugs);

async function listed(slug: string) {
  const module = await shelf.catalogue.bySlug(localOwner, slug);
  if (module === null) throw new Error(`${slug} is not listed`);
  return module;
}

describe('refreshing the catalogue', () => {
  it('lists each folder with a metadata file, with a version of its code', async () => {
    await shelf.put('Image_Net', metadata({ title: 'Images' }));
    await mkdir(join(shelf.folder, 'modules', 'shared'));
    expect(await refresh()).toEqual({
      seen: ['image-net'],
      added: ['image-net'],
      changed: [],
      versioned: ['image-net'],
      missing: [],
      problems: [],
    });
    const module = await listed('image-net');
    expect(module).toMatchObject({
      title: 'Images',
      owner: 'system',
      visibility: 'PUBLIC',
      findings: [],
    });
    const version = await shelf.catalogue.resolveVersion(localOwner, module.latestVersionId ?? '');
    expect(version).toMatchObject({
      moduleId: module.id,
      name: '1.0.0',
      source: { kind: 'FOLDER', path: join(shelf.folder, 'modules', 'Image_Net') },
      sample: { arguments: { text: 'hello' }, expect: { label: 'greeting' } },
      pretrained: false,
    });
    expect(version.trainSchema?.['properties']).toHaveProperty('epochs');
    expect(version.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('twice changes nothing and asks no code again', async () => {
    await shelf.put('a', metadata());
    await refresh();
    const before = await listed('a');
    expect(await refresh()).toMatchObject({ added: [], changed: [], versioned: [] });
    expect(await listed('a')).toEqual(before);
    expect(shelf.described).toHaveLength(1);
  });

  it('by several at once, and by another process, ends in one module and one version', async () => {
    await shelf.put('a', metadata());
    await shelf.put('b', metadata());
    const other = shelf.secondCatalogue();
    await Promise.all([refresh(), refresh(), refresh(['a']), other.refresh(localOwner)]);
    expect(await shelf.store.modules.count({})).toBe(2);
    expect(await shelf.store.moduleVersions.count({})).toBe(2);
  });

  it('makes a new version when the code changed, keeps the old one, and knows it again', async () => {
    const path = await shelf.put('a', metadata());
    await refresh();
    const first = await listed('a');
    await writeFile(join(path, 'weights.bin'), 'one');
    expect(await refresh()).toMatchObject({ changed: ['a'], versioned: ['a'] });
    const second = await listed('a');
    expect(second).toMatchObject({ id: first.id, version: first.version + 1 });
    expect(second.latestVersionId).not.toBe(first.latestVersionId);
    await rm(join(path, 'weights.bin'));
    expect(await refresh()).toMatchObject({ changed: ['a'], versioned: [] });
    expect((await listed('a')).latestVersionId).toBe(first.latestVersionId);
    expect(await shelf.store.moduleVersions.count({})).toBe(2);
  });

  it('does not count installed packages and hidden files as code, but does count a link', async () => {
    const path = await shelf.put('a', metadata());
    await refresh();
    for (const ignored of ['node_modules', '.git']) {
      await mkdir(join(path, ignored));
      await writeFile(join(path, ignored, 'file'), 'x');
    }
    expect(await refresh()).toMatchObject({ versioned: [] });
    await symlink('/nowhere', join(path, 'link'));
    expect(await refresh()).toMatchObject({ versioned: ['a'] });
  });

  it('keeps a module whose folder is gone, and says so', async () => {
    const path = await shelf.put('a', metadata());
    await refresh();
    await rm(path, { recursive: true });
    expect(await refresh()).toMatchObject({ seen: [], missing: ['a'], changed: [] });
    expect(await listed('a')).toMatchObject({ slug: 'a' });
  });

  it('of chosen modules leaves the others as they are', async () => {
    await shelf.put('a', metadata());
    await shelf.put('b', metadata());
    expect(await refresh(['a', 'ghost'])).toMatchObject({
      added: ['a'],
      problems: ['There is no folder for a module "ghost".'],
    });
    expect(await shelf.catalogue.bySlug(localOwner, 'b')).toBeNull();
  });

  it('lets the first of two folders of one name count, and says so', async () => {
    await shelf.put('a-b', metadata({ title: 'First' }));
    await shelf.put('a_b', metadata({ title: 'Second' }));
    expect((await refresh()).problems).toEqual([
      'A second folder named "a-b" is left out; the first one counts.',
    ]);
    expect((await listed('a-b')).title).toBe('First');
  });
});

describe('a module with faults is listed with its findings', () => {
  it('when its metadata cannot be read', async () => {
    await shelf.put('broken', 'title: [');
    await refresh();
    const module = await listed('broken');
    expect(module.title).toBe('broken');
    expect(module.findings).toContainEqual(
      expect.objectContaining({
        severity: 'ERROR',
        pointer: '',
        message: expect.stringMatching(/^The file is not YAML: /) as string,
      }),
    );
  });

  it('when its code cannot be described, without a version, and heals when the code does', async () => {
    await shelf.put('a', metadata(), null);
    expect(await refresh()).toMatchObject({ added: ['a'], versioned: [] });
    const module = await listed('a');
    expect(module.latestVersionId).toBeNull();
    expect(module.findings).toEqual([
      {
        severity: 'ERROR',
        pointer: '',
        message: expect.stringMatching(/^The code could not be described: ENOENT/) as string,
      },
    ]);
    // Where the folder stands on the server's disk is nobody's business.
    expect(JSON.stringify(module)).not.toContain(shelf.folder);
    await shelf.put('a', metadata());
    expect(await refresh()).toMatchObject({ changed: ['a'], versioned: ['a'] });
    expect((await listed('a')).findings).toEqual([]);
  });

  it.each([
    ['no version', { version: '' }, 'it has no version'],
    ['no document', { swagger: null }, 'it has no Swagger document'],
    ['no prediction', { swagger: { paths: {} } }, 'its Swagger document has no prediction'],
    ['a sample without arguments', { sample: {} }, 'its sample has no arguments'],
  ])('when its code says %s', async (_, code, reason) => {
    await shelf.put('a', metadata(), code);
    await refresh();
    expect((await listed('a')).findings.map((finding) => finding.message)).toEqual([
      `The code could not be described: ${reason}`,
    ]);
  });

  it('when the folder is written to while it is read', async () => {
    const path = await shelf.put('a', metadata());
    shelf.beforeDescription = () => writeFile(join(path, 'half-copied'), '');
    expect(await refresh()).toMatchObject({ versioned: [] });
    expect((await listed('a')).findings[0]?.message).toBe(
      'The folder changed while it was read; refresh again.',
    );
    expect(await refresh()).toMatchObject({ versioned: ['a'] });
  });

  it('errors before warnings, whoever found them', async () => {
    await shelf.put('a', metadata({ doi: 'none' }), null);
    await refresh();
    expect((await listed('a')).findings.map((finding) => finding.severity)).toEqual([
      'ERROR',
      'WARNING',
    ]);
  });

  it('when code and metadata do not agree, and the same again at every refresh', async () => {
    await shelf.put('a', metadata(), { trainable: false, sample: { arguments: { txt: 'x' } } });
    await shelf.put('b', metadata({ categories: [] }), { sample: null });
    await refresh();
    const warnings = [
      'The metadata says it can be trained; the code offers no training.',
      "The sample request breaks the module's own rules: text is missing. The module has no argument txt; its arguments are text.",
    ];
    const a = await listed('a');
    expect(a.findings.map((finding) => finding.message)).toEqual(warnings);
    expect(a.trainable).toBe(false);
    expect((await listed('b')).findings.map((finding) => finding.message)).toEqual([
      'The code can be trained; the metadata does not say so.',
      'The code declares no sample request, so an endpoint of it cannot be proved warm.',
    ]);
    expect(await refresh()).toMatchObject({ changed: [] });
  });
});

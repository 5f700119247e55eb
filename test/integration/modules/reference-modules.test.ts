import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { moduleDescriber } from '../../../server/describe-module.ts';
import { ModuleCatalogue } from '../../../services/modules/module-catalogue.ts';
import type { RefreshReport } from '../../../services/modules/refresh.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import { validateArguments } from '../../../services/modules/validate-arguments.ts';
import { Shelf } from './shelf.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');

let shelf: Shelf;
let catalogue: ModuleCatalogue;
let report: RefreshReport;
beforeAll(async () => {
  shelf = await Shelf.create();
  const ambient = { now: () => Date.now(), random: () => Math.random() };
  const at = { store: shelf.store, ambient, log: () => undefined } as unknown as Surroundings;
  catalogue = new ModuleCatalogue(at, {
    folders: [join(root, 'modules')],
    describe: moduleDescriber([process.execPath, join(root, 'modules', 'runtime', 'main.ts')]),
  });
  report = await catalogue.refresh(localOwner);
});
afterAll(() => shelf.destroy());

it('the modules that come along are listed without a finding', async () => {
  expect(report.seen).toEqual(['image-classifier', 'language-detector', 'tabular-classifier']);
  expect(report.versioned).toEqual(report.seen);
  for (const slug of report.seen) {
    const module = await catalogue.bySlug(localOwner, slug);
    expect({ slug, findings: module?.findings }).toEqual({ slug, findings: [] });
  }
});

it('each says what it takes, and its sample fits that', async () => {
  for (const slug of report.seen) {
    const module = await catalogue.bySlug(localOwner, slug);
    const version = await catalogue.resolveVersion(localOwner, module?.latestVersionId ?? '');
    expect(version.name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(version.trainSchema === null).toBe(slug === 'language-detector');
    expect(module?.trainable).toBe(version.trainSchema !== null);
    expect(version.pretrained).toBe(module?.categories.includes('AI4 pre trained'));
    const sample = version.sample?.arguments ?? null;
    expect(sample).not.toBeNull();
    expect(() => validateArguments(version.predictSchema, sample ?? {})).not.toThrow();
  }
});

it('a training argument out of bounds is refused before anything runs', async () => {
  const module = await catalogue.bySlug(localOwner, 'image-classifier');
  const version = await catalogue.resolveVersion(localOwner, module?.latestVersionId ?? '');
  const schema = version.trainSchema ?? {};
  expect(validateArguments(schema, {})).toHaveProperty('epochs');
  expect(() => validateArguments(schema, { epochs: 0 })).toThrow(
    'epochs must be at least 1; you gave 0.',
  );
});

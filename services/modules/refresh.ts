import { canonicalJson, type Json } from '../../domain/json.ts';
import { type Id, newId } from '../../domain/ids.ts';
import type { Finding, Module, ModuleSource, ModuleVersion } from '../../domain/module.ts';
import type { Transaction } from '../../store/contract/store.ts';
import type { Surroundings } from '../surroundings.ts';
import {
  folderDigest,
  metadataText,
  type ModuleFolder,
  moduleFolders,
} from './catalogue-folders.ts';
import { declaredImage } from './declared-image.ts';
import { describeImage } from './describe-image.ts';
import {
  describeFailure,
  disagreements,
  type ModuleDescriber,
  type ModuleDescription,
  readDescription,
} from './describe.ts';
import { type ReadMetadata, readMetadata } from './metadata/read-metadata.ts';

export interface CatalogueSources {
  /** Absolute paths; each sub-folder with a metadata file is a module. */
  readonly folders: readonly string[];
  readonly describe: ModuleDescriber;
}

/** What a refresh did, by slug. */
export interface RefreshReport {
  readonly seen: readonly string[];
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Those that got a new version. */
  readonly versioned: readonly string[];
  /** Listed, yet no longer found in the folders; they stay listed. */
  readonly missing: readonly string[];
  /** Sentences for the operator. */
  readonly problems: readonly string[];
}

type Effect = 'added' | 'changed' | 'versioned';

/** Brings the catalogue to what the folders hold. Idempotent; two at once end in the same catalogue. */
export async function refreshCatalogue(
  at: Surroundings,
  sources: CatalogueSources,
  slugs: readonly string[] | null,
): Promise<RefreshReport> {
  const problems: string[] = [];
  const all = distinct(await moduleFolders(sources.folders), problems);
  const folders = slugs === null ? all : chosen(all, slugs, problems);
  const effects = new Map<Effect, string[]>([
    ['added', []],
    ['changed', []],
    ['versioned', []],
  ]);
  const waiting = [...folders];
  const work = async (): Promise<void> => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
      try {
        for (const effect of await refreshModule(at, sources, folder)) {
          effects.get(effect)?.push(folder.slug);
        }
      } catch (error) {
        // One unreadable folder must not keep the others from the catalogue.
        const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null;
        problems.push(
          `${folder.slug} was not refreshed${typeof code === 'string' ? `: ${code}` : ''}.`,
        );
        at.log('error', `The catalogue could not read ${folder.path}.`, { error });
      }
    }
  };
  await Promise.all(Array.from({ length: describedAtOnce }, work));
  for (const problem of problems) at.log('warn', problem);
  const sorted = (effect: Effect) => (effects.get(effect) ?? []).toSorted();
  return {
    seen: folders.map((folder) => folder.slug).toSorted(),
    added: sorted('added'),
    changed: sorted('changed'),
    versioned: sorted('versioned'),
    missing: await missing(at, all),
    problems,
  };
}

/** Each description is a process of its own. */
const describedAtOnce = 2;

function chosen(
  folders: readonly ModuleFolder[],
  slugs: readonly string[],
  problems: string[],
): readonly ModuleFolder[] {
  const wanted = new Set(slugs.map((slug) => slug.toLowerCase()));
  for (const slug of wanted) {
    if (folders.some((folder) => folder.slug === slug)) continue;
    problems.push(`There is no folder for a module ${JSON.stringify(slug)}.`);
  }
  return folders.filter((folder) => wanted.has(folder.slug));
}

function distinct(folders: readonly ModuleFolder[], problems: string[]): readonly ModuleFolder[] {
  const bySlug = new Map<string, ModuleFolder>();
  for (const folder of folders) {
    const first = bySlug.get(folder.slug);
    if (first === undefined) bySlug.set(folder.slug, folder);
    else {
      problems.push(
        `A second folder named ${JSON.stringify(folder.slug)} is left out; the first one counts.`,
      );
    }
  }
  return [...bySlug.values()];
}

async function missing(
  at: Surroundings,
  folders: readonly ModuleFolder[],
): Promise<readonly string[]> {
  const slugs = folders.map((folder) => folder.slug);
  const others = await at.store.modules.list(
    {
      where: { owner: 'system', slug: { notIn: slugs } },
      orderBy: { column: 'slug', direction: 'ASC' },
    },
    listedMissing,
  );
  for (const { slug } of others) at.log('warn', `The folder of module ${slug} was not found.`);
  return others.map((module) => module.slug);
}

const listedMissing = 1000;

async function refreshModule(
  at: Surroundings,
  { describe }: CatalogueSources,
  folder: ModuleFolder,
): Promise<readonly Effect[]> {
  const digest = await folderDigest(folder.path);
  const read = readMetadata(folder.file, await metadataText(folder), folder.slug);
  const known = await at.store.modules.find({ where: { slug: folder.slug } });
  const version =
    known && (await at.store.moduleVersions.find({ where: { moduleId: known.id, digest } }));
  const described = version ?? (await description(describe, folder, digest, read));
  return at.store.transaction((tx) => write(tx, at, folder, { digest, read, described }));
}

/** What the code says, or the finding that keeps this state of the folder from being a version. */
async function description(
  describe: ModuleDescriber,
  folder: ModuleFolder,
  digest: string,
  { listing }: ReadMetadata,
): Promise<ModuleDescription | Finding> {
  const failed = (message: string): Finding => ({ severity: 'ERROR', pointer: '', message });
  let described: ModuleDescription;
  try {
    described = folder.isImageOnly
      ? await describeImage(folder, listing)
      : readDescription(await describe(folder.path));
  } catch (error) {
    const what = folder.isImageOnly ? 'image' : 'code';
    return failed(
      `The ${what} could not be described: ${describeFailure(error).replaceAll(folder.path, '.')}`,
    );
  }
  // A version says what a digest holds; a folder that was written to meanwhile holds something else.
  if ((await folderDigest(folder.path)) !== digest) {
    return failed('The folder changed while it was read; refresh again.');
  }
  return described;
}

interface State {
  readonly digest: string;
  readonly read: ReadMetadata;
  readonly described: ModuleVersion | ModuleDescription | Finding;
}

async function write(
  tx: Transaction,
  at: Surroundings,
  folder: ModuleFolder,
  state: State,
): Promise<readonly Effect[]> {
  const { described, digest, read } = state;
  const effects: Effect[] = [];
  const now = at.ambient.now();
  const random = () => at.ambient.random();
  const known = await tx.modules.find({ where: { slug: folder.slug } });
  const moduleId = known?.id ?? newId('Module', now, random);
  const isDescribed = !('severity' in described);
  let version =
    isDescribed && known !== null
      ? await tx.moduleVersions.find({ where: { moduleId, digest } })
      : null;
  if (isDescribed && version === null) {
    version = newVersion(
      newId('ModuleVersion', now, random),
      moduleId,
      folder,
      state,
      described,
      now,
    );
    await tx.moduleVersions.insert(version);
    effects.push('versioned');
  }
  const content = contentOf(read, described, version?.id ?? known?.latestVersionId ?? null);
  if (known === null) {
    const dates = { createdAt: now, updatedAt: now };
    const own = { id: moduleId, version: 1, slug: folder.slug, owner: 'system' } as const;
    await tx.modules.insert({ ...own, visibility: 'PUBLIC', ...content, ...dates });
    return ['added', ...effects];
  }
  const next: Module = { ...known, ...content };
  if (canonicalJson(next as unknown as Json) === canonicalJson(known as unknown as Json)) {
    return effects;
  }
  await tx.modules.update({ ...next, version: known.version + 1, updatedAt: now });
  return ['changed', ...effects];
}

type Content = Omit<
  Module,
  'id' | 'version' | 'slug' | 'owner' | 'visibility' | 'createdAt' | 'updatedAt'
>;

function contentOf(
  { listing, findings, format, metadata }: ReadMetadata,
  described: State['described'],
  latestVersionId: Id<'ModuleVersion'> | null,
): Content {
  const isDescribed = !('severity' in described);
  return {
    ...listing,
    metadataFormat: format,
    metadata,
    findings: errorsFirst([
      ...findings,
      ...(isDescribed ? disagreements(described, listing.categories) : [described]),
    ]),
    // The code knows; the metadata only says.
    trainable: isDescribed
      ? described.trainSchema !== null
      : listing.categories.includes('AI4 trainable'),
    latestVersionId,
  };
}

function errorsFirst(findings: readonly Finding[]): readonly Finding[] {
  const isError = (finding: Finding) => Number(finding.severity === 'ERROR');
  return findings.toSorted((a, b) => isError(b) - isError(a));
}

function newVersion(
  id: Id<'ModuleVersion'>,
  moduleId: Id<'Module'>,
  folder: ModuleFolder,
  { digest, read }: State,
  described: ModuleDescription | ModuleVersion,
  now: number,
): ModuleVersion {
  return {
    id,
    version: 1,
    moduleId,
    name: described.name,
    digest,
    source: sourceOf(folder, read, described),
    document: described.document,
    trainSchema: described.trainSchema,
    predictSchema: described.predictSchema,
    sample: described.sample,
    pretrained: described.pretrained ?? read.listing.categories.includes('AI4 pre trained'),
    resources: read.resources,
    createdAt: now,
  };
}

/** A description that was stored has a source of its own, which it was given here. */
function sourceOf(
  { path, isImageOnly }: ModuleFolder,
  { listing }: ReadMetadata,
  described: ModuleDescription | ModuleVersion,
): ModuleSource {
  if ('source' in described) return described.source;
  const image = declaredImage(listing.links);
  const more = image !== null && described.deepaas !== null && { deepaas: described.deepaas };
  if (isImageOnly && image !== null) return { kind: 'IMAGE', image, ...more };
  return { kind: 'FOLDER', path, ...(image !== null && { image }), ...more };
}

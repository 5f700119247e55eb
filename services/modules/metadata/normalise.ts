import type { Json, JsonObject } from '../../../domain/json.ts';
import type { MetadataFormat, Module, ModuleLink } from '../../../domain/module.ts';
import { objectOf, textOf, textsOf } from './lenient.ts';
import { categories, libraries } from './v2-schema.ts';

/** The fields of a Module that come from its metadata file. */
export type Listing = Pick<
  Module,
  | 'title'
  | 'summary'
  | 'description'
  | 'licence'
  | 'tags'
  | 'tasks'
  | 'categories'
  | 'libraries'
  | 'dataTypes'
  | 'links'
  | 'doi'
  | 'metadataVersion'
>;

/** Both formats as one listing. Total: values of a wrong type are left out, and the title is never empty. */
export function normalise(metadata: JsonObject, format: MetadataFormat, slug: string): Listing {
  return format === 'DEEP_V1' ? fromV1(metadata, slug) : fromV2(metadata, slug);
}

function fromV2(metadata: JsonObject, slug: string): Listing {
  return {
    ...heading(metadata, slug),
    description: textOf(metadata['description']) ?? '',
    licence: textOf(metadata['license']),
    tags: textsOf(metadata['tags']),
    tasks: textsOf(metadata['tasks']),
    categories: textsOf(metadata['categories']),
    libraries: textsOf(metadata['libraries']),
    dataTypes: textsOf(metadata['data-type']),
    links: linksOf(objectOf(metadata['links'])),
    doi: textOf(metadata['doi']),
    metadataVersion: textOf(metadata['metadata_version']),
  };
}

/**
 * V1 has one list of keywords: some say what the module can do and become categories, names of libraries are libraries
 * too, and all but the former are tags.
 */
function fromV1(metadata: JsonObject, slug: string): Listing {
  const keywords = textsOf(metadata['keywords']);
  const known = (word: string) => actingKeywords.get(word.toLowerCase());
  const sources = objectOf(metadata['sources']);
  return {
    ...heading(metadata, slug),
    description: descriptionLines(metadata['description']),
    licence: textOf(metadata['license']),
    tags: keywords.filter((word) => known(word) === undefined),
    tasks: [],
    categories: categories.filter((category) => keywords.some((word) => known(word) === category)),
    libraries: libraries.filter((library) =>
      keywords.some((word) => word.toLowerCase() === library.toLowerCase()),
    ),
    dataTypes: [],
    links: linksOf({
      source_code: sources['code'] ?? null,
      docker_image: sources['docker_registry_repo'] ?? null,
      weights: sources['pre_trained_weights'] ?? null,
      dockerfile_repo: sources['dockerfile_repo'] ?? null,
      dataset: metadata['dataset_url'] ?? null,
      citation: metadata['cite_url'] ?? null,
    }),
    doi: null,
    metadataVersion: null,
  };
}

const actingKeywords: ReadonlyMap<string, (typeof categories)[number]> = new Map([
  ['pre-trained', 'AI4 pre trained'],
  ['trainable', 'AI4 trainable'],
  ['inference', 'AI4 inference'],
]);

function heading(metadata: JsonObject, slug: string): Pick<Listing, 'title' | 'summary'> {
  return {
    title: textOf(metadata['title']) ?? slug,
    summary: textOf(metadata['summary']) ?? '',
  };
}

function descriptionLines(value: Json | undefined): string {
  if (!Array.isArray(value)) return textOf(value) ?? '';
  // An empty line between two paragraphs means something in Markdown.
  const lines = (value as readonly Json[]).filter((line) => typeof line === 'string');
  return lines.join('\n').trim();
}

function linksOf(links: JsonObject): readonly ModuleLink[] {
  return Object.entries(links).flatMap(([rel, value]) => {
    const href = textOf(value);
    return href === null ? [] : [{ rel, href }];
  });
}

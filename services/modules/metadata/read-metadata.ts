import type { JsonObject } from '../../../domain/json.ts';
import type { Finding, MetadataFormat } from '../../../domain/module.ts';
import type { Resources } from '../../../domain/resources.ts';
import { maximumFindings, metadataFindings } from './findings.ts';
import { type Listing, normalise } from './normalise.ts';
import { parseMetadata } from './parse.ts';
import { recommendedResources } from './resources.ts';

export interface ReadMetadata {
  readonly format: MetadataFormat;
  readonly metadata: JsonObject;
  readonly listing: Listing;
  readonly findings: readonly Finding[];
  readonly resources: { readonly training: Resources; readonly inference: Resources };
}

/** The names under which a metadata file is looked for; the first that is there counts. */
export const metadataFiles: readonly {
  readonly name: string;
  readonly format: MetadataFormat;
  readonly syntax: 'YAML' | 'JSON';
}[] = [
  { name: 'ai4-metadata.yml', format: 'AI4OS_V2', syntax: 'YAML' },
  { name: 'ai4-metadata.yaml', format: 'AI4OS_V2', syntax: 'YAML' },
  { name: 'ai4-metadata.json', format: 'AI4OS_V2', syntax: 'JSON' },
  { name: 'metadata.json', format: 'DEEP_V1', syntax: 'JSON' },
];

/**
 * Reads a metadata file strictly and lists it leniently: every broken rule is a finding, and what can be used is used. A
 * file that cannot be read at all is an entry named by its slug, with the reason as its only finding.
 */
export function readMetadata(
  file: (typeof metadataFiles)[number],
  text: string,
  slug: string,
): ReadMetadata {
  const { metadata, findings } = parseMetadata(text, file.syntax);
  const isReadable = Object.keys(metadata).length > 0;
  return {
    format: file.format,
    metadata,
    listing: normalise(metadata, file.format, slug),
    findings: [
      ...findings,
      ...(isReadable || findings.length === 0 ? metadataFindings(metadata, file.format) : []),
    ].slice(0, maximumFindings),
    resources: recommendedResources(metadata),
  };
}

import type { LoadedModule } from './load-module.ts';
import type { Sample } from './module.ts';

/**
 * What `GET /v2/models/{name}/` answers beside id, name and links; both metadata formats come out
 * alike.
 */
export function modelMetadata(
  { module, metadata }: LoadedModule,
  sample: Sample | null,
  facts: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { title, summary, description, license, keywords, tags } = metadata;
  // DEEP V1 has a list of lines, AI4OS V2 one text.
  const text = Array.isArray(description) ? description.join('\n') : description;
  return {
    title: title ?? module.name,
    summary: summary ?? '',
    description: typeof text === 'string' ? text.trim() : module.name,
    author: metadata['author'] ?? 'The authors of the module',
    license: license ?? 'Apache-2.0',
    version: module.version,
    tags: tags ?? keywords ?? [],
    trainable: module.trainArguments !== null,
    ...facts,
    ...(sample === null ? {} : { sample }),
  };
}

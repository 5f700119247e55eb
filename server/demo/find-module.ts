import { SearchCatalogueDocument } from '../../codegen/client/generated/graphql.ts';
import { found, type Stage } from './stage.ts';

export interface FoundModule {
  readonly title: string;
  readonly versionId: string;
}

/** Searches as a person who wants to train an image classifier would. */
export async function findModule({ client, screen, signal }: Stage): Promise<FoundModule> {
  const search = 'image classif';
  const { modules } = await client.run(
    SearchCatalogueDocument,
    { search, filter: { trainable: true }, facets: ['TASK', 'LIBRARY'] },
    { signal },
  );
  const facets = modules.facets.map(({ facet, values }) => {
    const counts = values.map(({ value, count }) => `${value} (${count})`).join(', ');
    return `${facet.toLowerCase()}: ${counts}`;
  });
  screen.line(
    `  "${search}" finds ${modules.totalCount} of the trainable modules; ${facets.join('; ')}`,
  );
  for (const { title, summary } of modules.nodes) screen.line(`  ${title}: ${summary}`);
  const best = found(
    modules.nodes[0],
    'The catalogue has no image classifier that can be trained.',
  );
  const version = found(best.latestVersion, `${best.title} has no version that can be run.`);
  return { title: best.title, versionId: version.id };
}

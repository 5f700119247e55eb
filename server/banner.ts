import { localOwner } from '../domain/actor.ts';
import type { Services } from '../services/services.ts';
import type { Config } from './config.ts';

const everything = {
  search: null,
  facets: {},
  trainable: null,
  valid: null,
  orderBy: 'TITLE',
  direction: 'ASC',
} as const;

/** The last lines of a start: where to look, and something that works when pasted. */
export async function banner(url: string, config: Config, services: Services): Promise<string> {
  const [modules, datasets] = await Promise.all([
    services.modules.count(localOwner, everything),
    services.datasets.count(localOwner, { search: null, format: null, visibility: null }),
  ]);
  const query = '{ modules(first: 5) { totalCount nodes { slug title } } }';
  return `
Fathom is ready: ${modules} modules and ${datasets} data sets, state in ${config.stateFolder}

  Look (GraphiQL)  ${url}/graphql
  Paste            ${query}
  Or in a shell    curl -s ${url}/graphql -H 'content-type: application/json' -d '{"query":"${query}"}'
`;
}

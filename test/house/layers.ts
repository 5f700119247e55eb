/** Who may import whom: the table of folders, as data. Paths are relative to the root, with `/`. */
export interface Layer {
  /** A folder or a file; of several that contain a file, the longest decides. */
  readonly at: string;
  /** Folders and files that may be imported from here, itself included only when named. */
  readonly may: readonly string[];
  /** False: no npm package and no Node built-in either. */
  readonly packages: boolean;
}

const product = [
  'domain',
  'schema',
  'resolvers',
  'services',
  'store',
  'backends',
  'storage',
  'gateway',
  'server',
  'codegen',
  'modules',
  'console',
] as const;

const contracts = ['store/contract', 'backends/contract', 'storage/contract'] as const;

/** What several backends are made of. */
const sharedByBackends = [
  'backends/deepaas-images',
  'backends/server-pool',
  'backends/wakes',
  'backends/work-folder',
] as const;

export const layers: readonly Layer[] = [
  { at: 'domain', may: ['domain'], packages: false },
  { at: 'schema', may: ['schema', 'domain'], packages: true },
  { at: 'resolvers', may: ['resolvers', 'schema', 'services', 'domain'], packages: true },
  { at: 'services', may: ['services', 'domain', ...contracts], packages: true },
  { at: 'store', may: ['store', 'domain'], packages: true },
  { at: 'store/contract', may: ['store/contract', 'domain'], packages: true },
  { at: 'backends', may: ['backends/contract', ...sharedByBackends, 'domain'], packages: true },
  { at: 'backends/registry.ts', may: ['backends', 'domain'], packages: true },
  { at: 'storage', may: ['storage/contract', 'domain'], packages: true },
  { at: 'storage/registry.ts', may: ['storage', 'domain'], packages: true },
  {
    at: 'gateway',
    may: ['gateway', 'schema/snapshots', 'resolvers/*/subgraph.ts', 'resolvers/subgraphs.ts'],
    packages: true,
  },
  { at: 'server', may: [...product], packages: true },
  { at: 'codegen', may: ['codegen', 'schema', 'domain'], packages: true },
  { at: 'modules', may: ['modules'], packages: true },
  { at: 'console', may: ['console', 'codegen/client'], packages: true },
  { at: 'docs', may: ['docs', 'codegen/client'], packages: true },
  { at: 'test', may: [...product, 'test', 'bench'], packages: true },
  { at: 'bench', may: [...product, 'test', 'bench'], packages: true },
];

/** Folders of the root, each with its question in the README of the folder. */
export const rootFolders: readonly string[] = layers
  .map((layer) => layer.at)
  .filter((at) => !at.includes('/'));

/**
 * Below these every folder is one implementation: it sees the contract, what backends share, and itself,
 * never its sibling; only the registry beside it and `server/` name one.
 */
const implementations = ['backends', 'storage'] as const;

/** The environment is read in one place; what follows are programs of their own. */
const readsEnvironment = [
  'server/config.ts',
  'server/launch.mjs',
  'server/demo/main.ts',
  'backends/local/supervisor.ts',
  'modules',
  'test',
  'bench',
  'vitest.config.ts',
];

export function mayReadEnvironment(file: string): boolean {
  return readsEnvironment.some((place) => contains(place, file));
}

/**
 * Judges one import. `target` is a path relative to the root, or a bare specifier (`node:fs`,
 * `graphql`) when `isPackage`. Returns the reason it is refused, or undefined.
 */
export function refusal(file: string, target: string, isPackage: boolean): string | undefined {
  if (!file.includes('/')) return undefined;
  const layer = layerOf(file);
  if (layer === undefined)
    return `${topOf(file)}/ is not a folder of the design: see test/house/layers.ts`;
  if (isPackage) {
    return layer.packages ? undefined : `${layer.at}/ imports no package and no Node module`;
  }
  if (target.startsWith('..')) return 'an import must not leave the repository';
  const home = implementationOf(file);
  if (home !== undefined && contains(home, target)) return undefined;
  if (layer.may.some((place) => contains(place, target))) return undefined;
  return `${home ?? layer.at} must not import ${target}: it may import ${layer.may.join(', ')}`;
}

function layerOf(file: string): Layer | undefined {
  const candidates = layers.filter((layer) => contains(layer.at, file));
  return candidates.toSorted((a, b) => b.at.length - a.at.length)[0];
}

function implementationOf(file: string): string | undefined {
  const [top, folder, ...rest] = file.split('/');
  const isOne = implementations.some((name) => name === top);
  return isOne && folder !== undefined && rest.length > 0 ? `${top}/${folder}` : undefined;
}

/** `*` stands for one folder. */
function contains(place: string, path: string): boolean {
  const wanted = place.split('/');
  const given = path.split('/');
  return wanted.every(
    (part, index) => (part === '*' && given[index] !== undefined) || part === given[index],
  );
}

function topOf(path: string): string {
  return path.split('/')[0] ?? path;
}

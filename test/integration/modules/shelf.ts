import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type ExecutionResult, graphql, type GraphQLSchema } from 'graphql';
import { type Actor, localOwner } from '../../../domain/actor.ts';
import type { Json } from '../../../domain/json.ts';
import { buildSubgraph } from '../../../gateway/type-graphql.ts';
import { createContext } from '../../../resolvers/context.ts';
import { modulesSubgraph } from '../../../resolvers/modules/subgraph.ts';
import { ModuleCatalogue } from '../../../services/modules/module-catalogue.ts';
import { Nodes } from '../../../services/nodes.ts';
import type { Services } from '../../../services/services.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';

type BuildInput = Parameters<typeof buildSubgraphSchema>[0];

/** A catalogue over a real store, fed from folders of a temporary directory; `module.json` in each says what its code is. */
export class Shelf {
  readonly folder: string;
  readonly store: Store;
  readonly catalogue: ModuleCatalogue;
  readonly services: Services;
  /** Folders that the describer was asked about, in order. */
  readonly described: string[] = [];
  /** Calls of the store by table and method, since `calls.clear()`. */
  readonly calls = new Map<string, number>();
  /** Awaited before a description is given. */
  beforeDescription: (folder: string) => Promise<void> = () => Promise.resolve();
  readonly #schema: GraphQLSchema;

  private constructor(folder: string, store: Store) {
    this.folder = folder;
    this.store = counting(store, this.calls);
    this.catalogue = this.secondCatalogue();
    this.services = {
      modules: this.catalogue,
      nodes: new Nodes({ store: this.store }),
    } as unknown as Services;
    this.#schema = buildSubgraphSchema([buildSubgraph(modulesSubgraph)] as unknown as BuildInput);
  }

  static async create(): Promise<Shelf> {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-catalogue-'));
    await mkdir(join(folder, 'modules'));
    return new Shelf(folder, await openEmbeddedStore({ folder: join(folder, 'state'), ambient }));
  }

  /** Another catalogue over the same store and folders, as another process would have. */
  secondCatalogue(): ModuleCatalogue {
    const at = { store: this.store, ambient, log: () => undefined } as unknown as Surroundings;
    return new ModuleCatalogue(at, {
      folders: [join(this.folder, 'modules')],
      describe: async (path) => {
        this.described.push(path);
        await this.beforeDescription(path);
        return JSON.parse(await readFile(join(path, 'module.json'), 'utf8')) as Json;
      },
    });
  }

  /** Writes a module's folder: its metadata file, and what its code says of itself. */
  async put(slug: string, metadata: object | string, code: object | null = {}): Promise<string> {
    const path = join(this.folder, 'modules', slug);
    await mkdir(path, { recursive: true });
    const text = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
    await writeFile(join(path, 'ai4-metadata.yml'), text);
    if (code !== null) {
      await writeFile(
        join(path, 'module.json'),
        JSON.stringify({ ...anyCode, name: slug, ...code }),
      );
    }
    return path;
  }

  async ask(
    source: string,
    variableValues: Record<string, unknown> = {},
    actor: Actor = localOwner,
  ): Promise<ExecutionResult<Record<string, never>>> {
    const contextValue = createContext(actor, 'request', this.services);
    const schema = this.#schema;
    const result = await graphql({ schema, source, variableValues, contextValue });
    return result as ExecutionResult<Record<string, never>>;
  }

  async destroy(): Promise<void> {
    await this.store.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

let moment = Date.UTC(2026, 0, 31);
/** Every question is a millisecond later, so the order of creation is certain. */
const ambient = { now: () => (moment += 1), random: () => Math.random() };

function counting(store: Store, calls: Map<string, number>): Store {
  const counted = (name: string, target: object): object =>
    new Proxy(target, {
      get: (_, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const call = `${name}.${String(key)}`;
          calls.set(call, (calls.get(call) ?? 0) + 1);
          return Reflect.apply(value, target, args);
        };
      },
    });
  return new Proxy(store, {
    get: (_, key) => {
      const value: unknown = Reflect.get(store, key, store);
      if (typeof value === 'function') return value.bind(store) as unknown;
      return typeof value === 'object' && value !== null ? counted(String(key), value) : value;
    },
  });
}

export function metadata(more: object = {}): object {
  return {
    metadata_version: '2.3.0',
    title: 'A module',
    summary: 'Does something.',
    description: 'In some way.',
    links: { source_code: 'https://example.org/module' },
    libraries: ['TensorFlow'],
    tasks: ['Classification'],
    categories: ['AI4 trainable', 'AI4 inference'],
    tags: ['demo'],
    ...more,
  };
}

const parameters = [
  { in: 'query', name: 'epochs', type: 'integer', minimum: 1, default: 5, required: false },
];

const anyCode = {
  version: '1.0.0',
  swagger: {
    swagger: '2.0',
    paths: {
      '/v2/models/any/train/': { post: { parameters } },
      '/v2/models/any/predict/': {
        post: { parameters: [{ in: 'query', name: 'text', type: 'string', required: true }] },
      },
    },
  },
  sample: { arguments: { text: 'hello' }, expect: { label: 'greeting' } },
  trainable: true,
};

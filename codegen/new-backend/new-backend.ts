import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface NewBackend {
  /** Path from the root → text; none of them is there yet. */
  readonly files: ReadonlyMap<string, string>;
  /** The registry with the new line. */
  readonly registry: string;
}

const registryPath = 'backends/registry.ts';

/**
 * What a new backend of that name consists of: a folder that compiles and answers Unsupported, its line in the registry
 * and its target, on which the contract suite fails until it is written. Throws a sentence for a name that cannot be one.
 */
export async function newBackend(root: string, name: string): Promise<NewBackend> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40) {
    throw new Error(`"${name}" is no name of a backend: small letters, digits and single dashes.`);
  }
  if ((await readdir(join(root, 'backends'))).includes(name)) {
    throw new Error(`backends/${name} is there already.`);
  }
  const filled = (text: string): string =>
    text
      .replaceAll('__name__', name)
      .replaceAll('__camel__', camel(name))
      .replaceAll('__Pascal__', pascal(name));
  const tests = 'test/contract/backend';
  return {
    files: new Map([
      ...(await templates('backend')).map(
        ([file, text]) => [`backends/${name}/${file}`, filled(text)] as const,
      ),
      ...(await templates('test')).map(([file, text]) => {
        const path = file === 'backend.test.ts' ? `${name}.test.ts` : `${name}-${file}`;
        return [`${tests}/${path}`, filled(text)] as const;
      }),
    ]),
    registry: registered(await readFile(join(root, registryPath), 'utf8'), name),
  };
}

/** The registry's text with the backend in its table. Throws when it does not look as it should. */
export function registered(registry: string, name: string): string {
  const table = /backendDefinitions = \[([^\]]*)\] as const/;
  const entries = table.exec(registry)?.[1];
  const firstImport = registry.search(/^import .* from '\.\/[a-z-]+\/index\.ts';$/m);
  if (entries === undefined || firstImport < 0) {
    throw new Error(`${registryPath} has no table of definitions where one is expected.`);
  }
  const line = `import { ${camel(name)} } from './${name}/index.ts';\n`;
  const all = [...entries.split(',').map((entry) => entry.trim()), camel(name)].filter(Boolean);
  return `${registry.slice(0, firstImport)}${line}${registry.slice(firstImport)}`.replace(
    table,
    `backendDefinitions = [${all.join(', ')}] as const`,
  );
}

async function templates(folder: string): Promise<readonly (readonly [string, string])[]> {
  const place = join(import.meta.dirname, folder);
  const files = (await readdir(place)).toSorted();
  return Promise.all(
    files.map(
      async (file) =>
        [file.replace(/\.txt$/, ''), await readFile(join(place, file), 'utf8')] as const,
    ),
  );
}

function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
}

function camel(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { maximumMetadataBytes } from './metadata/parse.ts';
import { metadataFiles } from './metadata/read-metadata.ts';

/** A sub-folder of a catalogue folder that has a metadata file. */
export interface ModuleFolder {
  /** Absolute. */
  readonly path: string;
  readonly slug: string;
  readonly file: (typeof metadataFiles)[number];
  /** Whether there is no code in it that could be asked what it is: the module is the image that the metadata name. */
  readonly isImageOnly: boolean;
}

/** The Swagger document of a module that is an image, as its server gave it; and the request that proves it warm. */
export const savedDocument = 'swagger.json';
export const savedSample = 'sample.json';

/** A folder with one of these is a module that runs as a folder. */
const codeFiles = ['module.ts', 'pyproject.toml', 'setup.cfg', 'setup.py'] as const;

/** The modules below the catalogue folders, sorted by name within each. Throws when a folder cannot be read. */
export async function moduleFolders(
  catalogue: readonly string[],
): Promise<readonly ModuleFolder[]> {
  const found: ModuleFolder[] = [];
  for (const folder of catalogue) {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries
      .filter((it) => it.isDirectory() && !isIgnored(it.name))
      .map((it) => it.name);
    for (const name of names.toSorted()) {
      const path = resolve(folder, name);
      const inside = new Set(await readdir(path));
      const file = metadataFiles.find((one) => inside.has(one.name));
      const slug = slugOf(name);
      const hasCode = codeFiles.some((one) => inside.has(one));
      const isImageOnly = !hasCode && inside.has(savedDocument);
      if (file !== undefined && slug !== '') found.push({ path, slug, file, isImageOnly });
    }
  }
  return found;
}

/** At most one byte more than a metadata file may have, so that one too large is seen and not swallowed. */
export async function metadataText(folder: ModuleFolder): Promise<string> {
  const file = await open(join(folder.path, folder.file.name));
  try {
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(maximumMetadataBytes + 1),
    });
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}

/**
 * SHA-256 over path, size and content of every file below `folder`, in the order of their paths; hexadecimal. Hidden
 * files, installed packages and compiled Python are left out; a symbolic link counts by what it says.
 */
export async function folderDigest(folder: string): Promise<string> {
  const digest = createHash('sha256');
  await addFolder(digest, folder, '');
  return digest.digest('hex');
}

async function addFolder(digest: Hash, folder: string, prefix: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  const sorted = entries
    .filter((entry) => !isIgnored(entry.name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of sorted) {
    const path = join(folder, entry.name);
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory()) await addFolder(digest, path, `${name}/`);
    else if (entry.isSymbolicLink()) digest.update(`${name}\0link\0${await readlink(path)}\n`);
    else if (entry.isFile()) digest.update(`${name}\0${await fileDigest(path)}\n`);
  }
}

async function fileDigest(path: string): Promise<string> {
  const digest = createHash('sha256');
  let bytes = 0;
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      digest.update(chunk);
    }
  });
  return `${bytes}\0${digest.digest('hex')}`;
}

function isIgnored(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules' || name === '__pycache__';
}

function slugOf(name: string): string {
  return basename(name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

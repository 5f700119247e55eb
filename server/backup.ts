import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { ArchiveWriter, extractArchive } from '../store/embedded/archive.ts';
import { copyDatabase } from '../store/embedded/database-copy.ts';
import type { Config } from './config.ts';
import { ConfigError } from './settings-file.ts';
import type { RoleRequest, Running } from './role.ts';

/**
 * What a state folder holds beside its database. Not `backends/` and `traffic/`: they are about processes of this machine,
 * which a copy must not look after.
 */
const contents = ['secret', 'streams', 'storage/blobs', 'storage/uploads'];

/** `fathom backup FILE`: the state folder in one file. The server may run meanwhile. */
export async function backup({ config, args }: RoleRequest): Promise<Running> {
  const file = fileIn('backup', args);
  assertEmbedded(config, 'backup');
  if (existsSync(file)) throw new ConfigError(`${file} exists; name a new file.`);
  await mkdir(dirname(file), { recursive: true });
  // Beside the file, so that it appears by one rename, whole.
  const partial = `${file}.${randomBytes(4).toString('hex')}.part`;
  const database = `${partial}.db`;
  const { stateFolder } = config;
  let archive: ArchiveWriter | null = null;
  let count = 1;
  try {
    // First: whatever it names is in the other files already, and those only grow.
    copyDatabase(stateFolder, database);
    archive = new ArchiveWriter(partial);
    await archive.add('fathom.db', database);
    for (const name of contents) {
      for (const path of await filesIn(join(stateFolder, name))) {
        if (await archive.add(relative(stateFolder, path), path)) count += 1;
      }
    }
    archive.finish({ format: '1', madeAt: new Date().toISOString() });
    await sync(partial);
    await rename(partial, file);
    await sync(dirname(file));
  } finally {
    archive?.abandon();
    await rm(partial, { force: true });
    await rm(database, { force: true });
  }
  process.stdout.write(
    `${file} has the state of ${stateFolder}: the database and ${count - 1} files.\n`,
  );
  return finished;
}

/** `fathom restore FILE`: makes the state folder from a backup; there must be none, or an empty one. */
export async function restore({ config, args }: RoleRequest): Promise<Running> {
  const file = fileIn('restore', args);
  assertEmbedded(config, 'restore');
  const { stateFolder } = config;
  if (!existsSync(file)) throw new ConfigError(`There is no file ${file}.`);
  const there = await readdir(stateFolder).catch(() => []);
  if (there.length > 0) {
    throw new ConfigError(
      `${stateFolder} is not empty. Move it away, or name another folder in FATHOM_STATE.`,
    );
  }
  await mkdir(dirname(stateFolder), { recursive: true });
  const partial = join(
    dirname(stateFolder),
    `.${basename(stateFolder)}.${randomBytes(4).toString('hex')}.part`,
  );
  try {
    await mkdir(partial, { mode: 0o700 });
    const about = await extractArchive(file, partial);
    await rmdir(stateFolder).catch(() => undefined);
    await rename(partial, stateFolder);
    await sync(dirname(stateFolder));
    process.stdout.write(
      `${stateFolder} has the state of ${about.get('madeAt') ?? 'an unknown time'}.\n`,
    );
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return finished;
}

const finished: Running = { url: '', stop: () => Promise.resolve() };

function fileIn(name: string, args: readonly string[]): string {
  const [file, ...rest] = args;
  if (file === undefined || rest.length > 0) throw new ConfigError(`use: fathom ${name} FILE.`);
  return resolve(file);
}

function assertEmbedded(config: Config, name: string): void {
  if (config.databaseUrl === null) return;
  throw new ConfigError(
    `fathom ${name} is for state in a folder; DATABASE_URL names PostgreSQL: use pg_dump and pg_restore, and copy ${config.stateFolder}.`,
  );
}

async function filesIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      if (error.code === 'ENOTDIR') return null;
      throw error;
    },
  );
  if (entries === null) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

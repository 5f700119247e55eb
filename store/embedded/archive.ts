import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnusableError } from '../contract/store.ts';

/** `FTHB`: tells a backup from any other SQLite database. */
const applicationId = 0x46544842;
const partBytes = 1024 * 1024;

/** Files in one file: an SQLite database of their parts and digests, so that a damaged or cut copy is noticed. */
export class ArchiveWriter {
  readonly #database: DatabaseSync;

  /** `path` must not exist. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(`pragma application_id = ${applicationId}; pragma journal_mode = off;
      pragma synchronous = off;
      create table about (key text primary key, value text not null) strict;
      create table files (number integer primary key, path text not null unique, bytes integer not null,
        mode integer not null, sha256 text not null) strict;
      create table parts (file integer not null, number integer not null, content blob not null,
        primary key (file, number)) strict, without rowid;`);
  }

  /** Takes in the file at `source` under a relative path; false when it is gone meanwhile. */
  async add(path: string, source: string): Promise<boolean> {
    const file = await open(source, 'r').catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if (file === null) return false;
    try {
      const { mode } = await file.stat();
      const number = this.#count() + 1;
      const insert = this.#database.prepare('insert into parts values (?, ?, ?)');
      const hash = createHash('sha256');
      let bytes = 0;
      const buffer = Buffer.alloc(partBytes);
      for (let part = 1; ; part += 1) {
        const length = await fill(file, buffer);
        if (length === 0) break;
        const content = buffer.subarray(0, length);
        hash.update(content);
        bytes += length;
        insert.run(number, part, content);
      }
      this.#database
        .prepare('insert into files values (?, ?, ?, ?, ?)')
        .run(number, path, bytes, mode & 0o777, hash.digest('hex'));
      return true;
    } finally {
      await file.close();
    }
  }

  /** Without this the file is no archive. */
  finish(about: Readonly<Record<string, string>>): void {
    const insert = this.#database.prepare('insert into about values (?, ?)');
    for (const [key, value] of Object.entries(about)) insert.run(key, value);
    insert.run('files', `${this.#count()}`);
    this.#database.close();
  }

  /** Closes what was not finished. */
  abandon(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #count(): number {
    const row = this.#database.prepare('select count(*) as count from files').get();
    return Number(row?.['count']);
  }
}

/** Writes an archive's files into `folder`, durably; gives what it says about itself. Rejects with StoreUnusableError when it is damaged. */
export async function extractArchive(
  path: string,
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  const database = openArchive(path);
  try {
    const rows = database.prepare('select key, value from about').all();
    const about = new Map(rows.map((row) => [String(row['key']), String(row['value'])]));
    const files = database.prepare('select * from files order by number').all();
    if (about.get('files') !== `${files.length}`) throw damaged(path, 'It was not finished.');
    const folders = new Set<string>();
    for (const file of files) {
      const target = join(folder, inside(path, String(file['path'])));
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      folders.add(dirname(target));
      const digest = await write(database, Number(file['number']), target, Number(file['mode']));
      if (digest !== file['sha256']) {
        throw damaged(path, `${String(file['path'])} is not what it was.`);
      }
    }
    for (const one of folders) await sync(one);
    return about;
  } catch (error) {
    throw isSqlite(error) ? damaged(path, 'It cannot be read.', error) : error;
  } finally {
    database.close();
  }
}

function openArchive(path: string): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const id = database.prepare('pragma application_id').get()?.['application_id'];
    if (id === applicationId) return database;
  } catch (error) {
    database?.close();
    throw damaged(path, 'It cannot be read.', error);
  }
  database.close();
  throw new StoreUnusableError('NOT_OURS', `${path} is no backup.`);
}

async function write(
  database: DatabaseSync,
  number: number,
  target: string,
  mode: number,
): Promise<string> {
  const hash: Hash = createHash('sha256');
  const file = await open(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    const parts = database.prepare('select content from parts where file = ? order by number');
    for (const { content } of parts.iterate(number)) {
      if (!(content instanceof Uint8Array)) continue;
      hash.update(content);
      await file.writeFile(content);
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** A path that leads out of the folder is nobody's but an attacker's. */
function inside(archive: string, path: string): string {
  const plain = normalize(path);
  if (isAbsolute(plain) || plain.startsWith('..')) throw damaged(archive, 'It leads elsewhere.');
  return plain;
}

async function fill(file: FileHandle, buffer: Buffer): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function damaged(path: string, what: string, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError('DAMAGED', `The backup ${path} is damaged. ${what}`, cause);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}

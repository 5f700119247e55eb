import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject } from '../../domain/json.ts';
import {
  readControlFile,
  replaceFile,
  syncFolder,
  writeOnce,
} from '../work-folder/control-file.ts';
import type { SubmitClaim } from './claims.ts';
import { claimFile } from './claims.ts';
import { asBackendError } from './errors.ts';
import type { JobFolders } from './job-folders.ts';
import { lastWords } from './job-folders.ts';
import type { BatchRequest } from './native.ts';

/** Which jobs are to be handed over together; the place in `members` is the number of the element. */
export interface ArrayRecord {
  readonly version: 1;
  readonly name: string;
  readonly key: string;
  readonly title: string;
  readonly mark: string;
  readonly submittedAt: number;
  readonly members: readonly string[];
  /** Counted from 0, where there are more jobs than one array may have. */
  readonly part: number;
  readonly hasNext: boolean;
  readonly atOnce: number | null;
  /** Without the numbers of the elements. */
  readonly request: BatchRequest;
}

/**
 * `arrays/<name>/`, beside the folders of the jobs. `record.json` comes with it; `members.json` (once) says which of the jobs
 * are in it, by the marks of their folders; `members` says the same to the nodes, a line for each; `array.json` (once) is its
 * id in Slurm.
 */
export class ArrayFolders {
  readonly #root: string;
  readonly #rootOnNodes: string;
  readonly #jobs: JobFolders;

  constructor(root: string, rootOnNodes: string, jobs: JobFolders) {
    this.#root = root;
    this.#rootOnNodes = rootOnNodes;
    this.#jobs = jobs;
  }

  folder(name: string): string {
    return join(this.#root, 'arrays', name);
  }

  folderOnNodes(name: string): string {
    return join(this.#rootOnNodes, 'arrays', name);
  }

  /** Null when there is no such array. */
  record(name: string): ArrayRecord | null {
    return (this.#read(name, 'record') as ArrayRecord | null | undefined) ?? null;
  }

  /** Null when it has not been handed over; an id of null says that no job was left to be in it. */
  native(name: string): { readonly id: string | null } | null {
    const found = this.#read(name, 'array');
    if (!isJsonObject(found)) return null;
    return { id: typeof found['id'] === 'string' ? found['id'] : null };
  }

  /** By element: the mark of the job's folder, null for one that is not in it. Null before that is settled. */
  marks(name: string): readonly (string | null)[] | null {
    const found = this.#read(name, 'members');
    return isJsonObject(found) ? (found['marks'] as readonly (string | null)[]) : null;
  }

  /** False when the file is there already, or the folder is not (any more). */
  writeOnce(name: string, file: 'members' | 'array', value: object): boolean {
    try {
      return writeOnce(join(this.folder(name), `${file}.json`), value);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw asBackendError(error, 'submit', 'The shared folder cannot be written');
    }
  }

  /** What an element reads to know whose it is. Whoever writes it writes the same. */
  async tellNodes(record: ArrayRecord, marks: readonly (string | null)[]): Promise<void> {
    const lines = record.members.map((name, index) => {
      const mark = marks[index] ?? null;
      return mark === null ? '\n' : `${name} ${mark}\n`;
    });
    const path = join(this.folder(record.name), 'members');
    const draft = `${path}.${randomUUID()}.draft`;
    try {
      await writeFile(draft, lines.join(''), { mode: 0o600, flush: true });
      await rename(draft, path);
    } catch (error) {
      throw asBackendError(error, 'submit', 'The shared folder cannot be written');
    }
  }

  /** As `JobFolders.create`. */
  async create(record: ArrayRecord, claim: SubmitClaim): Promise<boolean> {
    const staging = join(this.#root, 'staging', `${record.submittedAt}.${record.mark}`);
    try {
      await mkdir(staging, { mode: 0o700 });
      replaceFile(join(staging, claimFile(0)), claim);
      writeOnce(join(staging, 'record.json'), record);
      await rename(staging, this.folder(record.name));
      syncFolder(join(this.#root, 'arrays'));
      return true;
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw asBackendError(error, 'submit', 'The folder of the array could not be made');
    }
  }

  /** The last words of the script of an element. */
  scriptOutput(name: string, index: number): string {
    return lastWords(join(this.folder(name), `${index}.out`));
  }

  /** Whether a folder of a job of it is still there. */
  isNeeded(record: ArrayRecord): boolean {
    // Mostly they are released in their order.
    const names = [...record.members.slice(-1), ...record.members];
    return names.some((name) => this.#jobs.record(name)?.array?.mark === record.mark);
  }

  async remove({ name, mark }: ArrayRecord, now: number): Promise<void> {
    const trash = join(this.#root, 'trash', `${now}.${mark}`);
    try {
      await rename(this.folder(name), trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw asBackendError(error, 'release', 'The folder of the array could not be removed');
    }
    await rm(trash, { recursive: true, force: true });
  }

  /** Arrays of which no job is left: whoever was to remove them was killed. */
  async sweep(olderThan: number, now: number): Promise<void> {
    for (const name of readdirSync(join(this.#root, 'arrays'))) {
      const record = this.record(name);
      if (record === null || record.submittedAt >= olderThan || this.isNeeded(record)) continue;
      await this.remove(record, now);
    }
  }

  #read(name: string, file: 'record' | 'members' | 'array'): unknown {
    return readControlFile(join(this.folder(name), `${file}.json`));
  }
}

/** `0-2,5%4` */
export function taskNumbers(numbers: readonly number[], atOnce: number | null): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  const text = ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
  return atOnce === null ? text : `${text}%${atOnce}`;
}

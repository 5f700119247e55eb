import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendSurroundings } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { InputFile, JobWorkload } from '../contract/workload.ts';
import {
  makePrivateFolder,
  readControlFile,
  replaceFile,
  syncFolder,
  writeOnce,
} from '../work-folder/control-file.ts';
import { placeInputs } from '../work-folder/inputs.ts';
import { claimFile } from './claims.ts';
import { asBackendError } from './errors.ts';
import type { BatchRequest } from './native.ts';
import { rankFile, rankProgram } from './several-nodes.ts';
import { supervisorProgram } from './supervisor-program.ts';
import type { Launch } from './translate.ts';
import { launchFile, secretsFile } from './translate.ts';

/** What we write into a job's folder, and what the supervisor does; see `supervisor-program.ts`. */
export const jobFiles = {
  /** Once, with the folder: what was asked for. */
  record: 'record.json',
  /** Once: the job's id in Slurm. */
  native: 'job.json',
  /** Once: how it ended, for good. */
  end: 'end.json',
  cancel: 'cancel.json',
  /** Where no folder is shared: what the launcher is to fetch, until Slurm has the job. */
  inputs: 'inputs.json',
  runner: 'claim/job.json',
  started: 'started.json',
  exit: 'exit.json',
} as const;

export type JobFile = keyof typeof jobFiles;

export interface JobRecord {
  readonly version: 1;
  readonly name: string;
  readonly key: string;
  readonly title: string;
  readonly labels: { readonly [name: string]: string };
  readonly mark: string;
  readonly submittedAt: number;
  /** Of this job by itself. */
  readonly request: BatchRequest;
  /** Where it was to be handed over with others; whether it was, the array's own folder says. */
  readonly array?: ArrayPlace;
  /** Data and results travel by the launcher; this folder is ours alone. */
  readonly delivered?: true;
}

export interface ArrayPlace {
  readonly name: string;
  readonly mark: string;
  readonly index: number;
}

export interface NewFolder {
  readonly workload: JobWorkload;
  readonly launch: Launch;
  /** What the launcher is to fetch; null where the folder is shared. */
  readonly delivered: readonly InputFile[] | null;
  readonly claim: object;
  readonly placeBlob: BackendSurroundings['placeBlob'];
  readonly signal: AbortSignal;
}

/** The shared folder, or one of our own: `jobs/<name>/` for each job, complete from the moment it is seen. */
export class JobFolders {
  readonly #root: string;
  readonly #rootOnNodes: string;

  readonly #rootIs: 'THERE' | 'MADE';

  /** `rootIs`: a shared folder has to be there, one of our own is made when it is needed. */
  constructor(root: string, rootOnNodes: string, rootIs: 'THERE' | 'MADE' = 'THERE') {
    this.#root = root;
    this.#rootOnNodes = rootOnNodes;
    this.#rootIs = rootIs;
  }

  /** Rejects with Unavailable when the shared folder is not there. */
  prepare(operation: string): void {
    try {
      if (this.#rootIs === 'MADE') makePrivateFolder(this.#root);
      else statSync(this.#root);
      for (const folder of ['jobs', 'arrays', 'staging', 'trash']) {
        makePrivateFolder(join(this.#root, folder));
      }
    } catch (error) {
      throw asBackendError(error, operation, 'The shared folder cannot be used');
    }
  }

  /** What an earlier process was in the middle of making or removing when it was killed. */
  async sweep(olderThan: number): Promise<void> {
    for (const place of ['staging', 'trash']) {
      for (const entry of readdirSync(join(this.#root, place))) {
        if (Number(entry.split('.')[0]) >= olderThan) continue;
        await rm(join(this.#root, place, entry), { recursive: true, force: true });
      }
    }
  }

  folder(name: string): string {
    return join(this.#root, 'jobs', name);
  }

  folderOnNodes(name: string): string {
    return join(this.#rootOnNodes, 'jobs', name);
  }

  read(name: string, file: JobFile): unknown {
    return readControlFile(join(this.folder(name), jobFiles[file]));
  }

  has(name: string, file: JobFile): boolean {
    return existsSync(join(this.folder(name), jobFiles[file]));
  }

  /** Null when there is no such job. */
  record(name: string): JobRecord | null {
    return (this.read(name, 'record') as JobRecord | null | undefined) ?? null;
  }

  /** False when the file is there already, or the folder is not (any more). */
  writeOnce(name: string, file: JobFile, value: unknown): boolean {
    try {
      return writeOnce(join(this.folder(name), jobFiles[file]), value);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw asBackendError(error, 'write', 'The shared folder cannot be written');
    }
  }

  /** The last words of the batch script itself; empty when it said nothing. */
  scriptOutput(name: string): string {
    return lastWords(join(this.folder(name), 'slurm.out'));
  }

  /** When the supervisor last said that the program runs; null when it never did. */
  beatAt(name: string): number | null {
    return statSync(join(this.folder(name), 'beat'), { throwIfNoEntry: false })?.mtimeMs ?? null;
  }

  /**
   * Makes the folder with everything in it and shows it in one step. False when it was there already, whoever made it.
   * With it comes the first claim to submit the job, so nobody else can slip in between.
   */
  async create(record: JobRecord, more: NewFolder): Promise<boolean> {
    const staging = join(this.#root, 'staging', `${record.submittedAt}.${record.mark}`);
    try {
      await mkdir(staging, { mode: 0o700 });
      if (more.delivered === null) await fillForNodes(staging, record, more);
      else writeOnce(join(staging, jobFiles.inputs), more.delivered);
      replaceFile(join(staging, claimFile(0)), more.claim);
      writeOnce(join(staging, jobFiles.record), record);
      if (more.signal.aborted) {
        const message = 'The caller gave up.';
        throw new BackendError('DeadlineExceeded', 'submit', message, {
          cause: more.signal.reason,
        });
      }
      await rename(staging, this.folder(record.name));
      syncFolder(join(this.#root, 'jobs'));
      return true;
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw asBackendError(error, 'submit', 'The job folder could not be made');
    }
  }

  /** Secrets of a job that will never read them, or has them elsewhere. */
  async forgetSecrets(name: string): Promise<void> {
    for (const file of ['secrets', jobFiles.inputs]) {
      await rm(join(this.folder(name), file), { force: true });
    }
  }

  /** Takes the folder away in one step, then deletes what was in it. */
  async remove(name: string, mark: string, now: number): Promise<void> {
    const trash = join(this.#root, 'trash', `${now}.${mark}`);
    try {
      await rename(this.folder(name), trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw asBackendError(error, 'release', 'The job folder could not be removed');
    }
    await rm(trash, { recursive: true, force: true });
  }
}

/** Everything that the node will read. */
async function fillForNodes(folder: string, record: JobRecord, more: NewFolder): Promise<void> {
  const { workload, launch } = more;
  const write = (file: string, text: string): Promise<void> =>
    writeFile(join(folder, file), text, { mode: 0o600 });
  await mkdir(join(folder, 'work', 'out'), { recursive: true, mode: 0o700 });
  await placeInputs(workload.inputs, join(folder, 'work'), more.placeBlob, more.signal);
  await write('supervise.pl', supervisorProgram);
  if (record.request.nodes > 1) await write(rankFile, rankProgram);
  await write('launch', launchFile(launch));
  if (launch.secretNames.length > 0) await write('secrets', secretsFile(workload.secrets));
}

export function lastWords(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-1000);
  } catch {
    return '';
  }
}

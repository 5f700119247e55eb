import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendSurroundings } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { JobWorkload } from '../contract/workload.ts';
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
}

export interface ArrayPlace {
  readonly name: string;
  readonly mark: string;
  readonly index: number;
}

/** The shared folder: `jobs/<name>/` for each job, complete from the moment it is seen. */
export class JobFolders {
  readonly #root: string;
  readonly #rootOnNodes: string;

  constructor(root: string, rootOnNodes: string) {
    this.#root = root;
    this.#rootOnNodes = rootOnNodes;
  }

  /** Rejects with Unavailable when the shared folder is not there. */
  prepare(operation: string): void {
    try {
      statSync(this.#root);
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
  async create(
    record: JobRecord,
    more: {
      readonly workload: JobWorkload;
      readonly launch: Launch;
      readonly claim: object;
      readonly placeBlob: BackendSurroundings['placeBlob'];
      readonly signal: AbortSignal;
    },
  ): Promise<boolean> {
    const staging = join(this.#root, 'staging', `${record.submittedAt}.${record.mark}`);
    try {
      const work = join(staging, 'work');
      await mkdir(join(work, 'out'), { recursive: true, mode: 0o700 });
      await placeInputs(more.workload.inputs, work, more.placeBlob, more.signal);
      await writeFile(join(staging, 'supervise.pl'), supervisorProgram, { mode: 0o600 });
      if (record.request.nodes > 1) {
        await writeFile(join(staging, rankFile), rankProgram, { mode: 0o600 });
      }
      await writeFile(join(staging, 'launch'), launchFile(more.launch), { mode: 0o600 });
      if (more.launch.secretNames.length > 0) {
        const secrets = secretsFile(more.workload.secrets);
        await writeFile(join(staging, 'secrets'), secrets, { mode: 0o600 });
      }
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

  /** Secrets of a job that will never read them. */
  async forgetSecrets(name: string): Promise<void> {
    await rm(join(this.folder(name), 'secrets'), { force: true });
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

export function lastWords(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-1000);
  } catch {
    return '';
  }
}

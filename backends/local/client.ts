import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BackendError } from '../contract/error.ts';
import type { InputFile } from '../contract/workload.ts';
import { currentClaim } from './control/claim.ts';
import {
  makePrivateFolder,
  readControlFile,
  replaceFile,
  syncFolder,
  writeOnce,
} from '../work-folder/control-file.ts';
import { signalProcess } from './control/process-identity.ts';
import type { LaunchRecord, SupervisorOrder } from './control/record.ts';
import { controlFiles } from './control/record.ts';
import { placeInputs } from '../work-folder/inputs.ts';

export type Kind = LaunchRecord['kind'];

const launchLimitMs = 30_000;
const complaintsFile = 'supervisor.log';

const kindFolders = { JOB: 'jobs', SERVICE: 'services' } as const satisfies Record<Kind, string>;

/** The only I/O of this backend on the server's side: its state folder and its supervisors. */
export class LocalClient {
  readonly bellFolder: string;
  readonly #root: string;
  readonly #supervisor: readonly string[];
  readonly #lock: DatabaseSync;

  constructor(stateFolder: string, supervisor: readonly string[]) {
    this.#root = stateFolder;
    this.#supervisor = supervisor;
    this.bellFolder = join(stateFolder, 'bell');
    for (const folder of ['jobs', 'services', 'bell', 'staging', 'trash']) {
      makePrivateFolder(join(stateFolder, folder));
    }
    this.#lock = new DatabaseSync(join(stateFolder, 'schedule.lock'));
    this.#lock.exec('PRAGMA busy_timeout = 250');
  }

  close(): void {
    this.#lock.close();
  }

  /** What an earlier process was in the middle of making or removing when it was killed. */
  async sweep(olderThan: number): Promise<void> {
    for (const entry of readdirSync(join(this.#root, 'trash'))) {
      await rm(join(this.#root, 'trash', entry), { recursive: true, force: true });
    }
    for (const entry of readdirSync(join(this.#root, 'staging'))) {
      if (Number(entry.split('.')[0]) >= olderThan) continue;
      await rm(join(this.#root, 'staging', entry), { recursive: true, force: true });
    }
  }

  folder(kind: Kind, name: string): string {
    return join(this.#root, kindFolders[kind], name);
  }

  workFolder(kind: Kind, name: string): string {
    return join(this.folder(kind, name), controlFiles.work);
  }

  bell(kind: Kind, name: string): string {
    return join(this.bellFolder, `${kindFolders[kind]}.${name}`);
  }

  names(kind: Kind): readonly string[] {
    return readdirSync(join(this.#root, kindFolders[kind]));
  }

  has(kind: Kind, name: string, file: keyof typeof controlFiles = 'record'): boolean {
    return existsSync(join(this.folder(kind, name), controlFiles[file]));
  }

  /** As the file says; null when it is not there, `undefined` when it is no JSON. */
  read(kind: Kind, name: string, file: keyof typeof controlFiles): unknown {
    return readControlFile(join(this.folder(kind, name), controlFiles[file]));
  }

  record(kind: Kind, name: string): LaunchRecord | null {
    return (this.read(kind, name, 'record') as LaunchRecord | null | undefined) ?? null;
  }

  writeOnce(kind: Kind, name: string, file: keyof typeof controlFiles, value: unknown): boolean {
    return this.#inFolder(kind, name, (folder) =>
      writeOnce(join(folder, controlFiles[file]), value),
    );
  }

  replace(kind: Kind, name: string, file: keyof typeof controlFiles, value: unknown): void {
    this.#inFolder(kind, name, (folder) => {
      replaceFile(join(folder, controlFiles[file]), value);
      return true;
    });
  }

  /**
   * Makes the folder with everything in it and shows it in one step: a folder that is there is
   * complete. False when it was there already, whoever made it.
   */
  async create(
    record: LaunchRecord,
    more: {
      readonly inputs: readonly InputFile[];
      readonly files: readonly {
        readonly file: keyof typeof controlFiles;
        readonly value: unknown;
      }[];
      readonly placeBlob: (sha256: string, path: string) => Promise<void>;
      readonly signal: AbortSignal;
    },
  ): Promise<boolean> {
    const place = this.folder(record.kind, record.name);
    const staging = join(this.#root, 'staging', `${record.submittedAt}.${record.mark}`);
    try {
      const work = join(staging, controlFiles.work);
      await mkdir(join(work, 'out'), { recursive: true, mode: 0o700 });
      await placeInputs(more.inputs, work, more.placeBlob, more.signal);
      writeOnce(join(staging, controlFiles.record), record);
      for (const { file, value } of more.files) writeOnce(join(staging, controlFiles[file]), value);
      if (more.signal.aborted) {
        throw new BackendError('DeadlineExceeded', 'submit', 'The caller gave up.', {
          cause: more.signal.reason,
        });
      }
      await rename(staging, place);
      syncFolder(join(this.#root, kindFolders[record.kind]));
      return true;
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw asBackendError(error, 'submit');
    }
  }

  /** Takes the folder away in one step, then deletes what was in it. */
  async remove(kind: Kind, name: string, mark: string): Promise<void> {
    const trash = join(this.#root, 'trash', mark);
    try {
      await rename(this.folder(kind, name), trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw asBackendError(error, 'release');
    }
    await rm(this.bell(kind, name), { force: true });
    await rm(trash, { recursive: true, force: true });
  }

  /** Makes the supervisor look at once; false when there is none. */
  ringSupervisor(kind: Kind, name: string): boolean {
    const claim = currentClaim(this.folder(kind, name));
    return claim?.holder != null && signalProcess(claim.holder, 'SIGUSR2');
  }

  /**
   * Starts a supervisor, detached. Resolves when it (or another one) has claimed the folder; rejects
   * with what it said when it could not.
   */
  async launchSupervisor(
    kind: Kind,
    name: string,
    secrets: Readonly<Record<string, string>>,
  ): Promise<void> {
    const folder = this.folder(kind, name);
    const [file = '', ...argv] = this.#supervisor;
    const descriptor = openSync(join(folder, complaintsFile), 'a', 0o600);
    const child = spawn(file, argv, {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', descriptor],
    });
    closeSync(descriptor);
    const order: SupervisorOrder = { folder, secrets };
    child.stdin?.once('error', () => undefined);
    child.stdin?.end(JSON.stringify(order));
    const isClaimed = await firstWord(child);
    child.stdout?.destroy();
    child.unref();
    if (isClaimed || currentClaim(folder) !== null) return;
    const said = this.complaints(kind, name);
    const message = `The supervisor could not be started. ${said}`.trim();
    throw new BackendError('Unavailable', 'launch', message);
  }

  /** The end of what supervisors themselves had to complain about. */
  complaints(kind: Kind, name: string): string {
    try {
      return readFileSync(join(this.folder(kind, name), complaintsFile), 'utf8').slice(-1000);
    } catch {
      return '';
    }
  }

  /** Runs `work` while no other process does. Null when another one holds the lock for too long. */
  locked<T>(work: () => T): T | null {
    try {
      this.#lock.exec('BEGIN EXCLUSIVE');
    } catch {
      return null;
    }
    try {
      return work();
    } finally {
      this.#lock.exec('ROLLBACK');
    }
  }

  readShared(file: string): unknown {
    return readControlFile(join(this.#root, file));
  }

  writeShared(file: string, value: unknown): void {
    replaceFile(join(this.#root, file), value);
  }

  /** A folder that is released while we write into it is no failure of ours. */
  #inFolder(kind: Kind, name: string, work: (folder: string) => boolean): boolean {
    try {
      return work(this.folder(kind, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw asBackendError(error, 'write');
    }
  }
}

/** Whether it said anything (it speaks once, about the claim) before it ended or took too long. */
function firstWord(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), launchLimitMs);
    const settle = (spoke: boolean): void => {
      clearTimeout(timer);
      resolve(spoke);
    };
    child.stdout?.once('data', () => settle(true));
    child.stdout?.once('error', () => settle(false));
    child.once('error', () => settle(false));
    child.once('exit', () => settle(false));
  });
}

export function asBackendError(error: unknown, operation: string): BackendError {
  if (error instanceof BackendError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const { code } = error as NodeJS.ErrnoException;
  const kind =
    code === 'ENOSPC' || code === 'EDQUOT' || code === 'EMFILE' ? 'Unavailable' : 'Unexpected';
  return new BackendError(kind, operation, reason, { cause: error });
}

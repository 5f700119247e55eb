import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackendError } from '../contract/error.ts';
import type { JobStatus } from '../contract/job-runner.ts';
import type { InputFile } from '../contract/workload.ts';
import { isJsonObject } from '../../domain/json.ts';
import { readControlFile, writeOnce } from '../work-folder/control-file.ts';
import { placeInputs } from '../work-folder/inputs.ts';
import type { Place } from './task.ts';
import { sharedPlace } from './task.ts';

type Named = Pick<Place, 'name' | 'kind'>;

/**
 * The shared folder as we see it: `jobs/NAME/work`, `services/NAME/work`, and beside them, out of the program's reach where
 * it runs in a container, how a job ended: Nomad forgets that after hours.
 */
export class SharedFolders {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  out(place: Named): string {
    return join(this.#root, sharedPlace(place), 'work', 'out');
  }

  /** With all inputs in it, by one rename; one that is there already is kept. */
  async create(
    place: Named,
    inputs: readonly InputFile[],
    placeBlob: (sha256: string, path: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const draft = join(this.#root, 'drafts', randomUUID());
    const work = join(draft, 'work');
    const final = join(this.#root, sharedPlace(place));
    try {
      for (const folder of [join(work, 'out'), dirname(final)]) {
        await mkdir(folder, { recursive: true });
      }
      await placeInputs(inputs, work, placeBlob, signal);
      signal.throwIfAborted();
      await openToAll(work, inputs);
      await rename(draft, final).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } catch (error) {
      if (error instanceof BackendError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The work folder could not be made: ${reason}`;
      throw new BackendError('Unavailable', 'submit', message, { cause: error });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  /** The end of the job of that mark, as it was seen first; null when it was not. */
  settledEnd(place: Named, mark: string): JobStatus | null {
    const end = readControlFile(this.#endFile(place, mark));
    return isJsonObject(end) ? (end as unknown as JobStatus) : null;
  }

  /** Of the job whose end was settled there, which Nomad may have forgotten since; null when none was. */
  settledMark(place: Named): string | null {
    const folder = join(this.#root, sharedPlace(place));
    const entries = existsSync(folder) ? readdirSync(folder) : [];
    const ends = entries.map((entry) => /^end\.([\w-]{1,40})\.json$/.exec(entry)?.[1]);
    return ends.find((mark) => mark !== undefined) ?? null;
  }

  /** The end that counts: this one, or one that somebody settled before. */
  settle(place: Named, mark: string, status: JobStatus): JobStatus {
    try {
      writeOnce(this.#endFile(place, mark), status);
    } catch {
      // The folder is full or gone: the next look asks Nomad again.
    }
    return this.settledEnd(place, mark) ?? status;
  }

  async remove(place: Named): Promise<void> {
    await rm(join(this.#root, sharedPlace(place)), { recursive: true, force: true });
  }

  #endFile(place: Named, mark: string): string {
    return join(this.#root, sharedPlace(place), `end.${mark}.json`);
  }
}

/** Programs run as whatever user their node or image says, which is seldom ours. */
async function openToAll(work: string, inputs: readonly InputFile[]): Promise<void> {
  for (const folder of [dirname(work), work, join(work, 'out')]) await chmod(folder, 0o777);
  for (const { path, content } of inputs) {
    for (let at = dirname(path); at !== '.'; at = dirname(at)) await chmod(join(work, at), 0o777);
    if (content.kind === 'BLOB') await chmod(join(work, path), 0o444);
  }
}

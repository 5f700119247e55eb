import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackendError } from '../contract/error.ts';
import type { InputFile } from '../contract/workload.ts';
import { placeInputs } from '../work-folder/inputs.ts';
import type { PodPlace } from './work-volumes.ts';
import { sharedPlace } from './work-volumes.ts';

/** The work folders below the shared folder, as we see them: `jobs/NAME/work`, `services/NAME/work`. */
export class SharedFolders {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  out(place: PodPlace): string {
    return join(this.#root, sharedPlace(place), 'work', 'out');
  }

  /** With all inputs in it, by one rename; one that is there already is kept. */
  async create(
    place: PodPlace,
    inputs: readonly InputFile[],
    placeBlob: (sha256: string, path: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const draft = join(this.#root, 'drafts', randomUUID());
    const work = join(draft, 'work');
    const final = join(this.#root, sharedPlace(place));
    try {
      await this.#make(join(work, 'out'), dirname(final));
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

  async remove(place: PodPlace): Promise<void> {
    await rm(join(this.#root, sharedPlace(place)), { recursive: true, force: true });
  }

  async #make(...folders: readonly string[]): Promise<void> {
    for (const folder of folders) await mkdir(folder, { recursive: true });
  }
}

/** Programs run as whatever user their image says, which is seldom ours. */
async function openToAll(work: string, inputs: readonly InputFile[]): Promise<void> {
  for (const folder of [dirname(work), work, join(work, 'out')]) await chmod(folder, 0o777);
  for (const { path, content } of inputs) {
    for (let at = dirname(path); at !== '.'; at = dirname(at)) await chmod(join(work, at), 0o777);
    if (content.kind === 'BLOB') await chmod(join(work, path), 0o444);
  }
}

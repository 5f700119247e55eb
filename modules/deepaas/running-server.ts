import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { servedModel } from './deepaas-server.ts';
import { modelsOf, stopped, type TrainingServer } from './training.ts';

export interface RunningServerPlace {
  /** Of the API, without a slash at the end. */
  readonly url: string;
  /** Null takes the only model that it serves. */
  readonly model: string | null;
  /** Where whoever started it leaves its streams and, in the file `ended`, word of its end; null when nobody does. */
  readonly folder: string | null;
  /** For its first answer. */
  readonly waitMs: number;
}

/** A DEEPaaS that somebody else started, and that ends when they want. */
export class RunningServer implements TrainingServer {
  readonly url: string;
  readonly model: string;
  readonly #folder: string | null;

  /** Resolves when the model answers. Throws an Error when that does not happen, and Stopped once `signal` is aborted. */
  static async find(place: RunningServerPlace, signal: AbortSignal): Promise<RunningServer> {
    const end = performance.now() + place.waitMs;
    for (;;) {
      if (signal.aborted) throw stopped();
      const models = await modelsOf(place.url);
      if (models !== null) return new RunningServer(place, servedModel(models, place.model));
      const ending = await endingIn(place.folder);
      if (ending !== null) throw new Error(`DEEPaaS ended before it served a model${ending}.`);
      if (performance.now() > end) {
        const seconds = Math.round(place.waitMs / 1000);
        throw new Error(`DEEPaaS did not answer at ${place.url} within ${seconds} s.`);
      }
      await pause(200, null, { signal }).catch(() => null);
    }
  }

  private constructor({ url, folder }: RunningServerPlace, model: string) {
    this.url = url;
    this.#folder = folder;
    this.model = model;
  }

  async ending(): Promise<string | null> {
    const ending = await endingIn(this.#folder);
    return ending === null ? null : `DEEPaaS ended in the middle of the training${ending}.`;
  }
}

/** Goes on after `it ended`. */
async function endingIn(folder: string | null): Promise<string | null> {
  if (folder === null) return null;
  const text = await readFile(join(folder, 'ended'), 'utf8').catch(() => null);
  const word = text?.trim() ?? '';
  if (word === '') return null;
  if (word === 'memory') return ': the system ended one of its processes, because memory ran out';
  return /^\d+$/.test(word) ? ` with exit code ${word}` : ': it was killed';
}

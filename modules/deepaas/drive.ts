import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isRecord } from '../runtime/arguments.ts';
import { writeWhole } from '../runtime/durable-files.ts';
import { Stopped } from '../runtime/run-report.ts';
import { RunningServer, type RunningServerPlace } from './running-server.ts';
import { ServerLines } from './server-lines.ts';
import { begin, cancel, follow, trainingsOf } from './training.ts';
import { TrainingFolder } from './training-folder.ts';

/**
 * Runs the workload in `work` through the training route of a server that somebody else started. Started again in the same
 * folder it goes on with the training that was asked for, and asks for no second one. Throws as `train` does.
 */
export async function drive(
  place: RunningServerPlace,
  work: string,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = await TrainingFolder.open(work);
  const asked = await Asked.read(folder.path);
  if (asked.isAny && (await folder.isDone())) return;
  await (asked.isAny ? folder.open(true) : folder.begin(true));
  print(JSON.stringify({ type: 'phase', phase: 'PREPARING' }));
  const lines = place.folder === null ? null : new Printing(await ServerLines.open(place.folder));
  try {
    const server = await RunningServer.find(place, signal);
    const uuid = await asked.uuid(server, folder.given, signal);
    print(JSON.stringify({ type: 'phase', phase: 'RUNNING' }));
    const output = await follow(server, uuid, signal).catch(async (error: unknown) => {
      if (error instanceof Stopped) await cancel(server, uuid);
      throw error;
    });
    await folder.keep(output);
  } finally {
    await lines?.finish();
    await folder.discard();
  }
}

/** What the server prints, as it comes. */
class Printing {
  readonly #lines: ServerLines;
  readonly #over = new AbortController();
  readonly #loop: Promise<void>;

  constructor(lines: ServerLines) {
    this.#lines = lines;
    this.#loop = this.#print();
  }

  async finish(): Promise<void> {
    this.#over.abort();
    await this.#loop;
    await this.#lines.print(true);
  }

  async #print(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await this.#lines.print(false);
      await pause(200, null, { signal }).catch(() => null);
    }
  }
}

type Word = { readonly known: readonly string[] } | { readonly uuid: string };

/** What is written down of a training before and after it is asked for, so that it is asked for once. */
class Asked {
  readonly #path: string;
  #word: Word | null;

  static async read(work: string): Promise<Asked> {
    const path = join(work, '.deepaas-training.json');
    const text = await readFile(path, 'utf8').catch(() => null);
    return new Asked(path, text === null ? null : wordIn(text));
  }

  private constructor(path: string, word: Word | null) {
    this.#path = path;
    this.#word = word;
  }

  get isAny(): boolean {
    return this.#word !== null;
  }

  /** Of the training that was asked for, now or in an earlier life. */
  async uuid(
    server: RunningServer,
    given: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<string> {
    const word = this.#word;
    if (word !== null && 'uuid' in word) return word.uuid;
    const known = word?.known ?? (await trainingsOf(server, signal));
    if (word === null) await this.#write({ known });
    else {
      // It may have been asked for, and the answer lost with whoever asked.
      const more = (await trainingsOf(server, signal)).filter((uuid) => !known.includes(uuid));
      if (more.length > 1) throw new Error('DEEPaaS has several trainings that may be this one.');
      const [found] = more;
      if (found !== undefined) return this.#write({ uuid: found });
    }
    return this.#write({ uuid: await begin(server, given, signal) });
  }

  async #write(word: Word): Promise<string> {
    this.#word = word;
    await writeWhole(this.#path, JSON.stringify(word));
    return 'uuid' in word ? word.uuid : '';
  }
}

function wordIn(text: string): Word | null {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) return null;
  const { uuid, known } = value;
  if (typeof uuid === 'string') return { uuid };
  if (!Array.isArray(known)) return null;
  return { known: (known as readonly unknown[]).map(String) };
}

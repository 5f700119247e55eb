import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Exit } from './platform.ts';

/** What a launcher has to know of itself after it was killed. Each file is whole or not there. */
export class StateFolder {
  readonly path: string;
  readonly #work: string;

  constructor(work: string) {
    this.#work = work;
    this.path = join(work, '.fathom');
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  /** The same for every start in this folder. `name` tells one launcher of a folder from another. */
  session(name: string): string {
    const known = this.#read(`${name}.json`) as { session: string } | null;
    if (known !== null) return known.session;
    const session = randomUUID();
    this.#write(`${name}.json`, { session });
    return session;
  }

  /** Where our log begins in the platform's. */
  logBase(otherwise: number): number {
    const known = this.#read('log-base.json') as { at: number } | null;
    if (known !== null) return known.at;
    this.#write('log-base.json', { at: otherwise });
    return otherwise;
  }

  /** How the program ended, when it did; it is not started again then. */
  get exit(): Exit | null {
    return this.#read('exit.json') as Exit | null;
  }

  setExit(exit: Exit): void {
    this.#write('exit.json', exit);
  }

  /** Everything is with the platform: whoever made the work folder may remove it. */
  setTold(): void {
    try {
      this.#write('told.json', { at: Date.now() });
    } catch {
      // On a disk that is full the folder stays.
    }
  }

  /**
   * Called before each start of the program, which begins with an empty `out/`: whatever one that was killed left there
   * may be half a file, and nobody can tell.
   */
  beginStart(): void {
    const out = join(this.#work, 'out');
    const isFirst = this.#read('started.json') === null;
    this.#write('started.json', { at: Date.now() });
    if (!isFirst && existsSync(out)) {
      const earlier = join(this.path, 'earlier');
      mkdirSync(earlier, { recursive: true });
      renameSync(out, join(earlier, String(readdirSync(earlier).length + 1)));
    }
    mkdirSync(out, { recursive: true });
  }

  #read(name: string): unknown {
    try {
      return JSON.parse(readFileSync(join(this.path, name), 'utf8')) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  #write(name: string, value: object): void {
    const draft = join(this.path, `${name}.draft`);
    const descriptor = openSync(draft, 'w', 0o600);
    try {
      writeSync(descriptor, JSON.stringify(value));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, join(this.path, name));
  }
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export type Command = 'fetch' | 'run' | 'return';

export interface Options {
  readonly command: Command;
  /** The program, for `run`; empty when a file says it. */
  readonly argv: readonly string[];
  /** Names a file in the work folder, which says the program and is deleted before it starts; null for `argv`. */
  readonly programFile: string | null;
  readonly url: string;
  readonly token: string;
  /** Absolute. */
  readonly work: string;
  readonly echo: boolean;
  readonly timeLimitMs: number;
  /** Between telling the program to stop and killing it. */
  readonly graceMs: number;
  /** For so long it is tried to reach the platform when nothing gets through. */
  readonly giveUpMs: number;
  /** A file that nobody has written to for so long is taken for complete while the program runs. */
  readonly settleMs: number;
  /** How often what is new is looked for and sent. */
  readonly sweepMs: number;
  /** `return` sends the rest when this file is there; absolute. */
  readonly stopFile: string;
  /** `fetch` and `return`: the program is ours too, so nobody else has to write to the work folder. */
  readonly isPrivate: boolean;
}

/** What a person or a backend has to mend in the call. */
export class UsageError extends Error {}

export const usage = `use: launcher fetch | run [options] -- PROGRAM ARGUMENT… | return [options]

  --work DIR           the work folder (FATHOM_WORK_FOLDER, or the current folder)
  --time-limit S       run: the program is told to stop after so many seconds
  --grace S            run: and killed after so many more (10)
  --give-up S          for so long it is tried to reach the platform (3600)
  --settle S           a file untouched for so long is complete while the program runs (run 3, return 15)
  --sweep S            how often is looked for what is new (1)
  --stop-file FILE     return: the end has come when it is there (out/.ended)
  --program FILE       run: a file among the data, instead of PROGRAM (see README.md)
  --private            fetch, return: the work folder is not opened to other users
  --no-echo            run: the program's lines are not printed here as well

FATHOM_DELIVERY_URL says where to, FATHOM_DELIVERY_TOKEN (or the file named by
FATHOM_DELIVERY_TOKEN_FILE) opens it. The program sees neither.`;

/** Throws UsageError. */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  const [command = '', ...rest] = args;
  if (command !== 'fetch' && command !== 'run' && command !== 'return') throw new UsageError(usage);
  const end = rest.indexOf('--');
  const own = end < 0 ? rest : rest.slice(0, end);
  const argv = end < 0 ? [] : rest.slice(end + 1);
  const values = parsed(own);
  const programFile = values.program ?? null;
  const isSaid = argv.length > 0 !== (programFile !== null);
  if (command === 'run' ? !isSaid : argv.length > 0 || programFile !== null) {
    throw new UsageError(usage);
  }
  const seconds = (name: keyof typeof values, otherwise: number): number => {
    const value = values[name];
    if (value === undefined) return otherwise * 1000;
    const number = Number(value);
    if (Number.isFinite(number) && number >= 0) return number * 1000;
    throw new UsageError(`--${name} is a number of seconds.`);
  };
  const work = resolve(values.work ?? env['FATHOM_WORK_FOLDER'] ?? '.');
  return {
    command,
    argv,
    programFile,
    url: address(env['FATHOM_DELIVERY_URL']),
    token: tokenIn(env),
    work,
    echo: values['no-echo'] !== true,
    timeLimitMs: seconds('time-limit', Infinity),
    graceMs: seconds('grace', 10),
    giveUpMs: seconds('give-up', 3600),
    settleMs: seconds('settle', command === 'return' ? 15 : 3),
    sweepMs: seconds('sweep', 1),
    isPrivate: values.private === true,
    stopFile: resolve(work, values['stop-file'] ?? 'out/.ended'),
  };
}

function parsed(args: readonly string[]) {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({
      args: [...args],
      options: {
        work: text,
        'time-limit': text,
        grace: text,
        'give-up': text,
        settle: text,
        sweep: text,
        'stop-file': text,
        program: text,
        'no-echo': { type: 'boolean' },
        private: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

function address(url: string | undefined): string {
  if (url !== undefined && /^https?:\/\//.test(url)) return url.replace(/\/+$/, '');
  throw new UsageError('FATHOM_DELIVERY_URL is not set to an http(s) address.');
}

function tokenIn(env: Readonly<Record<string, string | undefined>>): string {
  const file = env['FATHOM_DELIVERY_TOKEN_FILE'];
  const token = file === undefined ? env['FATHOM_DELIVERY_TOKEN'] : readFileSync(file, 'utf8');
  if (token === undefined || token.trim() === '') {
    throw new UsageError('FATHOM_DELIVERY_TOKEN is not set.');
  }
  return token.trim();
}

import type { Surroundings } from '../services/surroundings.ts';
import type { Config } from './config.ts';

const ranks = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;

/** One line of JSON on standard error for each entry, so that standard output stays for people. */
export function logger(level: Config['logLevel']): Surroundings['log'] {
  return (rank, message, details) => {
    if (ranks[rank] < ranks[level]) return;
    process.stderr.write(
      `${JSON.stringify({ at: new Date().toISOString(), level: rank, message, ...details })}\n`,
    );
  };
}

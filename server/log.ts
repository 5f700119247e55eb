import type { Surroundings } from '../services/surroundings.ts';
import type { Config } from './config.ts';

const ranks = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;

/** One line of JSON on standard error for each entry, so that standard output stays for people. No secret gets out here. */
export function logger(level: Config['logLevel']): Surroundings['log'] {
  return (rank, message, details) => {
    if (ranks[rank] < ranks[level]) return;
    const entry = { at: new Date().toISOString(), level: rank, message, ...details };
    process.stderr.write(`${redacted(entry)}\n`);
  };
}

const secretName =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|.*(?:token|password|passwd|secret|credentials?|api-?_?key))$/i;

/** JSON without what opens doors: values under telling names, passwords in URLs, bearer tokens and signed links in texts. */
export function redacted(entry: object): string {
  return JSON.stringify(entry, (name, value: unknown) => {
    if (secretName.test(name) && value !== null && value !== undefined) return '***';
    return typeof value === 'string' ? withoutSecrets(value) : value;
  });
}

function withoutSecrets(text: string): string {
  return text
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, '$1:***@')
    .replaceAll(/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, '$1 ***')
    .replaceAll(/([?&](?:token|key|signature|password)=)[^&\s"']+/gi, '$1***');
}

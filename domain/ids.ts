/**
 * Identifiers: `<prefix>_<26 characters of Crockford base 32>`, sortable by the time they were made.
 * The suffix is a ULID: 48 bits of milliseconds, 80 bits of randomness.
 */

export const idPrefixes = {
  Module: 'mod',
  ModuleVersion: 'mver',
  Dataset: 'ds',
  DatasetVersion: 'dsv',
  Split: 'spl',
  Upload: 'upl',
  TrainingRun: 'run',
  Attempt: 'att',
  Sweep: 'swp',
  Artifact: 'art',
  Deployment: 'dep',
  Revision: 'rev',
  Endpoint: 'end',
  Prediction: 'pred',
} as const;

export type Noun = keyof typeof idPrefixes;

/** A string that was checked to be an id of one noun; made only by `newId` and `parseId`. */
export type Id<N extends Noun = Noun> = string & { readonly __noun: N };

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const suffixPattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Makes an id. `random` returns numbers in [0, 1); `now` is epoch milliseconds. */
export function newId<N extends Noun>(noun: N, now: number, random: () => number): Id<N> {
  let time = '';
  let rest = now;
  for (let i = 0; i < 10; i++) {
    time = alphabet.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let suffix = '';
  for (let i = 0; i < 16; i++) suffix += alphabet.charAt(Math.floor(random() * 32));
  return `${idPrefixes[noun]}_${time}${suffix}` as Id<N>;
}

/** Returns the id when `text` is one of `noun`, otherwise null. Never throws. */
export function parseId<N extends Noun>(noun: N, text: string): Id<N> | null {
  const prefix = idPrefixes[noun];
  if (!text.startsWith(`${prefix}_`)) return null;
  return suffixPattern.test(text.slice(prefix.length + 1)) ? (text as Id<N>) : null;
}

const nounByPrefix = new Map<string, Noun>(
  Object.entries(idPrefixes).map(([noun, prefix]) => [prefix, noun as Noun]),
);

/** Tells which noun an id belongs to, or null when it is no id of ours. */
export function nounOf(text: string): Noun | null {
  const cut = text.lastIndexOf('_');
  if (cut < 1 || !suffixPattern.test(text.slice(cut + 1))) return null;
  return nounByPrefix.get(text.slice(0, cut)) ?? null;
}

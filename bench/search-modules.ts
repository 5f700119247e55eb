import { newId } from '../domain/ids.ts';
import type { Module } from '../domain/module.ts';
import { moduleAt } from './catalogue.ts';

/** Made the same each time: the module numbered `at` depends on nothing but `at`. */
export function searchedModule(at: number): Module {
  const random = randomFrom(at + 1);
  const some = (count: number, one: () => string): readonly string[] =>
    Array.from({ length: count }, one);
  const word = (): string => wordOf(random);
  const among = (kind: string, count: number): string => `${kind} ${Math.floor(random() * count)}`;
  const id = newId('Module', born + at, random);
  return {
    ...moduleAt(at, id, newId('ModuleVersion', born + at, random), born + at),
    title: some(3, word).join(' '),
    summary: some(8, word).join(' '),
    description: `${some(40, word).join(' ')}.`,
    tags: some(3, () => wordAt(Math.floor(random() * tags) * 7)),
    tasks: [among('task', 12)],
    libraries: [among('library', 6)],
    dataTypes: [among('data', 5)],
    licence: among('licence', 4),
  };
}

/**
 * Words of two or three that one module has, so that each finds something; the last one of every other query is cut, as
 * where a person still writes. What is asked for is neither very common
 * nor very rare, but in every twentieth.
 */
export function searches(modules: number, count: number): readonly string[] {
  const random = randomFrom(0xfa7);
  return Array.from({ length: count }, (_, at) => {
    const { title, description } = searchedModule(Math.floor(random() * modules));
    const words = `${title} ${description}`.match(/[a-z]+/g) ?? [];
    const asked = at % 20 === 19 ? words : words.filter((word) => middling.has(word));
    const chosen = Array.from(
      { length: 2 + (at % 2) },
      () => asked[Math.floor(random() * asked.length)] ?? 'none',
    );
    const last = chosen.pop() ?? '';
    return [...chosen, at % 4 < 2 ? last : last.slice(0, 4)].join(' ');
  });
}

/** How many modules each search has to find, by looking at every word of every module. */
export function countsOf(modules: number, asked: readonly string[]): readonly number[] {
  const counts = asked.map(() => 0);
  const queries = asked.map((search) => search.split(' '));
  for (let at = 0; at < modules; at += 1) {
    const module = searchedModule(at);
    queries.forEach((words, index) => {
      if (has(module, words)) counts[index] = (counts[index] ?? 0) + 1;
    });
  }
  return counts;
}

const wordsOf = new WeakMap<Module, ReadonlySet<string>>();

/** Whether the module has all of them, the last one by prefix. */
export function has(module: Module, words: readonly string[]): boolean {
  const own =
    wordsOf.get(module) ??
    new Set(
      textOf(module)
        .toLowerCase()
        .split(/[^a-z0-9]+/),
    );
  wordsOf.set(module, own);
  const last = words.at(-1) ?? '';
  return (
    words.slice(0, -1).every((word) => own.has(word)) &&
    [...own].some((word) => word.startsWith(last))
  );
}

export function textOf(module: Module): string {
  return [module.title, labelsOf(module), module.summary, module.description].join(' ');
}

export function labelsOf({ slug, tags: own, tasks, categories, ...rest }: Module): string {
  return [slug, ...own, ...tasks, ...categories, ...rest.libraries, ...rest.dataTypes].join(' ');
}

const born = Date.UTC(2026, 0, 1);
const tags = 60;
const vocabulary = 5_000;
const syllables = 'ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu'.split(' ');

/** Few words are common and most are rare, as in any language. */
function wordOf(random: () => number): string {
  return wordAt(Math.floor(vocabulary * random() ** 3));
}

function wordAt(rank: number): string {
  // Neighbours in rank share no beginning.
  const number = (rank * 1_213) % syllables.length ** 3;
  return [1, syllables.length, syllables.length ** 2]
    .map((unit) => syllables[Math.floor(number / unit) % syllables.length])
    .join('');
}

const middling: ReadonlySet<string> = new Set(
  Array.from({ length: 480 }, (_, at) => wordAt(at + 20)),
);

/** Numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

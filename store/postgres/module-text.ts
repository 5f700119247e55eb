import { sql } from 'kysely';
import type { ModuleWords } from '../relational/module-index.ts';
import type { ModuleText } from '../relational/module-search.ts';
import { postgresDialect } from './postgres-dialect.ts';

/** Longer ones are cut, in the index and in what is searched for; PostgreSQL takes 2,046 bytes at most. */
const longestWord = 128;
/** Of one module, by weight first, so that what is left out is the end of a very long description. */
const mostWords = 20_000;
/** Occurrences of a word that count, by weight. */
const mostOccurrences = 4;

const vectorColumns = [
  { name: 'number', type: 'integer' },
  { name: 'words', type: 'text' },
] as const;

/**
 * Full text by a GIN index. Words are cut here rather than by a configuration of PostgreSQL's, so that both engines find
 * the same: letters and digits of any script, without case and accents, no stemming, no stop words.
 */
export const postgresModuleText: ModuleText = {
  async write(session, modules) {
    const rows = modules.map(({ number, words }) => [number, vectorOf(words)]);
    await session.send(
      sql`insert into "moduleText" (number, words)
        select number, words::tsvector from ${postgresDialect.rows(vectorColumns, rows)} as r
        on conflict (number) do update set words = excluded.words`,
    );
  },

  match(words, isRanked) {
    const lexemes = words.flatMap(lexemesIn);
    // Words of marks alone are no words to the index either.
    if (lexemes.length === 0) return sql`select number, 0::float8 as rank from "moduleText"`;
    const query = (weight: string): string =>
      lexemes
        .map((word, at) => `'${word}':${at === lexemes.length - 1 ? '*' : ''}${weight}`)
        .map((part) => part.replace(/:$/, ''))
        .join(' & ');
    if (!isRanked) {
      return sql`select number from "moduleText" where words @@ ${query('')}::tsquery`;
    }
    // The best place that has all the words decides, how often they occur only among equals.
    return sql`select number,
        (case when words @@ ${query('A')}::tsquery then 3 when words @@ ${query('AB')}::tsquery then 2
          when words @@ ${query('ABC')}::tsquery then 1 else 0 end
          + ts_rank('{0.001, 0.01, 0.1, 1}', words, ${query('')}::tsquery) / 2)::float8 as rank
      from "moduleText" where words @@ ${query('')}::tsquery`;
  },
};

/** A vector as PostgreSQL reads it: each word with the places where it occurs and their weights. */
export function vectorOf(words: ModuleWords): string {
  const places = new Map<string, string[]>();
  let position = 0;
  for (const [text, weight] of [
    [words.title, 'A'],
    [words.tags, 'B'],
    [words.summary, 'C'],
    [words.description, 'D'],
  ] as const) {
    for (const word of lexemesIn(text)) {
      // Positions end at 16,383; only their number matters here.
      position = Math.min(position + 1, 16_383);
      const known = places.get(word);
      if (known === undefined) {
        if (places.size < mostWords) places.set(word, [`${position}${weight}`]);
      } else if (known.filter((place) => place.endsWith(weight)).length < mostOccurrences) {
        known.push(`${position}${weight}`);
      }
    }
  }
  return [...places].map(([word, at]) => `'${word}':${at.join(',')}`).join(' ');
}

/** No quote and no operator is left in them. */
function lexemesIn(text: string): readonly string[] {
  const found = text.match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];
  return found.map(fold).filter((word) => word !== '');
}

function fold(word: string): string {
  const plain = word.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return Array.from(plain.normalize('NFC')).slice(0, longestWord).join('');
}

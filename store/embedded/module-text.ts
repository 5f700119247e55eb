import { sql } from 'kysely';
import type { Migration } from '../relational/migrations.ts';
import type { ModuleText } from '../relational/module-search.ts';

/**
 * Full text by FTS5; the index keeps no copy of the words. The weights are far apart, so that one hit in the title is
 * more than any number in the description.
 */
export const sqliteModuleText: ModuleText = {
  async write(session, modules) {
    for (const { number, words } of modules) {
      await session.query(sql`delete from "moduleText" where rowid = ${number}`);
      await session.query(
        sql`insert into "moduleText" (rowid, title, tags, summary, description)
          values (${number}, ${words.title}, ${words.tags}, ${words.summary}, ${words.description})`,
      );
    }
  },

  match(words, isRanked) {
    // A quoted word is never an operator; words have no quotes in them.
    const phrases = words.map((word, at) => `"${word}"${at === words.length - 1 ? '*' : ''}`);
    const rank = isRanked ? sql`, -bm25("moduleText", 1000000, 10000, 100, 1) as rank` : sql``;
    return sql`select rowid as number ${rank} from "moduleText"
      where "moduleText" match ${phrases.join(' ')}`;
  },
};

export const moduleTextMigrations: readonly Migration[] = [
  {
    number: 1000,
    name: 'full text of modules, by number',
    statements: () => [
      sql`create virtual table "moduleText" using fts5(title, tags, summary, description, content='',
        contentless_delete=1, tokenize='unicode61 remove_diacritics 2', prefix='1 2 3 4')`,
    ],
  },
];

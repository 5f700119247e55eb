import { sql } from 'kysely';
import type { Migration } from '../relational/migrations.ts';
import type { ModuleText } from '../relational/module-search.ts';

/**
 * Full text by FTS5. The index keeps no copy of the words; rows are numbered apart, for the numbers of `modules` may
 * change. The weights are far apart, so that one hit in the title is more than any number in the description.
 */
export const sqliteModuleText: ModuleText = {
  async write(session, id, words) {
    const rows = await session.query(
      sql<{ row: number }>`insert into "moduleTextRows" (id) values (${id})
        on conflict (id) do update set id = excluded.id returning row`,
    );
    const row = rows[0]?.row ?? 0;
    await session.query(sql`delete from "moduleText" where rowid = ${row}`);
    await session.query(
      sql`insert into "moduleText" (rowid, title, tags, summary, description)
        values (${row}, ${words.title}, ${words.tags}, ${words.summary}, ${words.description})`,
    );
  },

  match(words) {
    // A quoted word is never an operator; words have no quotes in them.
    const phrases = words.map((word, at) => `"${word}"${at === words.length - 1 ? '*' : ''}`);
    return sql`select k.id, -bm25("moduleText", 1000000, 10000, 100, 1) as rank
      from "moduleText" join "moduleTextRows" as k on k.row = "moduleText".rowid
      where "moduleText" match ${phrases.join(' ')}`;
  },
};

export const moduleTextMigrations: readonly Migration[] = [
  {
    number: 1000,
    name: 'full text of modules',
    statements: () => [
      sql`create table "moduleTextRows" (row integer primary key, id text not null unique)`,
      sql`create virtual table "moduleText" using fts5(title, tags, summary, description, content='',
        contentless_delete=1, tokenize='unicode61 remove_diacritics 2', prefix='2 3 4')`,
    ],
  },
];

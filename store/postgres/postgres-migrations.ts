import { sql } from 'kysely';
import type { Migration } from '../relational/migrations.ts';

/** What this engine has besides the tables of all engines. */
export const postgresMigrations: readonly Migration[] = [
  {
    number: 1000,
    name: 'lane of writers, tokens of leases',
    statements: () => [
      // It has no rows: it is only locked.
      sql`create table writers (number bigint)`,
      sql`create sequence "workToken"`,
    ],
  },
  {
    number: 1001,
    name: 'segments of streams, as rows',
    statements: ({ text, integer }) => [
      sql`create table "streamSegments" (stream ${sql.raw(text)} not null,
        position ${sql.raw(integer)} not null, doc ${sql.raw(text)} not null,
        primary key (stream, position))`,
    ],
  },
  {
    number: 1002,
    name: 'full text of modules, by weighted words',
    statements: ({ integer }) => [
      sql`create table "moduleText" (number ${sql.raw(integer)} primary key, words tsvector not null)`,
      // Without a list of what is pending, which some search would have to put in order.
      sql`create index "moduleText_words" on "moduleText" using gin (words) with (fastupdate = off)`,
    ],
  },
];

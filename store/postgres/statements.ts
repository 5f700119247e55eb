import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
} from 'kysely';
import type { QueryConfig, QueryResult } from 'pg';
import { translatePostgres } from './postgres-errors.ts';

/** kysely compiles; pg runs. It never executes anything itself. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** Whatever runs a statement: a pool, or one connection of it. */
export interface Runner {
  query(config: QueryConfig): Promise<QueryResult>;
}

/** Statements that each connection keeps prepared; each costs the server some kilobytes. Further ones are planned each time. */
const preparedLimit = 400;
const names = new Map<string, string>();

/** Runs a built statement and gives its rows. Rejects with FathomError where the error table has a code. */
export async function runStatement<Row>(
  runner: Runner,
  statement: RawBuilder<Row>,
): Promise<readonly Row[]> {
  const { sql: text, parameters } = statement.compile(compiler);
  const name = nameOf(text);
  try {
    const { rows } = await runner.query({
      text,
      values: parameters.map(storable),
      ...(name === null ? {} : { name }),
    });
    return rows as readonly Row[];
  } catch (error) {
    throw translatePostgres(error);
  }
}

function nameOf(text: string): string | null {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= preparedLimit) return null;
  const name = `fathom_${names.size + 1}`;
  names.set(text, name);
  return name;
}

/** PostgreSQL's text holds every character but this one. Documents are JSON, where it is spelled out. */
function storable(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0')
    ? value.replaceAll('\0', '\u2400')
    : value;
}

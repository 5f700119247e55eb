import { sql } from 'kysely';
import { FathomError } from '../../domain/errors.ts';
import type { Change, Entities, Stored, TableName, WritableTable } from '../contract/table.ts';
import { columnsOf, columnValue, typeOf, uniqueSetsOf } from './columns.ts';
import { where } from './conditions.ts';
import type { Dialect, WriteSession } from './session.ts';
import { RelationalTable } from './table.ts';

/** The writing side of one entity's table; `written` keeps what is derived from entities in the same transaction. */
export class RelationalWritableTable<T extends TableName>
  extends RelationalTable<T>
  implements WritableTable<T>
{
  readonly #written: (entities: readonly Entities[T][]) => Promise<void>;

  constructor(
    name: T,
    session: WriteSession,
    dialect: Dialect,
    written: (entities: readonly Entities[T][]) => Promise<void>,
  ) {
    super(name, session, dialect);
    this.#written = written;
  }

  async insert(entity: Entities[T]): Promise<void> {
    const columns = columnsOf(this.name);
    // `do nothing` rather than an error: PostgreSQL would abort the whole transaction, and a caller may go on.
    const rows = await this.session.query(
      sql<{ id: string }>`insert into ${sql.table(this.name)}
        (${sql.join(columns.map((column) => sql.ref(column)))}, version, doc)
        values (${sql.join(columns.map((column) => columnValue(entity, column)))},
          ${version(entity)}, ${JSON.stringify(entity)})
        on conflict do nothing returning id`,
    );
    if (rows.length === 0) throw await this.#taken(entity);
    await this.#written([entity]);
  }

  async insertMany(entities: readonly Entities[T][]): Promise<void> {
    if (entities.length === 0) return;
    const names = columnsOf(this.name);
    const columns = [
      ...names.map((name) => ({ name, type: typeOf(name) })),
      { name: 'version', type: 'integer' as const },
      { name: 'doc', type: 'text' as const },
    ];
    const values = entities.map((entity) => [
      ...names.map((name) => columnValue(entity, name)),
      version(entity),
      JSON.stringify(entity),
    ]);
    const refs = sql.join(columns.map(({ name }) => sql.ref(name)));
    const rows = await this.session.query(
      sql<{ id: string }>`insert into ${sql.table(this.name)} (${refs})
        select ${refs} from ${this.dialect.rows(columns, values)} as r where true
        on conflict do nothing returning id`,
    );
    const written = new Set(rows.map(({ id }) => id));
    const refused = entities.find((entity) => !written.has((entity as Stored).id));
    if (refused !== undefined || rows.length < entities.length) {
      throw refused === undefined ? alreadyExists(['id']) : await this.#taken(refused);
    }
    await this.#written(entities);
  }

  async update(entity: Entities[T]): Promise<void> {
    await this.#updateOne(this.#changing, entity);
    await this.#written([entity]);
  }

  async updateMany(changes: readonly Change<Entities[T]>[]): Promise<void> {
    if (changes.length === 0) return;
    if (changes.some(({ before, entity }) => !isNext(before, entity))) {
      throw new TypeError('A change is from one version of an entity to its next.');
    }
    // The version says that the row is as it was read, so what is the same need not be written, nor its indexes.
    const groups = Map.groupBy(changes, ({ before, entity }) =>
      this.#changing
        .filter((name) => columnValue(before, name) !== columnValue(entity, name))
        .join(separator),
    );
    for (const [columns, group] of groups) {
      const names = columns === '' ? [] : columns.split(separator);
      const entities = group.map(({ entity }) => entity);
      if (this.dialect.isFar) await this.#updateTogether(names, entities);
      else for (const entity of entities) await this.#updateOne(names, entity);
    }
    await this.#written(changes.map(({ entity }) => entity));
  }

  get #changing(): readonly string[] {
    return columnsOf(this.name).filter((column) => column !== 'id');
  }

  async #updateOne(names: readonly string[], entity: Entities[T]): Promise<void> {
    const set = [
      ...names.map((name) => sql`${sql.ref(name)} = ${columnValue(entity, name)}`),
      sql`version = ${version(entity)}, doc = ${JSON.stringify(entity)}`,
    ];
    const rows = await this.session.query(
      sql<{ id: string }>`update ${sql.table(this.name)} set ${sql.join(set)}
        where id = ${(entity as Stored).id} and version = ${version(entity) - 1} returning id`,
    );
    if (rows.length === 0) throw overtaken(entity);
  }

  async #updateTogether(names: readonly string[], entities: readonly Entities[T][]): Promise<void> {
    const columns = [
      { name: 'id', type: 'text' as const },
      ...names.map((name) => ({ name, type: typeOf(name) })),
      { name: 'version', type: 'integer' as const },
      { name: 'doc', type: 'text' as const },
    ];
    const values = entities.map((entity) => [
      (entity as Stored).id,
      ...names.map((name) => columnValue(entity, name)),
      version(entity),
      JSON.stringify(entity),
    ]);
    const set = columns.slice(1).map(({ name }) => sql`${sql.ref(name)} = ${sql.ref(`r.${name}`)}`);
    const [id, stored] = [sql.ref(`${this.name}.id`), sql.ref(`${this.name}.version`)];
    const rows = await this.session.query(
      sql<{ id: string }>`update ${sql.table(this.name)} set ${sql.join(set)}
        from ${this.dialect.rows(columns, values)} as r
        where ${id} = r.id and ${stored} = r.version - 1 returning ${id}`,
    );
    const written = new Set(rows.map((row) => row.id));
    const refused = entities.find((entity) => !written.has((entity as Stored).id));
    if (refused !== undefined) throw overtaken(refused);
  }

  async #taken(entity: Entities[T]): Promise<FathomError> {
    for (const columns of uniqueSetsOf(this.name)) {
      const conditions = columns.map(
        (column) => sql`${sql.ref(column)} = ${columnValue(entity, column)}`,
      );
      const rows = await this.session.query(
        sql`select id from ${sql.table(this.name)} ${where(conditions)}`,
      );
      if (rows.length > 0) return alreadyExists(columns);
    }
    return alreadyExists(['id']);
  }
}

/** Between names of columns. */
const separator = ',';

function isNext(before: Stored, entity: Stored): boolean {
  return before.id === entity.id && before.version === entity.version - 1;
}

function overtaken(entity: Stored): FathomError {
  return new FathomError(
    'VERSION_CONFLICT',
    `${entity.id} is not at version ${entity.version - 1} any more.`,
  );
}

function alreadyExists(columns: readonly string[]): FathomError {
  return new FathomError('ALREADY_EXISTS', `The ${columns.join(' and ')} is taken.`, {
    details: { columns },
  });
}

function version(entity: Stored): number {
  return entity.version;
}

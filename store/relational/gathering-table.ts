import type { Entities, TableName } from '../contract/table.ts';
import { RelationalTable } from './table.ts';

interface Asked<Entity> {
  readonly ids: Set<string>;
  readonly found: Promise<ReadonlyMap<string, Entity>>;
}

/**
 * For an engine behind a network: what is asked for by id in one turn of the event loop is one statement, whoever asks. Each
 * caller sees what was committed when it asked, or later.
 */
export class GatheringTable<T extends TableName> extends RelationalTable<T> {
  #asked: Asked<Entities[T]> | null = null;

  override async get(id: string): Promise<Entities[T] | null> {
    const [entity = null] = await this.getMany([id]);
    return entity;
  }

  override async getMany(ids: readonly string[]): Promise<readonly (Entities[T] | null)[]> {
    if (ids.length === 0) return [];
    this.#asked ??= this.#open();
    const { ids: all, found } = this.#asked;
    for (const id of ids) all.add(id);
    const byId = await found;
    return ids.map((id) => byId.get(id) ?? null);
  }

  #open(): Asked<Entities[T]> {
    const ids = new Set<string>();
    // Behind everything that can go on now, for it may ask too.
    const isTime = new Promise<void>((resolve) => process.nextTick(resolve));
    const found = isTime.then(async () => {
      this.#asked = null;
      const asked = [...ids];
      const [only = ''] = asked;
      const entities = asked.length === 1 ? [await super.get(only)] : await super.getMany(asked);
      return new Map(
        asked.flatMap((id, at) => {
          const entity = entities[at] ?? null;
          return entity === null ? [] : [[id, entity] as const];
        }),
      );
    });
    return { ids, found };
  }
}

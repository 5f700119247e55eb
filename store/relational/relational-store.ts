import type { Ambient } from '../../domain/ambient.ts';
import type { Reads, Store, Tables, Transaction, WritableTables } from '../contract/store.ts';
import { tableNames } from './columns.ts';
import { EventLogReader, EventLogWriter } from './event-log.ts';
import { GatheringTable } from './gathering-table.ts';
import { nextNumber, nextNumbers, RelationalIdempotency } from './idempotency.ts';
import { indexModules } from './module-index.ts';
import { RelationalModuleSearch, type ModuleText } from './module-search.ts';
import type { Engine, WriteSession } from './session.ts';
import { RelationalStreamReader, RelationalStreamWriter, type Segments } from './streams.ts';
import { RelationalTable } from './table.ts';
import type { Wake } from './wake.ts';
import { assertLease, type Claims, enqueue, heldOf, RelationalWorkQueue } from './work-queue.ts';
import { RelationalWritableTable } from './writable-table.ts';

export interface RelationalParts {
  readonly engine: Engine;
  readonly text: ModuleText;
  readonly segments: Segments;
  readonly claims: Claims;
  readonly wake: Wake;
  readonly ambient: Ambient;
  /** Whether a statement has to travel: then reads of one turn of the event loop share it. Default: false. */
  readonly isFar?: boolean;
}

/** A store over any engine whose database was migrated. */
export function relationalStore(parts: RelationalParts): Store {
  const { engine, wake } = parts;
  const now = (): number => parts.ambient.now();
  return {
    ...readsOf(parts),
    work: new RelationalWorkQueue(engine, parts.claims, wake, now),
    moduleSearch: new RelationalModuleSearch(engine.reads, engine.dialect, parts.text),
    transaction: (work, hints) =>
      engine.transaction((session) => work(transactionOf(parts, session)), hints),
    health: async () => ({ ...(await engine.health()), engine: engine.name }),
    async close() {
      const closed = engine.close();
      wake.close();
      await closed;
    },
  };
}

function readsOf({ engine, segments, wake, isFar }: RelationalParts): Reads {
  const Reading = isFar === true ? GatheringTable : RelationalTable;
  const tables = tableNames.map((name) => [name, new Reading(name, engine.reads, engine.dialect)]);
  return {
    ...(Object.fromEntries(tables) as Tables),
    events: new EventLogReader(engine.reads, wake),
    streams: new RelationalStreamReader(engine.reads, segments, wake),
  };
}

function transactionOf(parts: RelationalParts, session: WriteSession): Transaction {
  const { engine, text, segments, wake, ambient } = parts;
  const asking = { dialect: engine.dialect, wake };
  const nothing = (): Promise<void> => Promise.resolve();
  const tables = tableNames.map((name) => [
    name,
    new RelationalWritableTable(name, session, engine.dialect, nothing),
  ]);
  const modules = new RelationalWritableTable('modules', session, engine.dialect, async (written) =>
    text.write(session, await indexModules(session, engine.dialect, written)),
  );
  return {
    ...(Object.fromEntries(tables) as WritableTables),
    modules,
    events: new EventLogWriter(session, engine.dialect, wake),
    streams: new RelationalStreamWriter(session, engine.dialect, segments, wake),
    idempotency: new RelationalIdempotency(session, engine.dialect, () => ambient.now()),
    enqueue: (kind, key, dueAt) => enqueue(session, asking, kind, [key], dueAt),
    enqueueMany: (kind, keys, dueAt) => enqueue(session, asking, kind, keys, dueAt),
    assertLease: (lease) => assertLease(session, engine.dialect, lease),
    heldOf: (leases) => heldOf(session, engine.dialect, leases),
    nextNumber: (counter) => nextNumber(session, `named.${counter}`),
    nextNumbers: (counter, count) => nextNumbers(session, `named.${counter}`, count),
  };
}

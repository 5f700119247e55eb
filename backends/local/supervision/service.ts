import { readControlFile, replaceFile } from '../../work-folder/control-file.ts';
import { ProcessTree } from '../control/process-tree.ts';
import type { ServiceGrant, ServiceStateRecord, ServiceWish } from '../control/record.ts';
import { controlFiles } from '../control/record.ts';
import { LogWriter } from './log-writer.ts';
import { Replica } from './replica.ts';
import type { Supervision } from './surroundings.ts';
import { inFolder, ring, stillOurs } from './surroundings.ts';

/** A pool of servers until the service is released. Resolves when none is left. */
export async function superviseService(supervision: Supervision): Promise<void> {
  const { record } = supervision;
  await killLeftovers(supervision);
  const log = new LogWriter(inFolder(supervision, controlFiles.log), {
    limitBytes: record.policy.logLimitBytes,
    keep: 'LAST',
  });
  await new Promise<void>((resolve) => {
    const pool = new Pool(supervision, log, resolve);
    supervision.onTick(() => pool.look());
    pool.look();
  });
  log.close();
}

/** Our predecessor may have been killed; its servers must not go on beside ours. */
async function killLeftovers(supervision: Supervision): Promise<void> {
  const before = readControlFile(inFolder(supervision, controlFiles.state));
  const replicas = (before as ServiceStateRecord | null | undefined)?.replicas ?? [];
  for (const replica of replicas) {
    if (replica.process !== null) {
      await new ProcessTree(replica.process, `${supervision.record.mark}/${replica.id}`).kill();
    }
  }
  await new ProcessTree(null, supervision.record.mark).kill();
}

class Pool {
  readonly #supervision: Supervision;
  readonly #log: LogWriter;
  readonly #done: () => void;
  readonly #replicas = new Map<number, Replica>();
  /** Restarts of places that are no more. */
  #pastRestarts = 0;
  #evicted = new Set<string>();
  #released = false;
  #written = '';

  constructor(supervision: Supervision, log: LogWriter, done: () => void) {
    this.#supervision = supervision;
    this.#log = log;
    this.#done = done;
  }

  look(): void {
    const wish = this.#read<ServiceWish>(controlFiles.wanted);
    const grant = this.#read<ServiceGrant>(controlFiles.grant);
    const released = wish?.released === true || !stillOurs(this.#supervision);
    const slots = released ? [] : (grant?.slots ?? []);
    for (const replica of this.#replicas.values()) {
      if (!slots.some(({ slot }) => slot === replica.slot)) replica.stop();
    }
    for (const place of slots) {
      if (this.#replicas.has(place.slot)) continue;
      this.#replicas.set(
        place.slot,
        new Replica(this.#supervision, place, this.#log, () => this.#write()),
      );
    }
    this.#evict(wish?.evicted ?? []);
    for (const replica of this.#replicas.values()) replica.tick();
    this.#released = released;
    this.#write();
  }

  #evict(ids: readonly string[]): void {
    for (const replica of this.#replicas.values()) {
      if (!ids.includes(replica.id) || this.#evicted.has(replica.id)) continue;
      this.#evicted.add(replica.id);
      replica.evict();
    }
    this.#evicted = new Set(ids.filter((id) => this.#evicted.has(id)));
  }

  #write(): void {
    for (const [slot, replica] of this.#replicas) {
      if (!replica.isStopped) continue;
      this.#pastRestarts += replica.restarts;
      this.#replicas.delete(slot);
    }
    const replicas = [...this.#replicas.values()];
    const state: ServiceStateRecord = {
      supervisor: this.#supervision.self,
      replicas: replicas.map((replica) => replica.record()),
      restarts: replicas.reduce((sum, { restarts }) => sum + restarts, this.#pastRestarts),
      failure: replicas.find(({ troubled }) => troubled)?.failure ?? null,
    };
    if (this.#released && replicas.length === 0) this.#done();
    const text = JSON.stringify(state);
    if (text === this.#written) return;
    try {
      replaceFile(inFolder(this.#supervision, controlFiles.state), state);
      this.#written = text;
      ring(this.#supervision.record);
    } catch {
      // The folder is gone or the disk is full: the next tick tries again.
    }
  }

  #read<T>(name: string): T | null {
    return (readControlFile(inFolder(this.#supervision, name)) as T | null | undefined) ?? null;
  }
}

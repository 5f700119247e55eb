import { type Actor, maySee, type Ownership } from '../domain/actor.ts';
import { type Noun, nounOf } from '../domain/ids.ts';
import type { Reads } from '../store/contract/store.ts';
import type { TableName } from '../store/contract/table.ts';
import type { Surroundings } from './surroundings.ts';

/** An object that is there and may be seen; its fields are asked of the subgraph that owns it. */
export interface NodeStub {
  readonly id: string;
  readonly noun: Noun;
}

/** Finds any object by its id alone. */
export class Nodes {
  readonly #store: Reads;

  constructor(at: Pick<Surroundings, 'store'>) {
    this.#store = at.store;
  }

  /**
   * In the order of `ids`; null where there is none, the actor may not see it, or the text is no id of ours. One read for
   * each noun, and one for each of the nouns that it belongs to.
   */
  async getMany(actor: Actor, ids: readonly string[]): Promise<readonly (NodeStub | null)[]> {
    const stubs = ids.map((id) => {
      const noun = nounOf(id);
      return noun && { id, noun };
    });
    const nouns = [...new Set(stubs.flatMap((stub) => stub?.noun ?? []))];
    const seen = await Promise.all(
      nouns.map((noun) => {
        const own = stubs.flatMap((stub) => (stub?.noun === noun ? stub.id : []));
        return this.#visible(actor, noun, own);
      }),
    );
    const all = new Set(seen.flatMap((visible) => [...visible]));
    return stubs.map((stub) => (stub !== null && all.has(stub.id) ? stub : null));
  }

  /** Those of `ids` that the actor may see: by their own ownership, or by that of what they belong to. */
  async #visible(actor: Actor, noun: Noun, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { table, parent } = homes[noun];
    const distinct = [...new Set(ids)];
    const rows: readonly (object | null)[] = await this.#store[table].getMany(distinct);
    const found = rows.flatMap((row, index) => {
      const id = distinct[index];
      return row === null || id === undefined ? [] : [{ id, row }];
    });
    if (parent === null) {
      const own = found.filter(({ row }) => maySee(actor, ownershipOf(row)));
      return new Set(own.map(({ id }) => id));
    }
    const parentOf = (row: object) => String(Reflect.get(row, parent.key));
    const parents = await this.#visible(
      actor,
      parent.noun,
      found.map(({ row }) => parentOf(row)),
    );
    return new Set(found.filter(({ row }) => parents.has(parentOf(row))).map(({ id }) => id));
  }
}

interface Home {
  readonly table: TableName;
  /** What decides who may see it; null when it says so itself. */
  readonly parent: { readonly noun: Noun; readonly key: string } | null;
}

const homes: { readonly [N in Noun]: Home } = {
  Module: { table: 'modules', parent: null },
  ModuleVersion: { table: 'moduleVersions', parent: { noun: 'Module', key: 'moduleId' } },
  Dataset: { table: 'datasets', parent: null },
  DatasetVersion: { table: 'datasetVersions', parent: { noun: 'Dataset', key: 'datasetId' } },
  Split: { table: 'splits', parent: { noun: 'DatasetVersion', key: 'datasetVersionId' } },
  Upload: { table: 'uploads', parent: null },
  TrainingRun: { table: 'trainingRuns', parent: null },
  Attempt: { table: 'attempts', parent: { noun: 'TrainingRun', key: 'runId' } },
  Artifact: { table: 'artifacts', parent: null },
  Sweep: { table: 'sweeps', parent: null },
  Deployment: { table: 'deployments', parent: null },
  Revision: { table: 'revisions', parent: { noun: 'Deployment', key: 'deploymentId' } },
  Endpoint: { table: 'endpoints', parent: { noun: 'Deployment', key: 'deploymentId' } },
  Prediction: { table: 'predictions', parent: null },
};

/** What has an owner and no visibility (an upload, a prediction) is its owner's alone. */
function ownershipOf(row: object): Ownership {
  const isPublic = Reflect.get(row, 'visibility') === 'PUBLIC';
  return { owner: String(Reflect.get(row, 'owner')), visibility: isPublic ? 'PUBLIC' : 'PRIVATE' };
}

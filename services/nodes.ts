import { type Actor, maySee, type Ownership } from '../domain/actor.ts';
import { FathomError } from '../domain/errors.ts';
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
   * In the order of `ids`; null where there is none or the actor may not see it. BAD_ID, at its place below `path`, when
   * one is no id of ours. One read for each noun and one for each of its owners' tables.
   */
  async getMany(
    actor: Actor,
    ids: readonly string[],
    path: readonly string[] = ['ids'],
  ): Promise<readonly (NodeStub | null)[]> {
    const stubs = ids.map((id, index) => {
      const noun = nounOf(id);
      if (noun !== null) return { id, noun };
      throw new FathomError('BAD_ID', `${JSON.stringify(id.slice(0, 80))} is not an id.`, {
        path: path.length === 1 && path[0] === 'id' ? path : [...path, String(index)],
      });
    });
    const nouns = [...new Set(stubs.map((stub) => stub.noun))];
    const seen = await Promise.all(
      nouns.map((noun) => {
        const own = stubs.filter((stub) => stub.noun === noun).map((stub) => stub.id);
        return this.#visible(actor, noun, own);
      }),
    );
    const all = new Set(seen.flatMap((visible) => [...visible]));
    return stubs.map((stub) => (all.has(stub.id) ? stub : null));
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

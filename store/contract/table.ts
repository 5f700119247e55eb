import type { Actor } from '../../domain/actor.ts';
import type { Dataset, DatasetVersion, Split, Upload } from '../../domain/dataset.ts';
import type { Deployment, Endpoint, Prediction, Revision } from '../../domain/deployment.ts';
import type { Module, ModuleVersion } from '../../domain/module.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { Sweep } from '../../domain/sweep.ts';
import type { Artifact, Attempt, TrainingRun } from '../../domain/training-run.ts';

/** What every stored entity has. `version` starts at 1 and grows by 1 with each update. */
export interface Stored {
  readonly id: string;
  readonly version: number;
  readonly createdAt: number;
}

/** The entity of each table. */
export interface Entities {
  modules: Module;
  moduleVersions: ModuleVersion;
  datasets: Dataset;
  datasetVersions: DatasetVersion;
  splits: Split;
  uploads: Upload;
  trainingRuns: TrainingRun;
  attempts: Attempt;
  artifacts: Artifact;
  sweeps: Sweep;
  deployments: Deployment;
  revisions: Revision;
  endpoints: Endpoint;
  predictions: Prediction;
}

/**
 * The fields of each entity that can be filtered and sorted by: real, indexed columns in every engine. `id` and
 * `createdAt` are columns everywhere. `unique` lists the sets of columns that no two rows share.
 */
export const tableColumns = {
  modules: { columns: ['slug', 'owner', 'visibility', 'title', 'updatedAt'], unique: [['slug']] },
  moduleVersions: { columns: ['moduleId', 'name', 'digest'], unique: [['moduleId', 'digest']] },
  datasets: {
    columns: ['owner', 'visibility', 'name', 'format', 'updatedAt'],
    unique: [['owner', 'name']],
  },
  datasetVersions: {
    columns: ['datasetId', 'number', 'digest'],
    unique: [['datasetId', 'number']],
  },
  splits: {
    columns: ['datasetVersionId', 'rule', 'seed', 'testFraction'],
    unique: [['datasetVersionId', 'rule', 'seed', 'testFraction']],
  },
  uploads: { columns: ['owner', 'datasetId', 'state', 'expiresAt'], unique: [] },
  trainingRuns: {
    columns: [
      'owner',
      'visibility',
      'number',
      'state',
      'moduleVersionId',
      'datasetVersionId',
      'backend',
      'updatedAt',
      'sweepId',
      'sweepNumber',
    ],
    // A run of no sweep has neither, and shares that with all others.
    unique: [['number'], ['sweepId', 'sweepNumber']],
  },
  attempts: { columns: ['runId', 'number', 'state', 'backend'], unique: [['runId', 'number']] },
  artifacts: {
    columns: ['owner', 'visibility', 'runId', 'kind', 'name', 'digest'],
    unique: [['runId', 'name']],
  },
  sweeps: {
    columns: [
      'owner',
      'visibility',
      'number',
      'state',
      'moduleVersionId',
      'datasetVersionId',
      'updatedAt',
    ],
    unique: [['number']],
  },
  deployments: {
    columns: [
      'owner',
      'visibility',
      'name',
      'state',
      'backend',
      'moduleVersionId',
      'artifactId',
      'updatedAt',
    ],
    unique: [],
  },
  revisions: {
    columns: ['deploymentId', 'number', 'moduleVersionId', 'artifactId'],
    unique: [['deploymentId', 'number']],
  },
  endpoints: {
    columns: ['deploymentId', 'revisionId', 'state', 'backend'],
    unique: [['revisionId']],
  },
  predictions: { columns: ['owner', 'deploymentId', 'revisionId', 'outcome'], unique: [] },
} as const satisfies {
  [T in keyof Entities]: {
    readonly columns: readonly (keyof Entities[T] & string)[];
    readonly unique: readonly (readonly (keyof Entities[T] & string)[])[];
  };
};

export type TableName = keyof Entities;
export type Column<T extends TableName> =
  (typeof tableColumns)[T]['columns'][number] | 'id' | 'createdAt';

export type Scalar = string | number | boolean | null;
export type Condition =
  | Scalar
  | { readonly in: readonly Scalar[] }
  | { readonly notIn: readonly Scalar[] }
  | { readonly atLeast: number | string }
  | { readonly below: number | string }
  /** Text that has these characters somewhere; ASCII letters are compared without case. */
  | { readonly contains: string };

/** All conditions hold. `visibleTo` keeps the rows that the actor may see (tables with owner and visibility). */
export interface Query<T extends TableName> {
  readonly where?: { readonly [C in Column<T>]?: Condition };
  readonly visibleTo?: Actor;
  /** Ties are broken by id in the same direction, so the order is total. Default: createdAt, DESC. */
  readonly orderBy?: { readonly column: Column<T>; readonly direction: 'ASC' | 'DESC' };
}

export interface Table<T extends TableName> {
  get(id: string): Promise<Entities[T] | null>;
  /** In the order of `ids`; null where there is none. One statement. */
  getMany(ids: readonly string[]): Promise<readonly (Entities[T] | null)[]>;
  /** The first match in the query's order, or null. */
  find(query: Query<T>): Promise<Entities[T] | null>;
  /** At most `limit`, in the query's order. For the platform's own use; people get pages. */
  list(query: Query<T>, limit: number): Promise<readonly Entities[T][]>;
  /** Keyset page: its cost does not grow with its depth, and it is stable while rows are inserted. BAD_REQUEST on a bad cursor. */
  page(query: Query<T>, page: PageRequest): Promise<Page<Entities[T]>>;
  count(query: Query<T>): Promise<number>;
  /** One page for each parent in one statement: `column` equals each of `parents`. */
  pageEach(
    column: Column<T>,
    parents: readonly string[],
    query: Query<T>,
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Entities[T]>>>;
  countEach(
    column: Column<T>,
    parents: readonly string[],
    query: Query<T>,
  ): Promise<ReadonlyMap<string, number>>;
  /** As `countEach`, by the values of `by` that occur: a null counts as ''. */
  countEachBy(
    column: Column<T>,
    parents: readonly string[],
    by: Column<T>,
    query: Query<T>,
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>>;
}

export interface Change<Entity> {
  readonly before: Entity;
  readonly entity: Entity;
}

export interface WritableTable<T extends TableName> extends Table<T> {
  /** ALREADY_EXISTS when a unique set of columns is taken. */
  insert(entity: Entities[T]): Promise<void>;
  /** As `insert` for each of several, in one statement: after ALREADY_EXISTS it is open which of them are there. */
  insertMany(entities: readonly Entities[T][]): Promise<void>;
  /**
   * Replaces the row whose stored version is `entity.version - 1`; VERSION_CONFLICT otherwise. So a writer reads,
   * makes a new entity with `version + 1`, and updates.
   */
  update(entity: Entities[T]): Promise<void>;
  /**
   * As `update` for each of several, in few statements: after VERSION_CONFLICT it is open which of them are written. What
   * is the same in `before`, as it was read, is not written again.
   */
  updateMany(changes: readonly Change<Entities[T]>[]): Promise<void>;
}

import { type Actor, systemActor } from '../../domain/actor.ts';
import type { DataFile, DataFormat, Dataset, DatasetVersion, Split } from '../../domain/dataset.ts';
import { FathomError, InvalidInputError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { once } from '../once.ts';
import type { Surroundings } from '../surroundings.ts';
import { changeable, expectVersion, idOf, notFound, visible } from '../visible.ts';
import { DatasetReads } from './dataset-reads.ts';
import { checkDescription, type DatasetDescription, nameTaken } from './describe.ts';
import { filePath } from './file-path.ts';
import { compareText } from './formats/examples.ts';
import {
  assertDivisible,
  keyOf,
  type PreparedSplit,
  prepareSplit,
  recordSplit,
  splitFindings,
  type SplitWish,
} from './splits.ts';
import { Uploads } from './uploads.ts';
import { resolveFiles, type VersionFile } from './version-files.ts';
import { examplesOf, prepareVersion, recordVersion } from './versions.ts';

export interface CreateDataset extends DatasetDescription {
  readonly idempotencyKey: string | null;
}

/** What is left out stays. */
export interface UpdateDataset extends Partial<Omit<DatasetDescription, 'name'>> {
  readonly id: string;
  readonly expectedVersion: number | null;
}

export interface CreateDatasetVersion {
  readonly datasetId: string;
  readonly format: DataFormat;
  readonly target: string | null;
  /** Null: the newest complete upload of each path. */
  readonly files: readonly VersionFile[] | null;
  /** Null: stratified where there are labels, else random; seed 0, a fifth for the test. */
  readonly split: SplitWish | null;
  readonly idempotencyKey: string | null;
}

export interface CreateSplit extends SplitWish {
  readonly datasetVersionId: string;
  readonly idempotencyKey: string | null;
}

/** A data set that the platform brings along. */
export interface SeedDataset extends Omit<DatasetDescription, 'visibility'> {
  readonly format: DataFormat;
  readonly target: string | null;
  /** Called only when the data set is not there yet. */
  readonly files: () => Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]>;
}

/** Data sets: what they are, the files on their way in, versions that never change, splits. */
export class Datasets extends DatasetReads {
  readonly uploads: Uploads;
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    super(at);
    this.#at = at;
    this.uploads = new Uploads(at);
  }

  async create(actor: Actor, request: CreateDataset): Promise<Dataset> {
    const { idempotencyKey, ...description } = request;
    checkDescription(description);
    const key = { actor, operation: 'createDataset', idempotencyKey, input: { ...description } };
    return this.#at.store
      .transaction(async (tx) => {
        const id = await once(tx, key, async () => {
          const dataset = this.#newDataset(actor, description);
          await tx.datasets.insert(dataset);
          return dataset.id;
        });
        return visible(actor, await tx.datasets.get(id), 'Dataset', id);
      })
      .catch(nameTaken(description.name));
  }

  async update(actor: Actor, request: UpdateDataset): Promise<Dataset> {
    const { id: text, expectedVersion, ...changes } = request;
    checkDescription(changes);
    const id = idOf('Dataset', text);
    return this.#at.store.transaction(async (tx) => {
      const dataset = changeable(actor, await tx.datasets.get(id), 'Dataset', id);
      expectVersion(dataset, expectedVersion);
      const updated: Dataset = {
        ...dataset,
        ...changes,
        version: dataset.version + 1,
        updatedAt: this.#at.ambient.now(),
      };
      await tx.datasets.update(updated);
      return updated;
    });
  }

  /** Reads and validates the files before anything is recorded; rejects with every finding about the input at once. */
  async createVersion(actor: Actor, request: CreateDatasetVersion): Promise<DatasetVersion> {
    const datasetId = idOf('Dataset', request.datasetId, ['datasetId']);
    const dataset = await this.#at.store.datasets.get(datasetId);
    changeable(actor, dataset, 'Dataset', datasetId, ['datasetId']);
    if (request.split !== null) {
      const findings = splitFindings(request.split, ['split']);
      if (findings.length > 0) throw new InvalidInputError(findings);
    }
    const { idempotencyKey, ...input } = request;
    const { format, target, split } = request;
    const files = await resolveFiles(this.#at, datasetId, request.files, async (versionId) => {
      const [version = null] = await this.versionsById(actor, [versionId]);
      return version?.files ?? null;
    });
    const prepared = await prepareVersion(this.#at, { format, target, files, split });
    const key = {
      actor,
      operation: 'createDatasetVersion',
      idempotencyKey,
      input: input as unknown as Json,
    };
    return this.#at.store.transaction(async (tx) => {
      changeable(actor, await tx.datasets.get(datasetId), 'Dataset', datasetId, ['datasetId']);
      const id = await once(tx, key, async () => {
        return (await recordVersion(this.#at, tx, datasetId, prepared)).id;
      });
      const version = await tx.datasetVersions.get(id);
      if (version === null) throw notFound('DatasetVersion', id);
      return version;
    });
  }

  /** The split of this version, rule, seed and fraction: the same one however often it is asked for. */
  async createSplit(actor: Actor, request: CreateSplit): Promise<Split> {
    const version = await this.resolveVersion(actor, request.datasetVersionId);
    const findings = splitFindings(request, []);
    if (findings.length > 0) throw new InvalidInputError(findings);
    assertDivisible(request, version.labels, []);
    const { idempotencyKey, ...input } = request;
    const key = { actor, operation: 'createSplit', idempotencyKey, input: { ...input } };
    const prepared = await this.#prepareSplit(version, keyOf(request));
    return this.#at.store.transaction(async (tx) => {
      const record = async () => (await recordSplit(this.#at, tx, version.id, prepared)).id;
      const id = await once(tx, key, record);
      const split = await tx.splits.get(id);
      if (split === null) throw notFound('Split', id);
      return split;
    });
  }

  /** The version, if the actor may see it: for use cases that take one as their input. */
  async resolveVersion(
    actor: Actor,
    id: string,
    path: readonly string[] = ['datasetVersionId'],
  ): Promise<DatasetVersion> {
    const versionId = idOf('DatasetVersion', id, path);
    const [version = null] = await this.versionsById(actor, [versionId]);
    if (version === null) throw notFound('DatasetVersion', versionId, path);
    return version;
  }

  /** The split that was asked for, which must be of this version; its default split for null. */
  async splitFor(
    actor: Actor,
    version: Pick<DatasetVersion, 'id' | 'defaultSplitId'>,
    splitId: string | null,
    path: readonly string[] = ['splitId'],
  ): Promise<Split> {
    const id = splitId === null ? version.defaultSplitId : idOf('Split', splitId, path);
    const [split = null] = await this.splitsById(actor, [id]);
    if (split === null) throw notFound('Split', id, path);
    if (split.datasetVersionId !== version.id) {
      throw new FathomError('INVALID_ARGUMENT', `${id} is a split of another version.`, { path });
    }
    return split;
  }

  /** Makes the data set, public and the system's own, with one version; does nothing when it is there. */
  async seedDataset(seed: SeedDataset): Promise<Dataset> {
    const { format, target, files: load, ...about } = seed;
    const description: DatasetDescription = { ...about, visibility: 'PUBLIC' };
    checkDescription(description);
    const { store } = this.#at;
    const where = { owner: systemActor.subject, name: seed.name };
    const earlier = await store.datasets.find({ where });
    if (earlier?.latestVersionId) return earlier;
    const files: DataFile[] = [];
    for (const { path, bytes } of await load()) {
      files.push({ path: filePath(path, ['files']), ...(await this.#at.blobs.put(bytes)) });
    }
    files.sort((a, b) => compareText(a.path, b.path));
    const prepared = await prepareVersion(this.#at, { format, target, files, split: null });
    return store.transaction(async (tx) => {
      let dataset = await tx.datasets.find({ where });
      if (dataset?.latestVersionId) return dataset;
      if (dataset === null) {
        dataset = this.#newDataset(systemActor, description);
        await tx.datasets.insert(dataset);
      }
      await recordVersion(this.#at, tx, dataset.id, prepared);
      return visible(systemActor, await tx.datasets.get(dataset.id), 'Dataset', dataset.id);
    });
  }

  #newDataset(actor: Actor, description: DatasetDescription): Dataset {
    const now = this.#at.ambient.now();
    return {
      id: newId('Dataset', now, () => this.#at.ambient.random()),
      version: 1,
      owner: actor.subject,
      ...description,
      latestVersionId: null,
      format: null,
      createdAt: now,
      updatedAt: now,
    };
  }

  async #prepareSplit(version: DatasetVersion, wish: SplitWish): Promise<PreparedSplit> {
    const where = { datasetVersionId: version.id, ...wish };
    const earlier = await this.#at.store.splits.find({ where });
    if (earlier !== null) return earlier;
    const examples =
      wish.rule === 'STRATIFIED'
        ? await examplesOf(this.#at, version)
        : { count: version.exampleCount, labelOf: null };
    return prepareSplit(this.#at, wish, examples);
  }
}

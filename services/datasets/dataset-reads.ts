import { type Actor, maySee } from '../../domain/actor.ts';
import type { DataFile, DataFormat, Dataset, DatasetVersion, Split } from '../../domain/dataset.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { Query } from '../../store/contract/table.ts';
import type { Surroundings } from '../surroundings.ts';
import { idOf } from '../visible.ts';
import { filePage } from './file-page.ts';
import { checkText, Findings } from './findings.ts';
import { datasetLimits } from './limits.ts';

export interface DatasetFilter {
  /** A part of the name. */
  readonly search: string | null;
  readonly format: DataFormat | null;
  readonly visibility: Dataset['visibility'] | null;
}

export interface DatasetOrder {
  readonly field: 'CREATED_AT' | 'UPDATED_AT' | 'NAME';
  readonly direction: 'ASC' | 'DESC';
}

const columns = { CREATED_AT: 'createdAt', UPDATED_AT: 'updatedAt', NAME: 'name' } as const;

/** Reading data sets. Whatever the actor may not see is not there; rights follow the data set. */
export class DatasetReads {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }

  /** Null when there is none to see; BAD_ID when the text is no id of this noun. The same holds for each of these. */
  async get(actor: Actor, id: string): Promise<Dataset | null> {
    return (await this.byId(actor, [idOf('Dataset', id)]))[0] ?? null;
  }

  async getVersion(actor: Actor, id: string): Promise<DatasetVersion | null> {
    return (await this.versionsById(actor, [idOf('DatasetVersion', id)]))[0] ?? null;
  }

  async getSplit(actor: Actor, id: string): Promise<Split | null> {
    return (await this.splitsById(actor, [idOf('Split', id)]))[0] ?? null;
  }

  async page(
    actor: Actor,
    filter: DatasetFilter,
    order: DatasetOrder,
    page: PageRequest,
  ): Promise<Page<Dataset>> {
    const orderBy = { column: columns[order.field], direction: order.direction };
    return this.#at.store.datasets.page({ ...queryOf(actor, filter), orderBy }, page);
  }

  async count(actor: Actor, filter: DatasetFilter): Promise<number> {
    return this.#at.store.datasets.count(queryOf(actor, filter));
  }

  /** In the order of `ids`; null where there is none to see. The same holds for all reads by id. */
  async byId(actor: Actor, ids: readonly string[]): Promise<readonly (Dataset | null)[]> {
    const datasets = await this.#at.store.datasets.getMany(ids);
    return datasets.map((dataset) => (dataset !== null && maySee(actor, dataset) ? dataset : null));
  }

  async versionsById(
    actor: Actor,
    ids: readonly string[],
  ): Promise<readonly (DatasetVersion | null)[]> {
    const versions = await this.#at.store.datasetVersions.getMany(ids);
    const seen = await this.#visibleDatasets(
      actor,
      versions.map((version) => version?.datasetId),
    );
    return versions.map((version) => (version && seen.has(version.datasetId) ? version : null));
  }

  async splitsById(actor: Actor, ids: readonly string[]): Promise<readonly (Split | null)[]> {
    const splits = await this.#at.store.splits.getMany(ids);
    const seen = await this.#visibleVersions(
      actor,
      splits.map((split) => split?.datasetVersionId),
    );
    return splits.map((split) => (split && seen.has(split.datasetVersionId) ? split : null));
  }

  /** One page for each data set, newest version first; nothing for those that the actor may not see. */
  async versionPages(
    actor: Actor,
    datasetIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<DatasetVersion>>> {
    const seen = [...(await this.#visibleDatasets(actor, datasetIds))];
    const orderBy = { column: 'number', direction: 'DESC' } as const;
    return this.#at.store.datasetVersions.pageEach('datasetId', seen, { orderBy }, page);
  }

  async versionCounts(
    actor: Actor,
    datasetIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const seen = [...(await this.#visibleDatasets(actor, datasetIds))];
    return this.#at.store.datasetVersions.countEach('datasetId', seen, {});
  }

  /** One page for each version, newest split first. */
  async splitPages(
    actor: Actor,
    versionIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Split>>> {
    const seen = [...(await this.#visibleVersions(actor, versionIds))];
    return this.#at.store.splits.pageEach('datasetVersionId', seen, {}, page);
  }

  async splitCounts(
    actor: Actor,
    versionIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const seen = [...(await this.#visibleVersions(actor, versionIds))];
    return this.#at.store.splits.countEach('datasetVersionId', seen, {});
  }

  /** Where the bytes of a file are read for a while: signed, expiring. The caller saw the file, so it may read it. */
  urlOf(file: Pick<DataFile, 'path' | 'sha256'>): string {
    return this.#at.links.blob(file.sha256, file.path.split('/').at(-1) ?? file.path);
  }

  filePage(version: Pick<DatasetVersion, 'files'>, page: PageRequest): Page<DataFile> {
    return filePage(version.files, page);
  }

  async #visibleVersions(
    actor: Actor,
    ids: readonly (string | undefined)[],
  ): Promise<ReadonlySet<string>> {
    const versions = await this.versionsById(actor, distinct(ids));
    return new Set(versions.filter((version) => version !== null).map((version) => version.id));
  }

  async #visibleDatasets(
    actor: Actor,
    ids: readonly (string | undefined)[],
  ): Promise<ReadonlySet<string>> {
    const datasets = await this.byId(actor, distinct(ids));
    return new Set(datasets.filter((dataset) => dataset !== null).map((dataset) => dataset.id));
  }
}

function distinct(ids: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(ids.filter((id) => id !== undefined))];
}

function queryOf(actor: Actor, filter: DatasetFilter): Query<'datasets'> {
  const findings = new Findings();
  const longest = datasetLimits.nameLength;
  checkText(findings, 'search', filter.search ?? '', { shortest: 0, longest });
  findings.settle();
  return {
    visibleTo: actor,
    where: {
      ...(filter.search !== null && { name: { contains: filter.search } }),
      ...(filter.format !== null && { format: filter.format }),
      ...(filter.visibility !== null && { visibility: filter.visibility }),
    },
  };
}

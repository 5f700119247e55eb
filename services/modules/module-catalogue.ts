import { type Actor, maySee } from '../../domain/actor.ts';
import type { Module, ModuleVersion } from '../../domain/module.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { ModuleFacet, ModuleQuery } from '../../store/contract/module-search.ts';
import type { Surroundings } from '../surroundings.ts';
import { idOf, notFound } from '../visible.ts';
import { type CatalogueSources, refreshCatalogue, type RefreshReport } from './refresh.ts';

/** What may be asked of the list; who asks is added here. */
export type CatalogueQuery = Omit<ModuleQuery, 'visibleTo'>;
export type FacetCounts = Awaited<ReturnType<Surroundings['store']['moduleSearch']['facets']>>;

/** The modules that this installation offers, and the versions of their code. */
export class ModuleCatalogue {
  readonly #at: Surroundings;
  readonly #sources: CatalogueSources;
  #running: Promise<RefreshReport> | null = null;
  #next: { slugs: Set<string> | null; readonly report: Promise<RefreshReport> } | null = null;

  constructor(at: Surroundings, sources: CatalogueSources) {
    this.#at = at;
    this.#sources = sources;
  }

  /**
   * Reads the configured folders again; with `slugs` only those modules. Anybody may ask, for it only shows what the
   * operator put there. Callers who come while one runs share the one that follows it: it sees all that was there when
   * they asked, and reads what any of them named.
   */
  refresh(_actor: Actor, slugs: readonly string[] | null = null): Promise<RefreshReport> {
    if (this.#running === null) return this.#start(slugs);
    this.#next ??= { slugs: new Set(), report: this.#afterwards(this.#running) };
    if (slugs === null) this.#next.slugs = null;
    else for (const slug of slugs) this.#next.slugs?.add(slug);
    return this.#next.report;
  }

  #start(slugs: readonly string[] | null): Promise<RefreshReport> {
    const run = refreshCatalogue(this.#at, this.#sources, slugs).finally(() => {
      this.#running = null;
    });
    this.#running = run;
    return run;
  }

  async #afterwards(running: Promise<RefreshReport>): Promise<RefreshReport> {
    await running.catch(() => null);
    const wanted = this.#next?.slugs ?? null;
    this.#next = null;
    return this.#start(wanted && [...wanted]);
  }

  /** Null when there is none, or the actor may not see it. BAD_ID when it is no id of a module. */
  async get(actor: Actor, id: string): Promise<Module | null> {
    const module = await this.#at.store.modules.get(idOf('Module', id));
    return module !== null && maySee(actor, module) ? module : null;
  }

  async bySlug(actor: Actor, slug: string): Promise<Module | null> {
    const where = { slug: slug.toLowerCase() };
    return this.#at.store.modules.find({ where, visibleTo: actor });
  }

  /** In the order of `ids`; null for one that is absent, not visible, or no id at all. */
  async getMany(actor: Actor, ids: readonly string[]): Promise<readonly (Module | null)[]> {
    const modules = await this.#at.store.modules.getMany(ids);
    return modules.map((module) => (module !== null && maySee(actor, module) ? module : null));
  }

  page(actor: Actor, query: CatalogueQuery, page: PageRequest): Promise<Page<Module>> {
    return this.#at.store.moduleSearch.page({ ...query, visibleTo: actor }, page);
  }

  count(actor: Actor, query: CatalogueQuery): Promise<number> {
    return this.#at.store.moduleSearch.count({ ...query, visibleTo: actor });
  }

  facets(
    actor: Actor,
    query: CatalogueQuery,
    names: readonly ModuleFacet[],
    limit: number,
  ): Promise<FacetCounts> {
    return this.#at.store.moduleSearch.facets({ ...query, visibleTo: actor }, names, limit);
  }

  /** As `get`, for a version: it is seen by those who see its module. */
  async version(actor: Actor, id: string): Promise<ModuleVersion | null> {
    const [version] = await this.versionsMany(actor, [idOf('ModuleVersion', id)]);
    return version ?? null;
  }

  /** As `getMany`, for versions; two reads whatever their number. */
  async versionsMany(
    actor: Actor,
    ids: readonly string[],
  ): Promise<readonly (ModuleVersion | null)[]> {
    const versions = await this.#at.store.moduleVersions.getMany(ids);
    const seen = await this.#visible(
      actor,
      versions.flatMap((version) => version?.moduleId ?? []),
    );
    return versions.map((version) =>
      version !== null && seen.has(version.moduleId) ? version : null,
    );
  }

  /** A page of the versions of each module, newest first; two reads whatever their number. */
  async versionsOf(
    actor: Actor,
    moduleIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<ModuleVersion>>> {
    const seen = await this.#visible(actor, moduleIds);
    return this.#at.store.moduleVersions.pageEach('moduleId', [...seen], {}, page);
  }

  async versionCounts(
    actor: Actor,
    moduleIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const seen = await this.#visible(actor, moduleIds);
    return this.#at.store.moduleVersions.countEach('moduleId', [...seen], {});
  }

  /** The version that a use case is to work with; BAD_ID or NOT_FOUND at `path`. */
  async resolveVersion(
    actor: Actor,
    id: string,
    path: readonly string[] = ['moduleVersionId'],
  ): Promise<ModuleVersion> {
    const [version] = await this.versionsMany(actor, [idOf('ModuleVersion', id, path)]);
    if (version === null || version === undefined) throw notFound('ModuleVersion', id, path);
    return version;
  }

  async #visible(actor: Actor, moduleIds: readonly string[]): Promise<ReadonlySet<string>> {
    const modules = await this.getMany(actor, [...new Set(moduleIds)]);
    return new Set(modules.flatMap((module) => module?.id ?? []));
  }
}

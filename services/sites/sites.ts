import type { Backend, BackendHealth, Capabilities } from '../../backends/contract/backend.ts';
import type { Actor } from '../../domain/actor.ts';
import { FathomError } from '../../domain/errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { acceleratorsOf, type Accelerators } from './accelerators.ts';

export interface SiteView {
  readonly name: string;
  readonly type: string;
  readonly runsJobs: boolean;
  readonly runsServices: boolean;
  readonly runsFunctions: boolean;
  readonly capabilities: Capabilities;
}

export interface SiteHealth extends Omit<BackendHealth, 'capacity'> {
  /** The earliest sign of it, from looks of this process and from what waits for it; null while it is reachable. */
  readonly unreachableSince: number | null;
  readonly capacity:
    | (NonNullable<BackendHealth['capacity']> & { readonly accelerators: readonly Accelerators[] })
    | null;
}

/** Leaves time for the answer to travel within two seconds. */
const patienceMs = 1_900;
const evidence = 100;

/** The places where this installation runs things. Every actor may know them. */
export class Sites {
  readonly #at: Surroundings;
  readonly #unreachableSince = new Map<string, number>();
  readonly #looks = new Map<string, Promise<BackendHealth>>();

  constructor(at: Surroundings) {
    this.#at = at;
  }

  all(_actor: Actor): readonly SiteView[] {
    return this.#at.backends.all().map((backend) => ({
      name: backend.name,
      type: backend.type,
      runsJobs: backend.jobs !== null,
      runsServices: backend.services !== null,
      runsFunctions: backend.functions !== null,
      capabilities: backend.capabilities,
    }));
  }

  /** A look at one backend, within two seconds whatever it does; others are not waited for. */
  async health(_actor: Actor, name: string): Promise<SiteHealth> {
    const backend = this.#at.backends.get(name);
    if (backend === null) throw new FathomError('NOT_FOUND', `There is no backend ${name}.`);
    const { capacity, ...seen } = await this.#inTime(backend);
    const told = capacity && { ...capacity, accelerators: acceleratorsOf(capacity.gpus) };
    if (seen.reachable) {
      this.#unreachableSince.delete(name);
      return { ...seen, unreachableSince: null, capacity: told };
    }
    const since = Math.min(
      this.#unreachableSince.get(name) ?? seen.checkedAt,
      ...(await this.#missedSince(name)),
    );
    this.#unreachableSince.set(name, since);
    return { ...seen, unreachableSince: since, capacity: told };
  }

  async #inTime(backend: Backend): Promise<BackendHealth> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<BackendHealth>((resolve) => {
      timer = setTimeout(() => {
        const message = `${backend.name} did not answer within two seconds.`;
        const checkedAt = this.#at.ambient.now();
        resolve({ reachable: false, message, checkedAt, capacity: null });
      }, patienceMs);
    });
    const seen = await Promise.race([this.#look(backend), late]);
    clearTimeout(timer);
    return seen;
  }

  /** However many ask, one look at a backend is under way: who hangs is not asked again meanwhile. */
  #look(backend: Backend): Promise<BackendHealth> {
    const underWay = this.#looks.get(backend.name);
    if (underWay !== undefined) return underWay;
    const look = backend
      .health()
      .catch((error: unknown) => ({
        reachable: false,
        message: error instanceof Error ? error.message : String(error),
        checkedAt: this.#at.ambient.now(),
        capacity: null,
      }))
      .finally(() => this.#looks.delete(backend.name));
    this.#looks.set(backend.name, look);
    return look;
  }

  /** Since when runs and endpoints there say that we cannot see them. */
  async #missedSince(backend: string): Promise<readonly number[]> {
    const { trainingRuns, endpoints } = this.#at.store;
    const [runs, served] = await Promise.all([
      trainingRuns.list({ where: { backend, state: { notIn: over } } }, evidence),
      endpoints.list({ where: { backend, state: { notIn: ['COLD', 'FAILED'] } } }, evidence),
    ]);
    return [...runs, ...served].flatMap(({ waiting }) =>
      waiting?.code === 'BACKEND_UNREACHABLE' ? [waiting.since] : [],
    );
  }
}

const over = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'] as const;

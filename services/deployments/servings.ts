import type { Backend } from '../../backends/contract/backend.ts';
import type { Ambient } from '../../domain/ambient.ts';
import { FunctionServing, type FunctionTimings } from './function-serving.ts';
import { type Serving, succeeds } from './serving.ts';

/** The serving side of backends; what it learns of one is kept as long as the backend is. */
export class Servings {
  readonly #ambient: Ambient;
  readonly #timings: Partial<FunctionTimings>;
  readonly #known = new WeakMap<Backend, Serving>();

  constructor(ambient: Ambient, timings: Partial<FunctionTimings> = {}) {
    this.#ambient = ambient;
    this.#timings = timings;
  }

  /** Null when it serves nothing. A backend that offers both is asked for servers. */
  of(backend: Backend | null): Serving | null {
    if (backend === null) return null;
    const known = this.#known.get(backend);
    if (known !== undefined) return known;
    const serving = this.#make(backend);
    if (serving !== null) this.#known.set(backend, serving);
    return serving;
  }

  #make({ services, functions }: Backend): Serving | null {
    if (services !== null) {
      return {
        deploy: (workload, options) => services.deploy(workload, options),
        status: (handle) => services.status(handle),
        scale: (handle, replicas) => services.scale(handle, replicas),
        isThere: (handle) => succeeds(services.status(handle)),
        invoke: async (handle, request, options) => ({
          ...(await services.invoke(handle, request, options)),
          start: null,
        }),
      };
    }
    if (functions === null) return null;
    return new FunctionServing(functions, this.#ambient, this.#timings);
  }
}

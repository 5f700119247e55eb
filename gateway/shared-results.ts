import type { ExecutionResult } from 'graphql';
import type { GraphRequest } from './executor.ts';

/** One reader's share in what is executed for all who ask the same. */
export interface Share {
  /** What `make` gives for `event`, made once for all readers of the group. What has errors is made for each: they name requests. */
  of(event: unknown, make: () => Promise<ExecutionResult>): Promise<ExecutionResult>;
  leave(): void;
}

interface Group {
  readers: number;
  /** By the event itself: sources that read once for many give all of them the same object. */
  readonly results: WeakMap<object, Promise<ExecutionResult>>;
}

/** Subscriptions with the same document, variables and rights, for as long as at least two of them are open. */
export class SharedResults {
  readonly #groups = new Map<string, Group>();

  get size(): number {
    return this.#groups.size;
  }

  join(request: GraphRequest): Share {
    const key = keyOf(request);
    const group = this.#groups.get(key) ?? { readers: 0, results: new WeakMap() };
    this.#groups.set(key, group);
    group.readers++;
    let isIn = true;
    return {
      async of(event, make) {
        if (group.readers < 2 || typeof event !== 'object' || event === null) return await make();
        const known = group.results.get(event);
        if (known === undefined) {
          const made = make();
          group.results.set(event, made);
          return await made;
        }
        const result = await known.catch(() => null);
        return result === null || result.errors !== undefined ? await make() : result;
      },
      leave: () => {
        if (!isIn) return;
        isIn = false;
        group.readers--;
        if (group.readers === 0) this.#groups.delete(key);
      },
    };
  }
}

/** Rights are what the credential gives: whoever sends the same one is the same. */
function keyOf({ query, variables, incoming }: GraphRequest): string {
  return JSON.stringify([query, sorted(variables), incoming.headers['authorization'] ?? null]);
}

/** Two objects that differ only in the order of their keys are the same variables. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return entries.map(([name, inner]) => [name, sorted(inner)]);
}

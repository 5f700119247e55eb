import type { ExecutionResult } from 'graphql';
import { variablesBesideCursor } from './cursor.ts';
import type { GraphRequest } from './executor.ts';
import { inOrder } from './variables.ts';

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

/**
 * Rights are what the credential gives: whoever sends the same one is the same. Where a subscription begins does not matter
 * to those who were given the same event.
 */
function keyOf({ query, document, variables, incoming }: GraphRequest): string {
  const others = variablesBesideCursor(document, variables);
  return JSON.stringify([query, inOrder(others), incoming.headers['authorization'] ?? null]);
}

import type { BackendSurroundings } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import { OpenWhiskClient } from './client.ts';
import type { OpenWhiskSettings } from './config.ts';
import { Limits } from './limits.ts';
import { actionPath, isNativeName } from './names.ts';
import type { SeenAction } from './observe.ts';
import { actionOf } from './observe.ts';

/** What a handle of ours says. */
export interface FunctionHandle {
  readonly name: string;
  readonly key: string;
  /** The longest that a call takes; of the action that is there. */
  readonly timeoutMs: number;
}

/** One namespace of one platform: the client, its limits, and what is ours. */
export class Site {
  readonly name: string;
  readonly settings: OpenWhiskSettings;
  readonly surroundings: BackendSurroundings;
  readonly client: OpenWhiskClient;
  readonly limits: Limits;
  readonly #closing = new AbortController();

  constructor(name: string, settings: OpenWhiskSettings, surroundings: BackendSurroundings) {
    this.name = name;
    this.settings = settings;
    this.surroundings = surroundings;
    this.client = new OpenWhiskClient(settings, surroundings, this.#closing.signal);
    this.limits = new Limits(this.client, settings, surroundings);
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
  }

  assertOpen(operation: string): void {
    if (!this.#closing.signal.aborted) return;
    throw new BackendError('Closed', operation, 'This backend was closed.');
  }

  handle({ name, key, timeoutMs }: FunctionHandle): Handle {
    return { backend: this.name, version: 1, native: { kind: 'FUNCTION', name, key, timeoutMs } };
  }

  /** What is in a handle of ours, or NotFound. */
  read({ backend, native }: Handle, operation: string): FunctionHandle {
    this.assertOpen(operation);
    const { kind, name, key, timeoutMs } = native;
    const isOurs =
      backend === this.name &&
      kind === 'FUNCTION' &&
      isNativeName(name) &&
      typeof key === 'string' &&
      typeof timeoutMs === 'number';
    if (!isOurs) throw notFound(operation);
    return { name, key, timeoutMs };
  }

  /** The action of that name; null when there is none, Rejected when it is somebody else's, Unavailable when nobody can tell. */
  async find(
    operation: string,
    { name, key }: { readonly name: string; readonly key: string },
    signal?: AbortSignal,
  ): Promise<SeenAction | null> {
    const document = await this.client.find(operation, {
      method: 'GET',
      path: actionPath(this.settings.namespace, name),
      query: { code: 'false' },
      ...(signal === undefined ? {} : { signal }),
    });
    if (document === null) return null;
    const action = actionOf(document);
    if (action === null) {
      const message = 'The address of the platform answered with something that is no action.';
      throw new BackendError('Unavailable', operation, message);
    }
    if (action.key === key) return action;
    const message = `There is something else of the name ${name} in this namespace of OpenWhisk.`;
    throw new BackendError('Rejected', operation, message);
  }
}

export function notFound(operation: string): BackendError {
  return new BackendError('NotFound', operation, 'OpenWhisk has no such function.');
}

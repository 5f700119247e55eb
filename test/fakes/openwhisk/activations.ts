import { createHash, randomUUID } from 'node:crypto';
import type { Action, KeyValue } from './actions.ts';

export interface ActivationResponse {
  readonly status:
    'success' | 'application error' | 'action developer error' | 'whisk internal error';
  readonly result: unknown;
}

/** How one run went. Times in epoch milliseconds of the fake's clock. */
export interface Ran {
  readonly activationId: string;
  readonly action: Action;
  readonly receivedAt: number;
  /** When the container was first asked something: the wait ends here. */
  readonly begunAt: number;
  /** Only when `/init` was called. */
  readonly initMs: number | null;
  readonly endedAt: number;
  readonly response: ActivationResponse;
  readonly isTimedOut: boolean;
}

export interface Activation {
  readonly activationId: string;
  readonly namespace: string;
  readonly name: string;
  readonly subject: string;
  readonly version: string;
  readonly publish: false;
  readonly start: number;
  readonly end: number;
  readonly duration: number;
  readonly response: ActivationResponse & { readonly success: boolean; readonly size: number };
  readonly logs: readonly string[];
  readonly annotations: readonly KeyValue[];
}

const statusCodes = [
  'success',
  'application error',
  'action developer error',
  'whisk internal error',
] as const satisfies readonly ActivationResponse['status'][];

export function newActivationId(): string {
  return createHash('md5').update(randomUUID()).digest('hex');
}

export function activationOf(ran: Ran, logs: readonly string[]): Activation {
  const { action, response, initMs } = ran;
  const { kind } = action.exec;
  const { timeout, memory, logs: logsMiB, concurrency } = action.limits;
  return {
    activationId: ran.activationId,
    namespace: action.namespace,
    name: action.name,
    subject: action.namespace,
    version: action.version,
    publish: false,
    start: ran.begunAt,
    end: ran.endedAt,
    duration: ran.endedAt - ran.begunAt,
    response: {
      ...response,
      success: response.status === 'success',
      size: JSON.stringify(response.result ?? {}).length,
    },
    logs,
    annotations: [
      { key: 'path', value: `${action.namespace}/${action.name}` },
      { key: 'kind', value: kind },
      { key: 'waitTime', value: ran.begunAt - ran.receivedAt },
      ...(initMs === null ? [] : [{ key: 'initTime', value: initMs }]),
      { key: 'timeout', value: ran.isTimedOut },
      { key: 'limits', value: { timeout, memory, logs: logsMiB, concurrency } },
    ],
  };
}

/** Records of activations that have ended; there is none of those that go on. */
export class Activations {
  readonly #all = new Map<string, Activation>();

  store(activation: Activation): void {
    this.#all.set(activation.activationId, activation);
  }

  get(id: string): Activation | null {
    return this.#all.get(id) ?? null;
  }

  forget(): void {
    this.#all.clear();
  }

  /** Newest first. */
  list(query: URLSearchParams): readonly object[] | { readonly activations: number } {
    const name = query.get('name');
    const since = Number(query.get('since') ?? 0);
    const upto = Number(query.get('upto') ?? Infinity);
    const found = [...this.#all.values()]
      .filter((one) => name === null || one.name === name.split('/').at(-1))
      .filter(({ start }) => start >= since && start <= upto)
      .toSorted((a, b) => b.start - a.start);
    if (query.get('count') === 'true') return { activations: found.length };
    const limit = Number(query.get('limit') ?? 30) || 200;
    const skip = Number(query.get('skip') ?? 0);
    const page = found.slice(skip, skip + limit);
    return query.get('docs') === 'true' ? page : page.map(summary);
  }
}

function summary(activation: Activation): object {
  const { response, logs: _logs, subject: _subject, ...shown } = activation;
  return { ...shown, statusCode: statusCodes.indexOf(response.status) };
}

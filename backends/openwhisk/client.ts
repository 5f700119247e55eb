import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request as send } from 'undici';
import type { Ambient } from '../../domain/ambient.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { OpenWhiskSettings } from './config.ts';
import { isConnectionRefused, refusal, unreachable } from './errors.ts';
import { Pace } from './pace.ts';

export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Epoch milliseconds when nobody waits for an answer any more; absent: the settings' time for one request. */
  readonly deadline?: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const triesWhenRefused = 2;

/**
 * The only I/O. Throttling is waited for, as long as the deadline allows; beyond that a request is sent again only when
 * nobody can have heard of it, or, when it only reads, after a 503.
 */
export class OpenWhiskClient {
  readonly #settings: OpenWhiskSettings;
  readonly #ambient: Ambient & Pick<BackendSurroundings, 'traceparent'>;
  readonly #closing: AbortSignal;
  readonly #agent: Agent;
  readonly #pace: Pace;
  readonly #authorization: string;

  constructor(
    settings: OpenWhiskSettings,
    ambient: Ambient & Pick<BackendSurroundings, 'traceparent'>,
    closing: AbortSignal,
  ) {
    this.#settings = settings;
    this.#ambient = ambient;
    this.#closing = closing;
    this.#pace = new Pace(ambient, settings.paceMs);
    const ca = settings.authority === null ? {} : { ca: settings.authority };
    this.#agent = new Agent({ connect: { ...ca, timeout: 5000 } });
    closing.addEventListener('abort', () => void this.#agent.destroy().catch(() => null));
    this.#authorization = `Basic ${Buffer.from(settings.key.reveal()).toString('base64')}`;
  }

  /** The document that was answered. Rejects with BackendError. */
  async call(operation: string, call: Call): Promise<unknown> {
    const answer = await this.answer(operation, call);
    if (answer.status >= 300) throw refusal(operation, answer.status, answer.text);
    return parsed(operation, answer);
  }

  /** Null when there is no such thing. */
  async find(operation: string, call: Call): Promise<unknown> {
    try {
      return await this.call(operation, call);
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'NotFound') return null;
      throw error;
    }
  }

  /** Whatever was answered, also refusals, but for throttling. Rejects with BackendError when nothing was. */
  async answer(operation: string, call: Call): Promise<Answer> {
    const deadline = call.deadline ?? this.#ambient.now() + this.#settings.timeoutSeconds * 1000;
    const signal = AbortSignal.any([
      this.#closing,
      ...(call.signal === undefined ? [] : [call.signal]),
    ]);
    for (let tries = 0; ;) {
      let answer: Answer;
      try {
        await this.#pace.turn(operation, deadline, signal);
        answer = await this.#send(call, deadline, signal);
      } catch (error) {
        if (this.#closing.aborted) {
          throw new BackendError('Closed', operation, 'This backend was closed.');
        }
        // A platform that is being started again refuses for a moment.
        if (isConnectionRefused(error) && tries++ < triesWhenRefused) {
          await sleep(this.#settings.paceMs / 4, null, { signal }).catch(() => null);
          continue;
        }
        const isLate = error instanceof Error && error.name === 'TimeoutError';
        if (isLate && call.deadline !== undefined) {
          const message = 'OpenWhisk did not answer before the deadline.';
          throw new BackendError('DeadlineExceeded', operation, message, { cause: error });
        }
        throw unreachable(operation, error);
      }
      const isBusy = answer.status === 503 && call.method === 'GET';
      if (answer.status === 429 || answer.status === 503) this.#pace.refused();
      else this.#pace.accepted();
      if (answer.status !== 429 && !isBusy) return answer;
    }
  }

  async #send(call: Call, deadline: number, signal: AbortSignal): Promise<Answer> {
    const url = new URL(this.#settings.apiHost + call.path);
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
    const remaining = Math.max(1, deadline - this.#ambient.now());
    const traceparent = this.#ambient.traceparent?.() ?? null;
    const { statusCode, body } = await send(url, {
      method: call.method,
      headers: {
        authorization: this.#authorization,
        accept: 'application/json',
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(traceparent === null ? {} : { traceparent }),
      },
      body: call.body ?? null,
      signal: AbortSignal.any([signal, AbortSignal.timeout(remaining)]),
      headersTimeout: 0,
      bodyTimeout: 0,
      dispatcher: this.#agent,
    });
    return { status: statusCode, text: await body.text() };
  }
}

/** The document, or Unavailable when it is none: a page of a proxy. */
export function parsed(operation: string, { status, text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal(operation, status, text);
  }
}

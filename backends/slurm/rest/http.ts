import { Agent, request } from 'undici';
import { isJsonObject } from '../../../domain/json.ts';
import type { BackendErrorKind } from '../../contract/error.ts';
import { BackendError } from '../../contract/error.ts';
import type { RestSettings } from '../config.ts';
import { kindOfWords } from '../errors.ts';
import type { Tokens } from './token.ts';
import { numberOf, objectsOf, textOf } from './values.ts';

export interface Answer {
  readonly status: number;
  /** Null when it is no JSON: a page of a proxy, plain text of slurmrestd. */
  readonly body: { readonly [name: string]: unknown } | null;
  readonly text: string;
  readonly errors: readonly { readonly number: number | null; readonly text: string }[];
  readonly warnings: readonly string[];
  readonly retryAfterMs: number | null;
}

export const unknownJob = 2017;

/** One request at a time and no retries: whoever asks decides what a failure means. */
export class SlurmHttp {
  readonly #settings: RestSettings;
  readonly #tokens: Tokens;
  readonly #traceparent: () => string | null;
  readonly #agent: Agent;
  readonly #origin: string;

  constructor(
    settings: RestSettings,
    timeoutMs: number,
    tokens: Tokens,
    traceparent: () => string | null = () => null,
  ) {
    const { url } = settings;
    const socketPath = url.startsWith('unix:') ? url.slice('unix:'.length) : null;
    this.#settings = settings;
    this.#tokens = tokens;
    this.#traceparent = traceparent;
    this.#origin = socketPath === null ? url : 'http://localhost';
    this.#agent = new Agent({
      connections: 8,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: timeoutMs, ...(socketPath === null ? {} : { socketPath }) },
    });
  }

  /** Rejects with Unavailable when there is no whole answer; any answer, good or bad, is returned. */
  async send(
    operation: string,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: object | null = null,
  ): Promise<Answer> {
    const token = await this.#tokens.token(operation);
    const traceparent = this.#traceparent();
    const headers = {
      accept: 'application/json',
      'x-slurm-user-name': this.#settings.user,
      'x-slurm-user-token': token,
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...(traceparent === null ? {} : { traceparent }),
    };
    try {
      const response = await request(this.#origin + path, {
        method,
        headers,
        body: body === null ? null : JSON.stringify(body),
        dispatcher: this.#agent,
      });
      const text = await response.body.text();
      return answer(response.statusCode, text, response.headers['retry-after']);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `slurmrestd does not answer: ${reason}`;
      throw new BackendError('Unavailable', operation, message, { cause: error });
    }
  }

  close(): void {
    void this.#agent.destroy();
  }
}

/** The error of an answer that is none of what was asked for. */
export function answerError(operation: string, answer: Answer): BackendError {
  const said =
    answer.errors.map(({ number, text }) => `${text} (${number ?? '?'})`).join('; ') ||
    answer.text
      .replaceAll(/<[^>]*>|\s+/g, ' ')
      .trim()
      .slice(0, 300) ||
    'It said nothing.';
  const message = `Slurm answered ${answer.status}: ${said}`;
  const more = answer.retryAfterMs === null ? {} : { retryAfterMs: answer.retryAfterMs };
  return new BackendError(kindOf(answer), operation, message, more);
}

function kindOf(answer: Answer): BackendErrorKind {
  const numbers = answer.errors.map(({ number }) => number);
  if (answer.status === 401 || answer.status === 403 || numbers.includes(1007)) {
    return 'Unauthorized';
  }
  if (answer.status === 429) return 'RateLimited';
  if (answer.body === null) return answer.status === 400 ? 'Rejected' : 'Unavailable';
  if (numbers.includes(unknownJob)) return 'NotFound';
  // The controller is down, or (before 24.11) the token is bad: the same numbers.
  if (numbers.some((number) => number !== null && vague.has(number))) return 'Unavailable';
  const kinds = answer.errors.map(({ text }) => kindOfWords(text));
  const known = kinds.find((kind) => kind !== null);
  if (known !== undefined && known !== null) return known;
  if (answer.status === 400 || answer.status === 422) return 'Rejected';
  return answer.status >= 500 ? 'Unavailable' : 'Unexpected';
}

const vague: ReadonlySet<number> = new Set([-1, 1800, 1801, 1802, 1803, 5003, 5004, 5005]);

function answer(status: number, text: string, retryAfter: string | string[] | undefined): Answer {
  const body = parse(text);
  const seconds = /^\d+$/.test(String(retryAfter)) ? Number(retryAfter) : null;
  return {
    status,
    body,
    text,
    errors: objectsOf(body?.['errors']).map((error) => ({
      number:
        numberOf(error['error_number']) ??
        numberOf(error['error_code']) ??
        numberOf(error['errno']),
      text: [...new Set([textOf(error['error']), textOf(error['description'])])]
        .filter(Boolean)
        .join(': '),
    })),
    warnings: objectsOf(body?.['warnings']).map((warning) => textOf(warning['description'])),
    retryAfterMs: seconds === null ? null : seconds * 1000,
  };
}

function parse(text: string): Answer['body'] {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

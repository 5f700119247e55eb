import { readFile } from 'node:fs/promises';
import { Agent, request as send } from 'undici';
import type { Dispatcher } from 'undici';
import { BackendError } from '../contract/error.ts';
import type { NomadSettings } from './config.ts';
import type { Answer } from './errors.ts';
import { refusal, unreachable } from './errors.ts';
import type { NomadLibrary, Transport, TransportAnswer } from './library.ts';
import { nomadLibrary } from './library.ts';
import type { JobRequest, VariableRequest } from './native.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From `/v1` on, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Null: `signal` alone ends it. */
  readonly timeoutMs?: number | null;
}

export interface Modules {
  readonly jobs: InstanceType<NomadLibrary['NomadJobModule']>;
  readonly allocations: InstanceType<NomadLibrary['NomadAllocationModule']>;
  readonly nodes: InstanceType<NomadLibrary['NomadNodeModule']>;
}

/**
 * The only I/O with Nomad. The modules of `nomad-client` form requests and read answers as far as they reach; what they
 * lack is here: sending (text of errors, namespace, limits of time), creating once, variables, streams.
 */
export class NomadClient {
  readonly #settings: NomadSettings;
  readonly #closing: AbortSignal;
  readonly #traceparent: () => string | null;
  #dispatcher: Promise<Agent> | null = null;

  constructor(
    settings: NomadSettings,
    closing: AbortSignal,
    traceparent: () => string | null = () => null,
  ) {
    this.#settings = settings;
    this.#closing = closing;
    this.#traceparent = traceparent;
  }

  /** Of the library, for one operation. Their methods reject with BackendError. */
  async modules(operation: string): Promise<Modules> {
    const library = await nomadLibrary();
    const transport = this.#transport(operation);
    return {
      jobs: new library.NomadJobModule(transport),
      allocations: new library.NomadAllocationModule(transport),
      nodes: new library.NomadNodeModule(transport),
    };
  }

  /** Only if there is no job of that name: the answer tells, see `isThereAlready`. */
  create(operation: string, job: JobRequest): Promise<Answer> {
    return this.register(operation, job, 0);
  }

  /** Only if the job is still that of `modifyIndex`. */
  register(operation: string, job: object, modifyIndex: number): Promise<Answer> {
    const body = { Job: job, EnforceIndex: true, JobModifyIndex: modifyIndex };
    return this.answer(operation, { method: 'PUT', path: '/v1/jobs', body });
  }

  async writeVariable(operation: string, variable: VariableRequest): Promise<void> {
    const path = `/v1/var/${variable.Path}`;
    const answer = await this.answer(operation, { method: 'PUT', path, body: variable });
    if (answer.status < 300) return;
    if (answer.status === 404 || answer.status === 405) {
      const message =
        'This Nomad has no variables (1.4 and later have), so a secret has no safe place in it.';
      throw new BackendError('Unsupported', operation, message);
    }
    throw refusal(operation, answer);
  }

  /** What is not there, or cannot be there, is removed. */
  async removeVariable(operation: string, path: string): Promise<void> {
    const answer = await this.answer(operation, { method: 'DELETE', path: `/v1/var/${path}` });
    if (answer.status >= 300 && answer.status !== 404 && answer.status !== 405) {
      throw refusal(operation, answer);
    }
  }

  /** The parsed body of a good answer. Rejects with BackendError. */
  async read<T>(operation: string, call: Call): Promise<T> {
    const answer = await this.answer(operation, call);
    if (answer.status >= 300) throw refusal(operation, answer);
    return parsed(operation, answer) as T;
  }

  /** Whatever was answered, also refusals. Rejects with BackendError when nothing was. */
  async answer(operation: string, call: Call): Promise<Answer> {
    const limit =
      call.timeoutMs === undefined ? this.#settings.timeoutSeconds * 1000 : call.timeoutMs;
    const signal = AbortSignal.any([
      this.#closing,
      ...(limit === null ? [] : [AbortSignal.timeout(limit)]),
      ...(call.signal === undefined ? [] : [call.signal]),
    ]);
    try {
      const { statusCode, headers, body } = await this.#send(call, signal);
      return { status: statusCode, headers, text: await body.text() };
    } catch (error) {
      this.#assertOpen(operation);
      throw unreachable(operation, error);
    }
  }

  /** The body as it comes, or the refusal. Only `signal` ends it. */
  async stream(
    operation: string,
    call: Call,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    try {
      const { statusCode, headers, body } = await this.#send(
        call,
        AbortSignal.any([signal, this.#closing]),
      );
      if (statusCode < 300) return body;
      throw refusal(operation, { status: statusCode, headers, text: await body.text() });
    } catch (error) {
      this.#assertOpen(operation);
      throw unreachable(operation, error);
    }
  }

  async #send(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { address, namespace, region } = this.#settings;
    const url = new URL(`${address.replace(/\/$/, '')}${call.path}`);
    const query = { namespace, ...(region === null ? {} : { region }), ...call.query };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const token = await this.#token();
    const traceparent = this.#traceparent();
    this.#dispatcher ??= openDispatcher(this.#settings, this.#closing).catch((error: unknown) => {
      this.#dispatcher = null;
      throw error;
    });
    return send(url, {
      method: call.method,
      headers: {
        accept: 'application/json',
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { 'x-nomad-token': token }),
        ...(traceparent === null ? {} : { traceparent }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      dispatcher: await this.#dispatcher,
    });
  }

  #transport(operation: string): Transport {
    const ask = async (
      method: Call['method'],
      path: string,
      more: { readonly body?: unknown; readonly query?: Call['query'] },
    ): Promise<TransportAnswer> => {
      const answer = await this.answer(operation, {
        method,
        path,
        ...(more.query === undefined ? {} : { query: more.query }),
        ...(more.body === undefined ? {} : { body: more.body }),
      });
      if (answer.status >= 300) throw refusal(operation, answer);
      const data = parsed(operation, answer);
      return { data, status: answer.status, statusText: '', headers: {} };
    };
    return {
      get: (url, config) => ask('GET', url, { query: config?.params }),
      post: (url, body, config) => ask('POST', url, { body, query: config?.params }),
      put: (url, body, config) => ask('PUT', url, { body, query: config?.params }),
      patch: (url, body, config) => ask('PATCH', url, { body, query: config?.params }),
      delete: (url, config) => ask('DELETE', url, { query: config?.params }),
    };
  }

  async #token(): Promise<string | null> {
    const { token, tokenFile } = this.#settings;
    if (tokenFile !== null) return (await readFile(tokenFile, 'utf8')).trim();
    return token?.reveal() ?? null;
  }

  #assertOpen(operation: string): void {
    if (this.#closing.aborted) {
      throw new BackendError('Closed', operation, 'This backend was closed.');
    }
  }
}

/** The object or list of a good answer; whoever else answered is refused. */
export function parsed(operation: string, answer: Answer): unknown {
  // Some writes are answered with nothing.
  if (answer.text.trim() === '') return null;
  try {
    const value: unknown = JSON.parse(answer.text);
    if (value === null || typeof value === 'object') return value;
  } catch {
    // Said below.
  }
  throw refusal(operation, { ...answer, status: answer.status < 300 ? 502 : answer.status });
}

async function openDispatcher(
  { tls, address }: NomadSettings,
  closing: AbortSignal,
): Promise<Agent> {
  const read = (file: string | null): Promise<Buffer | null> =>
    file === null ? Promise.resolve(null) : readFile(file);
  const [ca, cert, key] = await Promise.all(
    [tls.authorityFile, tls.certificateFile, tls.keyFile].map(read),
  );
  const connect = {
    ...(ca == null ? {} : { ca }),
    ...(cert == null ? {} : { cert }),
    ...(key == null ? {} : { key }),
    ...(tls.serverName === null ? {} : { servername: tls.serverName }),
  };
  const agent = new Agent(address.startsWith('https:') ? { connect } : {});
  closing.addEventListener('abort', () => void agent.destroy(), { once: true });
  return agent;
}

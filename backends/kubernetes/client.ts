import type * as kubernetes from '@kubernetes/client-node';
import { request as send } from 'undici';
import type { Dispatcher } from 'undici';
import { BackendError } from '../contract/error.ts';
import type { KubernetesSettings } from './config.ts';
import { refusal, unreachable } from './errors.ts';
import { Rest } from './rest.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From `/api` or `/apis` on, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Of a PATCH. */
  readonly patch?: 'merge' | 'apply';
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const contentTypes = {
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/**
 * The only I/O with the cluster. Configuration, credentials, TLS and watching are the client library's; requests are sent
 * here, since its typed calls lose the text of errors, drop fields they do not know and end the process when a log is cut.
 */
export class KubernetesClient {
  readonly #settings: KubernetesSettings;
  readonly #closing: AbortSignal;
  readonly #traceparent: () => string | null;
  readonly #rest = new Rest();
  #loaded: Promise<Loaded> | null = null;

  constructor(
    settings: KubernetesSettings,
    closing: AbortSignal,
    traceparent: () => string | null = () => null,
  ) {
    this.#settings = settings;
    this.#closing = closing;
    this.#traceparent = traceparent;
  }

  async namespace(): Promise<string> {
    return this.#settings.namespace ?? (await this.#load()).namespace;
  }

  /** The address, for people. */
  async server(): Promise<string> {
    return (await this.#load()).server;
  }

  /** The object that was answered. Rejects with BackendError. */
  async call<T>(operation: string, call: Call): Promise<T> {
    const answer = await this.answer(operation, call);
    if (answer.status >= 300) {
      throw refusal(operation, answer.status, answer.headers, answer.text);
    }
    return parsed<T>(operation, answer);
  }

  /** Null when there is no such object. */
  async find<T>(operation: string, call: Call): Promise<T | null> {
    try {
      return await this.call<T>(operation, call);
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'NotFound') return null;
      throw error;
    }
  }

  /** Whatever was answered, also refusals. Rejects with BackendError when nothing was. */
  async answer(operation: string, call: Call): Promise<Answer> {
    // That takes seconds on a busy machine, and none of them is the cluster's.
    await this.#load();
    const signal = AbortSignal.any([
      AbortSignal.timeout(this.#settings.timeoutSeconds * 1000),
      this.#closing,
      ...(call.signal === undefined ? [] : [call.signal]),
    ]);
    try {
      this.#rest.assertOver(operation);
      const { statusCode, headers, body } = await this.#send(call, {}, signal);
      if (statusCode === 429) this.#rest.begin(headers['retry-after']);
      return { status: statusCode, headers, text: await body.text() };
    } catch (error) {
      this.#assertOpen(operation);
      throw unreachable(operation, error);
    }
  }

  /** The body as it comes, or the refusal. The signal ends it. */
  async stream(
    operation: string,
    call: Call,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: AsyncIterable<Uint8Array> }> {
    const both = AbortSignal.any([signal, this.#closing]);
    try {
      this.#rest.assertOver(operation);
      const { statusCode, headers, body } = await this.#send(call, {}, both);
      if (statusCode === 429) this.#rest.begin(headers['retry-after']);
      if (statusCode >= 300) throw refusal(operation, statusCode, headers, await body.text());
      return { status: statusCode, body };
    } catch (error) {
      this.#assertOpen(operation);
      throw unreachable(operation, error);
    }
  }

  /** A request for somebody behind the API server: nothing of it is looked at, redirects are not followed. */
  async pass(
    path: string,
    request: { method: 'GET' | 'POST'; headers: Record<string, string>; body: Uint8Array | null },
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    return this.#send({ method: request.method, path, signal }, request, signal);
  }

  /** `onEnd` is called once, with the error if there was one. Resolves to a function that ends it. */
  async watch(
    path: string,
    query: Readonly<Record<string, string>>,
    onEvent: (phase: string, object: unknown) => void,
    onEnd: (error: unknown) => void,
  ): Promise<() => void> {
    this.#rest.assertOver('watch');
    const { watch } = await this.#load();
    const controller = await watch.watch(path, query, onEvent, onEnd);
    return () => controller.abort();
  }

  async #send(
    call: Call,
    raw: { readonly headers?: Record<string, string>; readonly body?: Uint8Array | null },
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { config, library, server } = await this.#load();
    const url = new URL(`${server.replace(/\/$/, '')}${call.path}`);
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
    const context = new library.RequestContext(url.href, library.HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    const dispatcher = context.getDispatcher();
    const json = call.body === undefined ? null : JSON.stringify(call.body);
    const traceparent = this.#traceparent();
    const type = call.patch === undefined ? 'application/json' : contentTypes[call.patch];
    return send(url, {
      method: call.method,
      headers: {
        ...(raw.headers ?? { accept: 'application/json' }),
        ...(json === null ? {} : { 'content-type': type }),
        ...(traceparent === null ? {} : { traceparent }),
        ...context.getHeaders(),
      },
      body: json ?? raw.body ?? null,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
  }

  #assertOpen(operation: string): void {
    if (this.#closing.aborted) {
      throw new BackendError('Closed', operation, 'This backend was closed.');
    }
  }

  #load(): Promise<Loaded> {
    this.#loaded ??= load(this.#settings).catch((error: unknown) => {
      this.#loaded = null;
      throw unreachable('connect', error);
    });
    return this.#loaded;
  }
}

interface Loaded {
  readonly library: typeof kubernetes;
  readonly config: kubernetes.KubeConfig;
  readonly watch: kubernetes.Watch;
  readonly server: string;
  readonly namespace: string;
}

/** The library takes seconds and a hundred MiB to load: only when it is needed. */
async function load({ connection }: KubernetesSettings): Promise<Loaded> {
  const library = await import('@kubernetes/client-node');
  const config = new library.KubeConfig();
  if (connection.kind === 'inCluster') config.loadFromCluster();
  else if (connection.kind === 'kubeconfig') {
    if (connection.file === null) config.loadFromDefault();
    else config.loadFromFile(connection.file);
    if (connection.context !== null) config.setCurrentContext(connection.context);
  } else {
    config.loadFromClusterAndUser(
      {
        name: 'cluster',
        server: connection.server,
        skipTLSVerify: connection.skipTlsVerify,
        ...(connection.authority === null
          ? {}
          : { caData: Buffer.from(connection.authority).toString('base64') }),
      },
      { name: 'user', token: connection.token.reveal() },
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('there is no cluster in the configuration');
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  return { library, config, watch: new library.Watch(config), server: cluster.server, namespace };
}

/** The object of a good answer; whoever else answered is refused. */
export function parsed<T>(operation: string, { status, headers, text }: Answer): T {
  try {
    const object: unknown = JSON.parse(text);
    if (object !== null && typeof object === 'object') return object as T;
  } catch {
    // Said below.
  }
  throw refusal(operation, status === 200 ? 502 : status, headers, text);
}

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Action, ActionPut } from './actions.ts';
import { actionSummary, mergedAction } from './actions.ts';
import type { Activation } from './activations.ts';
import { Activations, newActivationId } from './activations.ts';
import { MovableClock } from './clock.ts';
import type { ContainerFactory } from './container.ts';
import { ContainerPool } from './container-pool.ts';
import { answerFault, Faults } from './faults.ts';
import { Throttles } from './throttles.ts';

/** As the real one has them when nobody changes them. */
export const standardLimits = {
  invocationsPerMinute: 60,
  concurrentInvocations: 30,
  firesPerMinute: 60,
  minActionMemory: 128,
  maxActionMemory: 512,
  minActionTimeout: 100,
  maxActionTimeout: 300_000,
  minActionLogs: 0,
  maxActionLogs: 10,
  minActionConcurrency: 1,
  maxActionConcurrency: 1,
  maxActionInstances: 30,
  maxParameterSize: '1 MB',
  storeActivations: true,
} as const;

export interface FakeOpenWhiskOptions {
  readonly factory: ContainerFactory;
  readonly limits?: { readonly [name in keyof typeof standardLimits]?: number | boolean };
  readonly poolMemoryMiB?: number;
  /** How long after its end an activation can be looked up. */
  readonly recordDelayMs?: number;
  readonly requestBytes?: number;
}

const oneMebibyte = 1024 * 1024;
/** Longest that anybody waits for an answer. */
const longestWaitMs = 60_000;

/**
 * A controller and its one invoker, with one namespace. It behaves as OpenWhisk's source says, where it serves: namespaces,
 * limits, actions, activations, info. No web actions, triggers, rules, packages, sequences, stem
 * cells, zipped code; a container's 503 is no rescheduling.
 */
export class FakeOpenWhisk {
  readonly namespace = 'guest';
  readonly key = `${randomUUID()}:${'k'.repeat(64)}`;
  readonly clock = new MovableClock();
  readonly faults = new Faults();
  readonly activations = new Activations();
  readonly actions = new Map<string, Action>();
  readonly pool: ContainerPool;
  /** `METHOD path` of every request. */
  readonly requests: string[] = [];
  readonly #options: FakeOpenWhiskOptions;
  readonly #limits: typeof standardLimits;
  readonly #throttles: Throttles;
  readonly #server: Server;
  #port = 0;

  private constructor(options: FakeOpenWhiskOptions) {
    this.#options = options;
    this.#limits = { ...standardLimits, ...options.limits } as typeof standardLimits;
    this.#throttles = new Throttles(this.#limits);
    this.pool = new ContainerPool(options.factory, this.clock, {
      memoryMiB: options.poolMemoryMiB ?? 1024,
      pauseAfterMs: 10_000,
      removeAfterMs: 600_000,
      apiHost: 'http://fake',
    });
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) refuse(response, 500, String(error));
      });
    });
  }

  static async start(options: FakeOpenWhiskOptions): Promise<FakeOpenWhisk> {
    const fake = new FakeOpenWhisk(options);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    fake.#port = (fake.#server.address() as AddressInfo).port;
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Nobody listens, and who waited is cut off. Containers go on, and their calls are recorded. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** At the same address. */
  async startAgain(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
  }

  /** What the standalone server has forgotten when it was started again: everything. */
  async forget(): Promise<void> {
    this.actions.clear();
    this.activations.forget();
    await this.pool.loseNode();
    this.pool.isNodeAway = false;
  }

  /** Everything that its API shows. */
  listing(): string {
    return JSON.stringify([
      [...this.actions.values()],
      this.activations.list(new URLSearchParams('docs=true&limit=0')),
    ]);
  }

  async close(): Promise<void> {
    this.clock.close();
    await this.stop();
    await this.pool.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.faults.isPartitioned) {
      request.socket.destroy();
      return;
    }
    this.requests.push(`${request.method} ${request.url}`);
    response.setHeader('x-request-id', randomUUID().replaceAll('-', ''));
    const fault = this.faults.take(request);
    if (fault !== null && (await answerFault(fault, request, response))) return;
    const url = new URL(request.url ?? '', 'http://fake');
    const { pathname } = url;
    if (pathname === '/ping') return void response.end('pong');
    if (pathname === '/') return send(response, 200, this.#info());
    if (!pathname.startsWith('/api/v1/')) return refuse(response, 404);
    const refusal = this.#authentication(request);
    if (refusal !== null) {
      response.setHeader('www-authenticate', 'Basic realm="OpenWhisk secure realm"');
      return refuse(response, 401, refusal);
    }
    await this.#route(request, response, url);
  }

  #authentication(request: IncomingMessage): string | null {
    const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
    if (scheme.toLowerCase() !== 'basic') {
      return 'The resource requires authentication, which was not supplied with the request';
    }
    return Buffer.from(value, 'base64').toString('utf8') === this.key
      ? null
      : 'The supplied authentication is invalid';
  }

  async #route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const parts = url.pathname.split('/').slice(3).map(decodeURIComponent);
    const [root, namespace = '', collection, name = '', ...rest] = parts;
    if (root !== 'namespaces') return refuse(response, 404);
    if (namespace === '') return send(response, 200, [this.namespace]);
    if (namespace !== '_' && namespace !== this.namespace) {
      const words = `The supplied authentication is not authorized to access '${namespace}'.`;
      return refuse(response, 403, words);
    }
    if (collection === 'limits') return send(response, 200, this.#limits);
    if (collection === 'activations') return this.#records(response, [name, ...rest], url);
    if (collection !== 'actions' || rest.length > 0) return refuse(response, 404);
    if (name === '') {
      const limit = Number(url.searchParams.get('limit') ?? 30) || 200;
      const skip = Number(url.searchParams.get('skip') ?? 0);
      const all = [...this.actions.values()].map(actionSummary);
      return send(response, 200, all.slice(skip, skip + limit));
    }
    const body = await text(request);
    if (request.method === 'PUT') return this.#put(response, name, body, url);
    // Rights and throttles come before anything is looked for: a call of what is not there counts too.
    if (request.method === 'POST') {
      const throttled = this.#throttles.refusal(this.clock.now());
      if (throttled !== null) return refuse(response, 429, throttled);
    }
    const action = this.actions.get(name);
    if (action === undefined) return refuse(response, 404);
    if (request.method === 'POST') await this.#invoke(response, action, body, url);
    else if (request.method === 'GET') {
      const { code: _, ...exec } = action.exec;
      const isBare = url.searchParams.get('code') === 'false';
      send(response, 200, isBare ? { ...action, exec } : action);
    } else if (request.method === 'DELETE') {
      this.actions.delete(name);
      send(response, 200, action);
    } else
      refuse(response, 405, 'HTTP method not allowed, supported methods: GET, PUT, POST, DELETE');
  }

  #put(response: ServerResponse, name: string, body: string, url: URL): void {
    const before = this.actions.get(name) ?? null;
    if (!/^\w([\w@ .&-]{0,254}[\w@.&-])?$/.test(name)) {
      return refuse(response, 400, 'The name of the entity contains illegal characters.');
    }
    const put: ActionPut | null = parsed(body);
    if (put === null) return refuse(response, 400, 'The request content was malformed:\nno JSON');
    const bytes = Buffer.byteLength(JSON.stringify(put.parameters ?? []));
    if (bytes > oneMebibyte) {
      const words = `Parameters larger than allowed: ${bytes} > ${oneMebibyte} bytes.`;
      return refuse(response, 413, words);
    }
    const place = { namespace: this.namespace, name, now: this.clock.now() };
    const merged = mergedAction(before, put, place, this.#limits);
    if (typeof merged === 'string') return refuse(response, 400, merged);
    if (before !== null && url.searchParams.get('overwrite') !== 'true') {
      return refuse(response, 409, 'resource already exists');
    }
    this.actions.set(name, merged);
    send(response, 200, merged);
  }

  async #invoke(response: ServerResponse, action: Action, body: string, url: URL): Promise<void> {
    const bytes = Buffer.byteLength(body);
    const most = this.#options.requestBytes ?? oneMebibyte;
    if (bytes > most) {
      return refuse(response, 413, `Request larger than allowed: ${bytes} > ${most} bytes.`);
    }
    const payload = body === '' ? {} : parsed(body);
    if (payload === null) {
      return refuse(response, 400, 'The request content was malformed:\nObject expected');
    }
    const wait = Number(url.searchParams.get('timeout') ?? longestWaitMs);
    if (!(wait >= 1 && wait <= longestWaitMs)) {
      const words = `Timeout must be number of milliseconds up to ${longestWaitMs}.`;
      return refuse(response, 400, words);
    }
    if (this.pool.isNodeAway) {
      return refuse(response, 503, 'The server is currently unavailable.');
    }
    const activationId = newActivationId();
    const { answered, recorded } = this.pool.run(activationId, action, payload);
    this.#throttles.during(answered);
    void recorded.then((record) => this.#store(record));
    response.setHeader('x-openwhisk-activation-id', activationId);
    const isBlocking = url.searchParams.get('blocking') === 'true';
    const done = isBlocking ? await this.#within(wait, answered) : null;
    if (done === null) return send(response, 202, { activationId });
    const { status, result } = done.response;
    const code = status === 'success' ? 200 : status === 'whisk internal error' ? 500 : 502;
    const isResult = url.searchParams.get('result') === 'true' || Array.isArray(result);
    send(response, code, isResult ? result : done);
  }

  #within(milliseconds: number, work: Promise<Activation>): Promise<Activation | null> {
    return new Promise((resolve) => {
      const cancel = this.clock.schedule(milliseconds, () => resolve(null));
      void work.then((activation) => {
        cancel();
        resolve(activation);
      });
    });
  }

  #store(activation: Activation): void {
    if (!this.#limits.storeActivations) return;
    const delay = this.#options.recordDelayMs ?? 0;
    if (delay === 0) this.activations.store(activation);
    else this.clock.schedule(delay, () => this.activations.store(activation));
  }

  #records(response: ServerResponse, [id = '', part]: readonly string[], url: URL): void {
    if (id === '') {
      const { searchParams } = url;
      if (searchParams.get('docs') === 'true' && searchParams.get('count') === 'true') {
        return refuse(response, 400, "The parameter 'docs' is not permitted with 'count'.");
      }
      return send(response, 200, this.activations.list(searchParams));
    }
    if (!/^[0-9a-f]{32}$/.test(id)) {
      return refuse(response, 400, 'The activation id is not valid.');
    }
    const found = this.activations.get(id);
    if (found === null) refuse(response, 404);
    else if (part === 'logs') send(response, 200, { logs: found.logs });
    else if (part === 'result') send(response, 200, found.response);
    else send(response, 200, found);
  }

  #info(): object {
    const { invocationsPerMinute, concurrentInvocations, firesPerMinute, ...limits } = this.#limits;
    return {
      description: 'OpenWhisk',
      support: { github: 'https://github.com/apache/openwhisk/issues' },
      api_paths: ['/api/v1'],
      runtimes: { nodejs: [{ kind: 'nodejs:20', default: true, deprecated: false }] },
      limits: {
        actions_per_minute: invocationsPerMinute,
        concurrent_actions: concurrentInvocations,
        triggers_per_minute: firesPerMinute,
        sequence_length: 50,
        min_action_duration: limits.minActionTimeout,
        max_action_duration: limits.maxActionTimeout,
        min_action_memory: limits.minActionMemory * oneMebibyte,
        max_action_memory: limits.maxActionMemory * oneMebibyte,
      },
    };
  }
}

function parsed(body: string): object | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function send(response: ServerResponse, code: number, value: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, code: number, words?: string): void {
  const error = words ?? 'The requested resource does not exist.';
  send(response, code, { error, code: String(response.getHeader('x-request-id') ?? '') });
}

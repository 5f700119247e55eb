import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isRecord } from './arguments.ts';
import { requestOf, resultOf } from './action-request.ts';
import { bringFiles } from './action-files.ts';
import { openApi, type ApiOptions, type ModuleApi } from './api.ts';
import { respond } from './http-service.ts';
import { loadModule } from './load-module.ts';

export interface ActionOptions extends Omit<ApiOptions, 'artifact' | 'trainEndpoint'> {
  readonly module: string;
  readonly host: string;
  /** 0 takes any free port, and says which on standard output. */
  readonly port: number;
}

/** Ends the log of one activation, on both streams. */
const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';

/**
 * The protocol of an OpenWhisk action container, until SIGTERM or SIGINT: `POST /init` loads the model, `POST /run`
 * replays the request that it carries into the module's API, in this process.
 */
export async function serveAction(options: ActionOptions): Promise<void> {
  const action = new Action(options);
  const server = actionService(action);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  // What stands on standard output before the first run is taken for its log.
  if (options.port === 0) {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(JSON.stringify({ type: 'listening', port }) + '\n');
  }
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
  process.exit(0);
}

/** An answer of the container; the platform discards one without a Content-Length. */
interface ActionReply {
  readonly status: 200 | 400 | 404 | 405 | 500 | 502;
  readonly body: string;
}

class Action {
  readonly #options: ActionOptions;
  #api: Promise<ModuleApi> | null = null;
  #isLoaded = false;

  constructor(options: ActionOptions) {
    this.#options = options;
  }

  /** Loads the model once, however often it is asked. A load that failed may be tried again. */
  async init(message: unknown): Promise<ActionReply> {
    try {
      this.#api ??= this.#open(environmentOf(message));
      await this.#api;
      this.#isLoaded = true;
      return { status: 200, body: 'OK' };
    } catch (error) {
      this.#api = null;
      endLog();
      return failure(500, sentenceOf(error));
    }
  }

  async run(message: unknown): Promise<ActionReply> {
    try {
      if (this.#api === null || !this.#isLoaded) {
        return failure(502, 'The action is not initialized. See logs for details.');
      }
      const value = isRecord(message) ? (message['value'] ?? {}) : null;
      if (!isRecord(message) || !isRecord(value)) {
        return failure(400, 'The action did not receive a dictionary as an argument.');
      }
      setContext(message);
      const { routes } = await this.#api;
      let request;
      try {
        request = requestOf(value);
      } catch (error) {
        return failure(400, sentenceOf(error));
      }
      const reply = await respond(routes, request, logError);
      return { status: 200, body: JSON.stringify(resultOf(reply)) };
    } catch (error) {
      return failure(500, sentenceOf(error));
    } finally {
      endLog();
    }
  }

  async #open(environment: Readonly<Record<string, string>>): Promise<ModuleApi> {
    const { artifact, rest } = await bringFiles(environment);
    Object.assign(process.env, rest);
    const loaded = await loadModule(this.#options.module);
    return openApi(loaded, { ...this.#options, artifact, trainEndpoint: false }, logError);
  }
}

function actionService(action: Action): Server {
  const server = createServer((request, response) => {
    answer(action, request)
      .catch((error: unknown) => failure(500, sentenceOf(error)))
      .then((reply) => send(response, reply))
      .catch(() => response.destroy());
  });
  // The limits are the platform's: it ends what takes too long.
  server.requestTimeout = 0;
  return server;
}

async function answer(action: Action, request: IncomingMessage): Promise<ActionReply> {
  const path = (request.url ?? '').split('?')[0];
  if (path !== '/init' && path !== '/run') return failure(404, 'There are /init and /run.');
  if (request.method !== 'POST') return failure(405, 'It is asked by POST.');
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  let message: unknown;
  try {
    const text = Buffer.concat(chunks).toString('utf8');
    message = text === '' ? {} : JSON.parse(text);
  } catch {
    endLog();
    return failure(400, 'The request is not JSON.');
  }
  return path === '/init' ? action.init(message) : action.run(message);
}

function send(response: ServerResponse, { status, body }: ActionReply): void {
  const type = body === 'OK' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, headers).end(body);
}

function failure(status: Exclude<ActionReply['status'], 200>, error: string): ActionReply {
  return { status, body: JSON.stringify({ error }) };
}

/** `value.env` of an /init: what the platform says of the action, and its `init` parameters. Values that are no texts become JSON. */
function environmentOf(message: unknown): Record<string, string> {
  const value = isRecord(message) ? message['value'] : null;
  const environment = isRecord(value) ? value['env'] : null;
  if (!isRecord(environment)) return {};
  return Object.fromEntries(
    Object.entries(environment).map(([name, one]) => [
      name,
      typeof one === 'string' ? one : JSON.stringify(one),
    ]),
  );
}

/** A module may look at the call it answers: `__OW_ACTIVATION_ID`, `__OW_DEADLINE` and their like. */
function setContext(message: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(message)) {
    if (name !== 'value' && typeof value === 'string')
      process.env[`__OW_${name.toUpperCase()}`] = value;
  }
}

function endLog(): void {
  process.stdout.write(`${sentinel}\n`);
  process.stderr.write(`${sentinel}\n`);
}

function logError(text: string): void {
  process.stderr.write(`${text}\n`);
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** What a server does to one subscription, step by step. */
export type Step =
  | { readonly next: unknown }
  | { readonly errors: readonly unknown[] }
  | { readonly close: number }
  | 'complete'
  /** The connection is gone without a word. */
  | 'cut'
  /** Nothing more, not even an answer to a ping. */
  | 'silence'
  | { readonly wait: Promise<void> };

export interface Asked {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Called for every subscription that is opened, in order; `turn` is 0, 1, 2 … */
export type Script = (asked: Asked, turn: number) => Iterable<Step> | AsyncIterable<Step>;
export type Answer = (
  asked: Asked,
  request: IncomingMessage,
  response: ServerResponse,
  turn: number,
) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly port: number;
  /** Every subscription that was opened. */
  readonly asked: Asked[];
  /** Subscriptions that the client ended by itself. */
  readonly ended: number;
  readonly sockets: number;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly script?: Script;
  readonly answer?: Answer;
  readonly port?: number;
}

/** A server that speaks both protocols of subscriptions and does exactly what a script says. */
export async function startScriptedServer(options: ServerOptions): Promise<ScriptedServer> {
  const state = { asked: [] as Asked[], ended: 0, sockets: 0, requests: 0 };
  const server = createServer((request, response) => {
    void body(request).then((text) => {
      const { query = '', variables = {} } = parsed(text);
      const asked = { query, variables, headers: request.headers };
      if (request.headers.accept?.includes('text/event-stream') === true) {
        state.asked.push(asked);
        const steps = options.script?.(asked, state.asked.length - 1) ?? [];
        return playEvents(steps, request, response, () => (state.ended += 1));
      }
      options.answer?.(asked, request, response, state.requests++);
      return undefined;
    });
  });
  const webSockets = new WebSocketServer({
    server,
    handleProtocols: () => 'graphql-transport-ws',
  });
  webSockets.on('connection', (socket) => {
    state.sockets += 1;
    let params: Readonly<Record<string, unknown>> = {};
    let deaf = false;
    const stops = new Map<string, () => void>();
    socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as Message;
      if (message.type === 'connection_init') {
        params = message.payload ?? {};
        socket.send('{"type":"connection_ack"}');
      } else if (message.type === 'ping' && !deaf) socket.send('{"type":"pong"}');
      else if (message.type === 'complete') {
        state.ended += 1;
        stops.get(message.id)?.();
      } else if (message.type === 'subscribe') {
        const { query = '', variables = {} } = message.payload as Partial<Asked>;
        const asked = { query, variables, headers: params };
        state.asked.push(asked);
        const steps = options.script?.(asked, state.asked.length - 1) ?? [];
        let stopped = false;
        stops.set(message.id, () => (stopped = true));
        void playSocket(
          steps,
          message.id,
          socket,
          () => stopped,
          () => (deaf = true),
        );
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    port,
    asked: state.asked,
    get ended() {
      return state.ended;
    },
    get sockets() {
      return state.sockets;
    },
    stop: () => stop(server, webSockets),
  };
}

interface Message {
  readonly type: string;
  readonly id: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

async function playSocket(
  steps: Iterable<Step> | AsyncIterable<Step>,
  id: string,
  socket: WebSocket,
  stopped: () => boolean,
  fallSilent: () => void,
): Promise<void> {
  for await (const step of steps) {
    if (stopped()) return;
    if (step === 'silence') return fallSilent();
    if (step === 'complete') socket.send(JSON.stringify({ id, type: 'complete' }));
    else if (step === 'cut') {
      await sent(socket);
      socket.terminate();
    } else if ('wait' in step) await step.wait;
    else if ('close' in step) socket.close(step.close, 'scripted');
    else if ('errors' in step) {
      socket.send(JSON.stringify({ id, type: 'error', payload: step.errors }));
    } else socket.send(JSON.stringify({ id, type: 'next', payload: step.next }));
  }
}

async function playEvents(
  steps: Iterable<Step> | AsyncIterable<Step>,
  request: IncomingMessage,
  response: ServerResponse,
  ended: () => void,
): Promise<void> {
  response.once('close', () => {
    if (!response.writableFinished) ended();
  });
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(':\n\n');
  for await (const step of steps) {
    if (response.destroyed || step === 'silence') return;
    if (step === 'complete') response.end('event: complete\ndata:\n\n');
    else if (step === 'cut') {
      // What was said before the cut arrives; what a client must ask for again is what was not said.
      await new Promise((resolve) => response.write(':\n\n', resolve));
      request.socket.destroy();
    } else if ('wait' in step) await step.wait;
    // A server that goes away in good order ends the body without the event.
    else if ('close' in step) response.end();
    else {
      const result = 'errors' in step ? { errors: step.errors } : step.next;
      response.write(`event: next\ndata: ${JSON.stringify(result)}\n\n`);
    }
  }
}

function sent(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => socket.ping('', false, () => resolve()));
}

async function stop(server: Server, webSockets: WebSocketServer): Promise<void> {
  for (const socket of webSockets.clients) socket.terminate();
  webSockets.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function body(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function parsed(text: string): Partial<Asked> {
  return text.startsWith('{') ? (JSON.parse(text) as Partial<Asked>) : {};
}

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { RawClient } from '../edge/socket-client.ts';
import type { FollowedRun } from './followed-run.ts';

const query = `subscription ($id: ID!, $after: Int!) {
  trainingRunEvents(id: $id, after: $after) { sequence }
}`;

/** When they are gone: before they hear anything, in the middle of what was, or while they wait for what comes. */
const moments = ['unheard', 'replaying', 'following'] as const;
type Moment = (typeof moments)[number];
/** Events that a reader who replays has before it when it vanishes at the first. */
const unread = 20;
const transports = [bySocket, byStream] as const;

/** Of as many callers: over subgraphs each has a stream there of their own, opened by their first reader and left by the last. */
const callers = 10;

/** `count` readers, `atOnce` at a time, of every moment and transport; each has a connection, and is gone without a word. */
export async function vanish(run: FollowedRun, count: number, atOnce: number): Promise<void> {
  if (run.head() < unread) throw new Error('There is too little to be in the middle of.');
  const url = new URL(run.url);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const at = (next += 1);
      // The run goes on, as seldom as that: each event waits for the disk, and this process with it.
      if (at % atOnce === 0) await run.tell();
      const moment = moments[at % moments.length] ?? 'following';
      const read = transports[at % transports.length] ?? bySocket;
      const caller = `Bearer ${Math.floor(at / atOnce) % callers}`;
      // From the newest on: a reader who has more before it would be told of that, and the log is not what is tried here.
      const head = run.head();
      const after = moment === 'replaying' ? head - unread : head - 1;
      await read({ url, caller, asked: { query, variables: { id: run.id, after } } }, moment);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

interface Reader {
  readonly url: URL;
  readonly caller: string;
  readonly asked: object;
}

/** What a reader that comes now hears first. */
export async function firstOf(run: FollowedRun, after: number): Promise<unknown> {
  const client = await new RawClient(run.url).init();
  client.subscribe('1', query, { id: run.id, after });
  const { payload } = await client.until(({ type }) => type === 'next');
  client.socket.close();
  await client.closed;
  return payload;
}

// Written by hand: a client library would cost this process more than the server does.

async function bySocket({ url, caller, asked }: Reader, moment: Moment): Promise<void> {
  const line = new Line(url);
  await line.say(
    Buffer.concat([
      Buffer.from(
        `GET ${url.pathname} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: ${caller}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${'A'.repeat(22)}==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n`,
      ),
      frame({ type: 'connection_init' }),
    ]),
  );
  await line.hears('"connection_ack"');
  await line.say(frame({ type: 'subscribe', id: '1', payload: asked }));
  await line.cut(moment, '"type":"next"');
}

async function byStream({ url, caller, asked }: Reader, moment: Moment): Promise<void> {
  const line = new Line(url);
  const body = JSON.stringify(asked);
  await line.say(
    `POST ${url.pathname} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: ${caller}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  await line.cut(moment, 'event: next');
}

class Line {
  readonly #socket: Socket;
  #heard = '';
  #changed: () => void = () => undefined;

  constructor({ port }: URL) {
    this.#socket = connect(Number(port), '127.0.0.1');
    this.#socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
      this.#changed();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#changed());
  }

  say(words: string | Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.write(words, () => resolve()));
  }

  async hears(words: string): Promise<void> {
    while (!this.#heard.includes(words)) {
      if (this.#socket.closed) throw new Error(`It was closed after ${this.#heard}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  /** No close frame, no last chunk. What was said last is read by the server all the same, unless the socket is reset. */
  async cut(moment: Moment, first: string): Promise<void> {
    if (moment === 'unheard') this.#socket.destroy();
    else {
      await this.hears(first);
      this.#socket.resetAndDestroy();
    }
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }
}

/** One text message, masked as a client's are, by zeros. */
function frame(message: object): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  const isShort = text.length < 126;
  const header = Buffer.alloc(isShort ? 6 : 8);
  header.writeUInt8(0x81, 0);
  header.writeUInt8(0x80 + (isShort ? text.length : 126), 1);
  if (!isShort) header.writeUInt16BE(text.length, 2);
  return Buffer.concat([header, text]);
}

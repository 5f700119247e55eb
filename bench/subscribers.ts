import { WebSocket } from 'ws';

// Run in a process of its own: opens its share of the subscribers, checks every event, and reports to its parent.

export interface Share {
  readonly url: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly subscribers: number;
  /** How many sockets one of them may need: like any client it resumes behind its last event. Absent: one. */
  readonly openings?: number;
}

/** To the subscribers: `begin` and `end` bound the window in which deliveries count. */
export type Command = { readonly share: Share } | 'begin' | 'end';

/** From them: all have their first event; or what the window saw. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | ({ readonly type: 'seen' } & Seen);

export interface Seen {
  /** Events received in the window, over all subscribers. */
  readonly delivered: number;
  /** Of each of them, from the event's time to its receipt, milliseconds. */
  readonly latencies: readonly number[];
  /** Events that did not follow the one before, since the first one of the log. */
  readonly gaps: number;
  /** How far the last events of two subscribers are apart. */
  readonly spread: number;
  /** Sockets that were lost, before their first event or later, and followed by another. */
  readonly reopened: number;
}

interface Message {
  readonly type: string;
  readonly payload?: {
    readonly data?: {
      readonly trainingRunEvents: { readonly sequence: number; readonly at: string };
    };
    readonly errors?: unknown;
  };
}

const openingAtOnce = 50;
const pauseMs = 1_000;

let isCounting = false;
let latencies: number[] = [];
let gaps = 0;
let reopened = 0;
const last: number[] = [];

process.on('message', (command: Command) => {
  if (command === 'begin') {
    latencies = [];
    isCounting = true;
  } else if (command === 'end') {
    isCounting = false;
    report({
      type: 'seen',
      delivered: latencies.length,
      latencies,
      gaps,
      spread: Math.max(...last) - Math.min(...last),
      reopened,
    });
  } else {
    openAll(command.share).then(
      () => report({ type: 'ready' }),
      (error: unknown) => report({ type: 'failed', message: String(error) }),
    );
  }
});
process.on('disconnect', () => process.exit(0));

function report(message: Report): void {
  process.send?.(message);
}

async function openAll(share: Share): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < share.subscribers) await open(share, next++);
  };
  await Promise.all(Array.from({ length: openingAtOnce }, worker));
}

/** Resolves with the first event. An end of any kind for which there is no further socket is a failure of the whole run. */
function open(share: Share, index: number): Promise<void> {
  const { url, query, variables, openings = 1 } = share;
  return new Promise((resolve, reject) => {
    let expected = (variables['after'] as number) + 1;
    let left = openings;
    const connect = (): void => {
      left -= 1;
      const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', {
        perMessageDeflate: false,
      });
      let isLost = false;
      const lose = (message: string): void => {
        if (isLost) return;
        isLost = true;
        socket.terminate();
        if (left > 0) {
          reopened += 1;
          setTimeout(connect, pauseMs);
        } else {
          reject(new Error(message));
          report({ type: 'failed', message });
        }
      };
      socket.on('error', (error) => lose(`a socket failed: ${error.message}`));
      socket.on('close', (code) => lose(`a socket was closed: ${code}`));
      socket.on('open', () => socket.send('{"type":"connection_init"}'));
      socket.on('message', (data: Buffer) => {
        const now = Date.now();
        const { type, payload } = JSON.parse(data.toString()) as Message;
        if (isLost || type === 'ping') return;
        if (type === 'connection_ack') {
          const behind = { ...variables, after: expected - 1 };
          socket.send(
            JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: behind } }),
          );
          return;
        }
        const event = payload?.data?.trainingRunEvents;
        if (type !== 'next' || event === undefined) {
          lose(`not an event: ${data.toString().slice(0, 200)}`);
          return;
        }
        if (event.sequence !== expected) gaps += 1;
        expected = event.sequence + 1;
        last[index] = event.sequence;
        if (isCounting) latencies.push(now - Date.parse(event.at));
        resolve();
      });
    };
    connect();
  });
}

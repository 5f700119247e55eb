import { WebSocket } from 'ws';

// Run in a process of its own: opens its share of the subscribers, checks every event, and reports to its parent.

export interface Share {
  readonly url: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly subscribers: number;
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

let isCounting = false;
let latencies: number[] = [];
let gaps = 0;
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

/** Resolves with the first event. Afterwards, an end of any kind is a failure of the whole run. */
function open({ url, query, variables }: Share, index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', {
      perMessageDeflate: false,
    });
    let expected = 1;
    const fail = (message: string) => {
      reject(new Error(message));
      report({ type: 'failed', message });
    };
    socket.on('error', (error) => fail(`a socket failed: ${error.message}`));
    socket.on('close', (code) => fail(`a socket was closed: ${code}`));
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data: Buffer) => {
      const now = Date.now();
      const { type, payload } = JSON.parse(data.toString()) as Message;
      if (type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }));
        return;
      }
      const event = payload?.data?.trainingRunEvents;
      if (type !== 'next' || event === undefined) {
        if (type !== 'ping') fail(`not an event: ${data.toString().slice(0, 200)}`);
        return;
      }
      if (event.sequence !== expected && expected !== 1) gaps += 1;
      if (expected === 1 && event.sequence !== (variables['after'] as number) + 1) gaps += 1;
      expected = event.sequence + 1;
      last[index] = event.sequence;
      if (isCounting) latencies.push(now - Date.parse(event.at));
      resolve();
    });
  });
}

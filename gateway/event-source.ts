import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { Outcome } from './operations.ts';
import { textOf } from './written-once.ts';

/**
 * Answers by server-sent events: the "distinct connections" mode of the graphql-sse protocol (one operation a connection,
 * events `next` and `complete`). Written here because the library's handler queues without a bound for a slow reader; here
 * the next event is pulled only when the socket has taken the last one.
 */
export async function answerByEvents(
  response: ServerResponse,
  outcome: Outcome,
  headers: Readonly<Record<string, string>>,
  pingMs: number,
  stopped: AbortSignal,
): Promise<void> {
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'content-encoding': 'none',
    'x-accel-buffering': 'no',
  });
  // Some browsers report the connection as open only after the first bytes.
  await write(response, ':\n\n');
  const pings = setInterval(() => {
    if (response.writableLength === 0) response.write(':\n\n');
  }, pingMs);
  try {
    if (outcome.kind === 'refused') await write(response, nextEvent({ errors: outcome.errors }));
    else if (outcome.kind === 'result') await write(response, nextEvent(outcome.result));
    else for await (const result of outcome.stream) await write(response, nextEvent(result));
    // A stream that the server ends early is not complete: its client reconnects and resumes.
    if (!stopped.aborted) await write(response, 'event: complete\ndata:\n\n');
  } finally {
    clearInterval(pings);
    response.end();
  }
}

function nextEvent(result: ExecutionResult): string {
  return `event: next\ndata: ${textOf(result)}\n\n`;
}

async function write(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    response.off('drain', done);
    response.off('close', done);
    resolve();
  };
  response.on('drain', done);
  response.on('close', done);
  await promise;
}

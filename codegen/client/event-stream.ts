import { ConnectionError } from './errors.ts';
import { EventParser } from './event-parser.ts';
import { type Fetch, type HeaderSource, parsedResult, refusedBy, unreachable } from './http.ts';
import { dataOf, type RawResult } from './read-result.ts';
import { asError } from './retry.ts';
import type { StreamRequest, Transport } from './transport.ts';

export interface EventStreamOptions {
  readonly url: string;
  readonly headers: HeaderSource;
  readonly fetch: Fetch;
  readonly now: () => number;
  /** Of the time until the first byte, in milliseconds. */
  readonly timeoutMs: number;
  /** A connection without a byte for this long is lost; servers send a comment more often. */
  readonly silenceMs: number;
}

/** Server-sent events, one request a subscription (graphql-sse's "distinct connections"). */
export function eventStreamTransport(options: EventStreamOptions): Transport {
  const closed = new AbortController();
  return {
    async *open(request, signal) {
      const silence = new AbortController();
      const stop = AbortSignal.any([signal, closed.signal, silence.signal]);
      let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
      try {
        reader = (await openBody(options, request, stop)).getReader();
        yield* results(reader, () => timer(options.silenceMs, silence));
      } catch (error) {
        if (signal.aborted) throw asError(signal.reason);
        if (closed.signal.aborted) throw clientClosed();
        if (silence.signal.aborted) {
          throw new ConnectionError(`The stream was silent for ${options.silenceMs} ms.`);
        }
        throw error;
      } finally {
        reader?.cancel().catch(() => undefined);
      }
    },
    close: () => closed.abort(),
  };
}

export function clientClosed(): ConnectionError {
  return new ConnectionError('The client was closed.', { retryable: false });
}

async function openBody(
  { url, headers, fetch, timeoutMs, now }: EventStreamOptions,
  { query, operationName, variables }: StreamRequest,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const given = await headers();
  // The time limit is for the head only; the body may last for days.
  const late = new AbortController();
  const stopTimer = timer(timeoutMs, late);
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...given, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query, operationName, variables }),
    signal: AbortSignal.any([signal, late.signal]),
  })
    .catch((error: unknown) => {
      throw unreachable(error, late.signal.aborted ? timeoutMs : null);
    })
    .finally(stopTimer);
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && type.startsWith('text/event-stream') && response.body !== null) {
    return response.body;
  }
  const text = await response.text();
  const result = parsedResult(text);
  if (result !== null) dataOf(result);
  throw refusedBy(response, text, now());
}

/** Reads only as fast as it is asked; silence is counted only while it waits for the server. */
async function* results(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  countSilence: () => () => void,
): AsyncGenerator<RawResult, void> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader
      .read()
      .catch((error: unknown) => {
        throw new ConnectionError('The stream broke off.', { cause: error });
      })
      .finally(countSilence());
    if (done) throw new ConnectionError('The stream ended before the server called it complete.');
    for (const { type, data } of parser.push(decoder.decode(value, { stream: true }))) {
      if (type === 'complete') return;
      if (type !== 'next') continue;
      const result = parsedResult(data);
      if (result === null) {
        throw new ConnectionError('The stream carries something else than results.');
      }
      yield result;
    }
  }
}

/** Aborts after a while unless the function it returns is called before. */
function timer(ms: number, controller: AbortController): () => void {
  const handle = setTimeout(() => controller.abort(), ms);
  return () => clearTimeout(handle);
}

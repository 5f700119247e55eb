import { BackendError } from '../contract/error.ts';
import type { InvokeResponse } from '../contract/service-runner.ts';

/** What a client of HTTP has when the headers came, as undici's `request` gives it. */
export interface Begun {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export type Answer = Omit<InvokeResponse, 'replica'>;

/** The whole answer; one longer than the limit rejects with `Unexpected` when that is seen, not at its end. */
export async function readAnswer(begun: Begun, limitBytes: number): Promise<Answer> {
  const body = await readLimited(begun.body, limitBytes);
  return { status: begun.statusCode, headers: singleHeaders(begun.headers), body };
}

async function readLimited(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limitBytes) {
      const message = `The answer is longer than ${limitBytes} bytes.`;
      throw new BackendError('Unexpected', 'invoke', message);
    }
    chunks.push(chunk);
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

function singleHeaders(headers: Begun['headers']): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return single;
}

import { ConnectionError } from './errors.ts';
import { exchange, type Fetch, type Headers, refusedBy } from './http.ts';
import { apiError } from './read-result.ts';
import { delayAfter, isRetryable, pause, type RetryPolicy } from './retry.ts';
import { type UploadBody, uploadSource } from './upload-source.ts';

export interface UploadRequest {
  readonly url: string;
  readonly body: UploadBody;
  readonly signal: AbortSignal;
  readonly onProgress: (sent: number, total: number) => void;
  /** Of one request. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly fetch: Fetch;
  readonly now: () => number;
}

interface Place {
  readonly offset: number;
  readonly total: number;
}

const partBytes = 4 * 1024 * 1024;
const version: Headers = { 'tus-resumable': '1.0.0' };

/**
 * Sends bytes to an upload URL by the core of the tus protocol 1.0: asks how much is there, sends the rest in parts, and
 * after a lost connection asks again. Throws when the server refuses for good, for example by DIGEST_MISMATCH.
 */
export async function upload(request: UploadRequest): Promise<void> {
  const { body, signal, onProgress, retry } = request;
  const source = uploadSource(body);
  let failures = 0;
  let place: Place | null = null;
  try {
    for (;;) {
      try {
        place ??= await ask(request);
        onProgress(place.offset, place.total);
        if (place.offset >= place.total) return;
        const most = Math.min(partBytes, place.total - place.offset);
        const part = await source.read(place.offset, most);
        if (part.length === 0) {
          throw new RangeError(`There are ${place.offset} bytes, the upload is of ${place.total}.`);
        }
        place = { offset: await sendPart(request, part, place.offset), total: place.total };
        failures = 0;
      } catch (error) {
        signal.throwIfAborted();
        failures += 1;
        if (failures >= retry.attempts || !isRetryable(error)) throw error;
        place = null;
        await pause(delayAfter(failures, error, retry), signal);
      }
    }
  } finally {
    await source.close().catch(() => undefined);
  }
}

async function ask(request: UploadRequest): Promise<Place> {
  const response = await exchanged(request, { method: 'HEAD', headers: version });
  const offset = wholeNumber(response, 'upload-offset');
  const total = wholeNumber(response, 'upload-length');
  if (offset === null || total === null) {
    throw new ConnectionError('The server does not say how much of the upload it has.', {
      retryable: false,
    });
  }
  return { offset, total };
}

/** Returns the offset behind what the server has now. */
async function sendPart(request: UploadRequest, part: Uint8Array, offset: number): Promise<number> {
  const response = await exchanged(request, {
    method: 'PATCH',
    headers: {
      ...version,
      'content-type': 'application/offset+octet-stream',
      'upload-offset': String(offset),
    },
    // A view of a larger buffer is what `fetch` takes; only its type wants to know what is behind it.
    body: part as Uint8Array<ArrayBuffer>,
  });
  const stored = wholeNumber(response, 'upload-offset');
  if (stored === null) throw new ConnectionError(`The server did not take the part at ${offset}.`);
  return stored;
}

async function exchanged(request: UploadRequest, init: RequestInit): Promise<Response> {
  const { url, signal, timeoutMs, fetch, now } = request;
  const { response, text } = await exchange(
    async (limited) => {
      const answer = await fetch(url, { ...init, signal: limited });
      return { response: answer, text: await answer.text() };
    },
    signal,
    timeoutMs,
  );
  if (response.ok) return response;
  // Another sender, or a part that arrived although its answer was lost: asking again tells.
  if (response.status === 409) throw new ConnectionError('The server is at another offset.');
  if (response.status === 404 || response.status === 410) throw gone();
  throw refusedBy(response, text, now());
}

/** An answer to HEAD has no body that could say more. */
function gone(): Error {
  const message = 'There is no such upload: it was refused, it has expired, or the link has.';
  return apiError([{ message, extensions: { code: 'NOT_FOUND' } }]);
}

function wholeNumber(response: Response, header: string): number | null {
  const value = response.headers.get(header);
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}

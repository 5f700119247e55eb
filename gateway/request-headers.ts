import type { IncomingHttpHeaders } from 'node:http';
import type { Incoming } from './executor.ts';

/** Node's headers as one string each. */
export function headersOf(headers: IncomingHttpHeaders): Incoming['headers'] {
  const flat: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** A caller may name its request, so that one id runs through its logs and ours; anything odd is replaced. */
export function requestIdFrom(
  headers: IncomingHttpHeaders | Incoming['headers'],
  newRequestId: () => string,
): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w-]{1,64}$/u.test(given) ? given : newRequestId();
}

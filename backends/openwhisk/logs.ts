import { isJsonObject } from '../../domain/json.ts';
import type { JsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import { logLine } from './log-lines.ts';
import { activationsPath } from './names.ts';
import type { FunctionHandle, Site } from './site.ts';
import { notFound } from './site.ts';

const pageLength = 200;
const chunkLines = 500;

interface Ended {
  readonly id: string;
  readonly start: number;
  readonly end: number;
}

/** Records appear when a call has ended, and not quite in that order. */
interface Position {
  /** Everything that ended up to here was read, */
  readonly until: number;
  /** and of what ended later these: the start of their ids, and when they ended. */
  readonly seen: { readonly [id: string]: number };
  /** Lines of the call that was being read. */
  readonly within: { readonly id: string; readonly lines: number } | null;
}

/** Of all calls that have ended, in the order of their ends. */
export async function* readLogs(
  site: Site,
  handle: FunctionHandle,
  { after, signal }: { readonly after: string | null; readonly signal: AbortSignal },
): AsyncGenerator<LogChunk> {
  let position = parseCursor(after);
  if ((await site.find('logs', handle, signal)) === null) throw notFound('logs');
  for (const ended of await unread(site, handle, position, signal)) {
    if (signal.aborted) return;
    const raw = await linesOf(site, ended, signal);
    const lines = raw.map((one) => logLine(one, ended.end));
    let place = position.within?.id === ended.id ? position.within.lines : 0;
    while (place < lines.length) {
      const some = lines.slice(place, place + chunkLines);
      place += some.length;
      const isWhole = place >= lines.length;
      position = isWhole
        ? passed(position, ended, site.settings.recordDelayMs)
        : { ...position, within: { id: ended.id, lines: place } };
      yield { cursor: formCursor(position), lines: some };
      site.assertOpen('logs');
    }
    if (lines.length === 0) position = passed(position, ended, site.settings.recordDelayMs);
  }
}

/** Sorted by their ends. The platform lists by the starts, newest first. */
async function unread(
  site: Site,
  { name, timeoutMs }: FunctionHandle,
  { until, seen, within }: Position,
  signal: AbortSignal,
): Promise<readonly Ended[]> {
  const path = activationsPath(site.settings.namespace);
  // Whoever ended after `until` began at most so long before it.
  const since = String(Math.max(0, until - 2 * timeoutMs - 1000));
  const found = new Map<string, Ended>();
  const listed = new Set<string>();
  for (let skip = 0; !signal.aborted; skip += pageLength) {
    const query = { name, since, limit: String(pageLength), skip: String(skip) };
    const page = await site.client.call('logs', { method: 'GET', path, query, signal });
    if (!Array.isArray(page)) {
      throw new BackendError('Unexpected', 'logs', 'OpenWhisk answered with no list.');
    }
    const before = listed.size;
    for (const one of page as readonly unknown[]) {
      const ended = isJsonObject(one) ? endedOf(one) : null;
      if (ended !== null) listed.add(ended.id);
      // What began while we turned pages moves the rest on by one: the same one may come again.
      if (ended !== null && ended.end > until && !Object.hasOwn(seen, short(ended.id))) {
        found.set(ended.id, ended);
      }
    }
    // A page that brings nothing new is no page of a list.
    if (page.length < pageLength || listed.size === before) break;
  }
  const sorted = [...found.values()].toSorted((a, b) => a.end - b.end || (a.id < b.id ? -1 : 1));
  // What was being read is read to its end first, whatever else has come to light.
  const begun = sorted.filter(({ id }) => id === within?.id);
  return [...begun, ...sorted.filter(({ id }) => id !== within?.id)];
}

async function linesOf(site: Site, { id }: Ended, signal: AbortSignal): Promise<readonly string[]> {
  const path = `${activationsPath(site.settings.namespace)}/${id}/logs`;
  const document = await site.client.find('logs', { method: 'GET', path, signal });
  const logs = isJsonObject(document) ? document['logs'] : null;
  return Array.isArray(logs) ? logs.map(String) : [];
}

function endedOf({ activationId, start, end }: JsonObject): Ended | null {
  const isOne =
    typeof activationId === 'string' && typeof start === 'number' && typeof end === 'number';
  return isOne ? { id: activationId, start, end } : null;
}

/** `ended` was read to its end. One that ended before it may still come to light, for so long. */
function passed({ until, seen }: Position, ended: Ended, delayMs: number): Position {
  const settled = Math.max(until, ended.end - delayMs);
  const all = { ...seen, [short(ended.id)]: ended.end };
  const open = Object.entries(all).filter(([, end]) => end > settled);
  return { until: settled, seen: Object.fromEntries(open), within: null };
}

function short(id: string): string {
  return id.slice(0, 12);
}

function formCursor(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function parseCursor(after: string | null): Position {
  if (after === null) return { until: 0, seen: {}, within: null };
  try {
    const value: unknown = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
    if (isPosition(value)) return value;
  } catch {
    // Said below.
  }
  throw new BackendError('Rejected', 'logs', `${JSON.stringify(after)} is no cursor of ours.`);
}

function isPosition(value: unknown): value is Position {
  if (!isJsonObject(value)) return false;
  const { until, seen, within } = value;
  const isWithin =
    within === null ||
    (isJsonObject(within) &&
      typeof within['id'] === 'string' &&
      typeof within['lines'] === 'number');
  const isSeen = isJsonObject(seen) && Object.values(seen).every((end) => typeof end === 'number');
  return typeof until === 'number' && isSeen && isWithin;
}

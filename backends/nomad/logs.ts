import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import type { LogFrame } from './log-frames.ts';
import { logFrames } from './log-frames.ts';
import type { LogLine, LogPosition } from './log-lines.ts';
import { bytesBefore, firstCounted, logLines } from './log-lines.ts';
import type { NativeAllocation } from './native.ts';
import { startOf } from './observe.ts';
import type { Site } from './site.ts';
import { timeOfNanoseconds } from './times.ts';
import { taskName } from './translate.ts';

type Positions = Readonly<Record<string, LogPosition>>;

/** One stream of the program of one allocation. */
interface Source {
  readonly id: string;
  readonly allocation: string;
  readonly type: 'stdout' | 'stderr';
  readonly isOver: boolean;
  readonly at: number;
}

const chunkLines = 200;
const tailBytes = 4096;

/** What these allocations printed behind `after`, up to now. The cursor says where each stream stands, and outlives us. */
export async function* readLogs(
  site: Site,
  allocations: readonly NativeAllocation[],
  { after, signal }: { readonly after: string | null; readonly signal: AbortSignal },
): AsyncGenerator<LogChunk> {
  const sources = allocations.flatMap(sourcesOf);
  let positions = withoutGone(parseCursor(after), sources);
  for (const source of sources) {
    let lines: LogLine[] = [];
    const chunk = (): LogChunk => {
      const position = lines.at(-1)?.position;
      if (position !== undefined) positions = { ...positions, [source.id]: position };
      const stream = source.type === 'stdout' ? 'STDOUT' : 'STDERR';
      const shown = lines.map(({ text }) => ({ at: source.at, stream, text }) as const);
      lines = [];
      return { cursor: formCursor(positions), lines: shown };
    };
    for await (const line of sourceLines(site, source, positions[source.id] ?? null, signal)) {
      lines.push(line);
      if (lines.length >= chunkLines) yield chunk();
      site.assertOpen('logs');
    }
    if (lines.length > 0) yield chunk();
  }
}

/** The last lines of standard error, or of standard output when there are none; none when the log is gone. */
export async function lastLines(
  site: Site,
  allocation: NativeAllocation,
  operation: string,
): Promise<readonly string[]> {
  for (const type of ['stderr', 'stdout'] as const) {
    const pieces: Buffer[] = [];
    const query = { type, origin: 'end', offset: String(tailBytes) };
    const signal = AbortSignal.timeout(site.settings.timeoutSeconds * 1000);
    try {
      for await (const { data } of frames(site, allocation.ID, query, operation, signal)) {
        pieces.push(data);
      }
    } catch (error) {
      if (!isNone(error)) throw error;
    }
    const lines = Buffer.concat(pieces).toString('utf8').split('\n');
    const some = lines.filter((line) => line.trim() !== '').slice(-10);
    if (some.length > 0) return some.map((line) => line.slice(0, 300));
  }
  return [];
}

async function* sourceLines(
  site: Site,
  source: Source,
  position: LogPosition | null,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  try {
    const [frames, from] = await framesBehind(site, source, position, signal);
    yield* logLines(frames, from, source.isOver);
  } catch (error) {
    if (signal.aborted) return;
    if (isNone(error)) return;
    if (error instanceof BackendError) throw error;
    const message = 'The log was cut off; read on from the last cursor.';
    throw new BackendError('Unavailable', 'logs', message, { cause: error });
  }
}

/**
 * Nomad counts from the first file that it still has, which is not the first one for ever: when what comes is not of the
 * file where the reader stands, it is asked which file that is.
 */
async function framesBehind(
  site: Site,
  source: Source,
  position: LogPosition | null,
  signal: AbortSignal,
): Promise<readonly [AsyncIterable<LogFrame>, LogPosition | null]> {
  if (position === null) return [sourceFrames(site, source, 0, signal), null];
  const counted = firstCounted(position);
  const frames = sourceFrames(site, source, bytesBefore(position, counted), signal);
  const first = await frames.next();
  const isThere = first.done !== true;
  // Never rotated, or still in the file where we stand.
  const isSame = isThere && first.value.file === position.file;
  const isYoung = !isThere && position.file === 0;
  if (isSame || isYoung) return [again(first, frames), position];
  const kept = await firstFile(site, source, signal);
  if (kept === null || kept <= counted) return [again(first, frames), position];
  await frames.return(undefined);
  const from = position.file < kept ? null : position;
  return [sourceFrames(site, source, bytesBefore(position, kept), signal), from];
}

async function* again(
  first: IteratorResult<LogFrame>,
  rest: AsyncGenerator<LogFrame>,
): AsyncGenerator<LogFrame> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

async function firstFile(site: Site, source: Source, signal: AbortSignal): Promise<number | null> {
  for await (const { file } of sourceFrames(site, source, 0, signal)) return file;
  return null;
}

function sourceFrames(
  site: Site,
  { allocation, type }: Source,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<LogFrame> {
  const query = { type, origin: 'start', offset: String(offset) };
  return frames(site, allocation, query, 'logs', signal);
}

async function* frames(
  site: Site,
  allocation: string,
  query: Readonly<Record<string, string>>,
  operation: string,
  signal: AbortSignal,
): AsyncGenerator<LogFrame> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const path = `/v1/client/fs/logs/${allocation}`;
  const call = { method: 'GET', path, query: { task: taskName, ...query } } as const;
  try {
    yield* logFrames(await site.client.stream(operation, call, both));
  } finally {
    stop.abort();
  }
}

/** The program did not start yet, or its node has cleaned up: nothing was printed that could be had. */
function isNone(error: unknown): boolean {
  if (!(error instanceof BackendError)) return false;
  if (error.kind === 'NotFound') return true;
  return /not started yet|unknown allocation|no such file|no entries were found/i.test(
    error.message,
  );
}

function sourcesOf(allocation: NativeAllocation): readonly Source[] {
  const state = allocation.TaskStates?.[taskName];
  const isOver = state?.State === 'dead';
  // Nomad keeps no times of lines.
  const started = (state?.Restarts ?? 0) === 0 ? startOf(state) : null;
  const at = started ?? timeOfNanoseconds(allocation.CreateTime) ?? 0;
  return (['stdout', 'stderr'] as const).map((type) => ({
    id: `${allocation.ID}/${type}`,
    allocation: allocation.ID,
    type,
    isOver,
    at,
  }));
}

/** Positions in allocations that are gone are of no use any more. */
function withoutGone(positions: Positions, sources: readonly Source[]): Positions {
  const known = new Set(sources.map(({ id }) => id));
  return Object.fromEntries(Object.entries(positions).filter(([id]) => known.has(id)));
}

function formCursor(positions: Positions): string {
  const short = Object.entries(positions).map(([id, { file, offset, sizes }]) => [
    id,
    [file, offset, sizes],
  ]);
  return Buffer.from(JSON.stringify(Object.fromEntries(short))).toString('base64url');
}

function parseCursor(after: string | null): Positions {
  if (after === null) return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
    if (isJsonObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([id, place]) => [id, parsePosition(place)]),
      );
    }
  } catch {
    // Said below.
  }
  throw new BackendError('Rejected', 'logs', `${JSON.stringify(after)} is no cursor of ours.`);
}

function parsePosition(place: unknown): LogPosition {
  const [file, offset, sizes]: readonly unknown[] = Array.isArray(place) ? place : [];
  const isPosition = typeof file === 'number' && typeof offset === 'number' && isJsonObject(sizes);
  if (!isPosition) throw new Error('no position');
  const numbers = Object.entries(sizes).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return { file, offset, sizes: Object.fromEntries(numbers) };
}

import type { V1Pod } from './native.ts';
import { BackendError } from '../contract/error.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import { isJsonObject } from '../../domain/json.ts';
import { rankOf } from './gang.ts';
import type { LogPosition, StampedLine } from './log-lines.ts';
import { advance, cut, sinceTime, stampedLines } from './log-lines.ts';
import { paths } from './names.ts';
import type { Site } from './site.ts';

type Positions = Readonly<Record<string, LogPosition>>;

/** One stream of one run of one pod's program. */
interface Source {
  readonly id: string;
  readonly pod: string;
  readonly previous: boolean;
  readonly stream: 'STDOUT' | 'STDERR' | null;
  readonly isOver: boolean;
  /** Before each line, where several programs print. */
  readonly prefix: string;
}

interface SourcedLine extends StampedLine {
  readonly source: Source;
  /** Its time, or that of a line before it where a clock went back: no stream is ever put in another order. */
  readonly place: bigint;
}

/** So much is collected before it is sorted and handed out; of each source, and in one chunk. */
const roundLines = 5000;
const chunkLines = 200;

/** What these pods printed behind `after`, up to now. The cursor says where each source stands, and outlives us. */
export async function* readPodLogs(
  site: Site,
  pods: readonly V1Pod[],
  { after, signal }: { readonly after: string | null; readonly signal: AbortSignal },
): AsyncGenerator<LogChunk> {
  const sources = pods.flatMap((pod) => sourcesOf(pod, site.settings.splitLogStreams));
  let positions = parseCursor(after);
  while (!signal.aborted) {
    const { lines, isAll } = await round(site, sources, positions, signal);
    for (let start = 0; start < lines.length; start += chunkLines) {
      const some = lines.slice(start, start + chunkLines);
      for (const line of some) {
        const { id } = line.source;
        positions = { ...positions, [id]: advance(positions[id] ?? null, line) };
      }
      positions = withoutGone(positions, sources);
      yield { cursor: formCursor(positions), lines: some.map(shownLine) };
      site.assertOpen('logs');
    }
    if (isAll) return;
  }
}

/** In the order of time over all sources; nothing that a source which was not read to its end could precede. */
async function round(
  site: Site,
  sources: readonly Source[],
  positions: Positions,
  signal: AbortSignal,
): Promise<{ readonly lines: readonly SourcedLine[]; readonly isAll: boolean }> {
  const lines: SourcedLine[] = [];
  let horizon: bigint | null = null;
  for (const source of sources) {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    let count = 0;
    let place = 0n;
    for await (const line of sourceLines(site, source, positions[source.id] ?? null, both)) {
      if (line.nanoseconds > place) place = line.nanoseconds;
      lines.push({ ...line, source, place });
      if (++count < roundLines) continue;
      if (horizon === null || place < horizon) horizon = place;
      break;
    }
    stop.abort();
  }
  const limit = horizon;
  const ready = limit === null ? lines : lines.filter((line) => line.place <= limit);
  const sorted = ready.toSorted((a, b) => Number(a.place - b.place));
  return { lines: sorted, isAll: limit === null };
}

async function* sourceLines(
  site: Site,
  source: Source,
  position: LogPosition | null,
  signal: AbortSignal,
): AsyncGenerator<StampedLine> {
  const { client } = site;
  const path = `${paths.pods(await client.namespace())}/${source.pod}/log`;
  const query = {
    container: 'main',
    timestamps: 'true',
    ...(source.previous ? { previous: 'true' } : {}),
    ...(source.stream === null ? {} : { stream: source.stream === 'STDOUT' ? 'Stdout' : 'Stderr' }),
    ...(position === null ? {} : { sinceTime: sinceTime(position) }),
  };
  try {
    const { status, body } = await client.stream('logs', { method: 'GET', path, query }, signal);
    // A pod that has no node yet has no content.
    if (status !== 204) yield* stampedLines(body, position, source.isOver);
  } catch (error) {
    if (signal.aborted) return;
    // The pod is gone, or its container was never made (a 400): nothing was printed that could be had.
    const isNone =
      error instanceof BackendError && (error.kind === 'NotFound' || error.kind === 'Rejected');
    if (isNone) return;
    if (error instanceof BackendError) throw error;
    const message = 'The log was cut off; read on from the last cursor.';
    throw new BackendError('Unavailable', 'logs', message, { cause: error });
  }
}

function sourcesOf(pod: V1Pod, isSplit: boolean): readonly Source[] {
  const name = pod.metadata?.name ?? '';
  const status = pod.status?.containerStatuses?.find((one) => one.name === 'main');
  const restarts = status?.restartCount ?? 0;
  const rank = rankOf(pod);
  const prefix = rank === 0 ? '' : `[node ${rank}] `;
  const runs = [
    ...(restarts > 0 ? [{ run: restarts - 1, previous: true, isOver: true }] : []),
    { run: restarts, previous: false, isOver: status?.state?.terminated !== undefined },
  ];
  const streams = isSplit ? (['STDOUT', 'STDERR'] as const) : [null];
  return runs.flatMap(({ run, previous, isOver }) =>
    streams.map((stream) => ({
      id: `${name}/${run}${stream === null ? '' : `/${stream.slice(3)}`}`,
      pod: name,
      previous,
      stream,
      isOver,
      prefix,
    })),
  );
}

function shownLine({ nanoseconds, text, source }: SourcedLine): LogChunk['lines'][number] {
  const at = Number(nanoseconds / 1_000_000n);
  return { at, stream: source.stream ?? 'STDOUT', text: cut(`${source.prefix}${text}`) };
}

/** Positions in pods that were replaced are of no use any more. */
function withoutGone(positions: Positions, sources: readonly Source[]): Positions {
  const known = new Set(sources.map(({ id }) => id));
  return Object.fromEntries(Object.entries(positions).filter(([id]) => known.has(id)));
}

function formCursor(positions: Positions): string {
  const short = Object.entries(positions).map(([id, { time, count }]) => [id, [time, count]]);
  return Buffer.from(JSON.stringify(Object.fromEntries(short))).toString('base64url');
}

function parseCursor(after: string | null): Positions {
  if (after === null) return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
    if (isJsonObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([id, place]) => {
          const [time, count] = Array.isArray(place) ? (place as readonly unknown[]) : [];
          if (typeof time !== 'string' || typeof count !== 'number') throw new Error('no place');
          return [id, { time, count }];
        }),
      );
    }
  } catch {
    // Said below.
  }
  throw new BackendError('Rejected', 'logs', `${JSON.stringify(after)} is no cursor of ours.`);
}

import { sql } from 'kysely';
import { FathomError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import type { StreamEntry, StreamReader, StreamStat, StreamWriter } from '../contract/stream.ts';
import type { Dialect, Session, WriteSession } from './session.ts';
import type { Wake } from './wake.ts';

/** Where sealed chunks lie, one growing sequence of bytes for each stream: UTF-8, a line break after each chunk. */
export interface Segments {
  /**
   * Puts chunks at `position`; durable when it resolves, or with the transaction of `session`. Whatever lay at or beyond
   * `position` is void. STORAGE_FULL when the disk refuses.
   */
  write(
    session: WriteSession,
    stream: string,
    position: number,
    chunks: readonly string[],
  ): Promise<void>;
  /** One chunk, without its line break: `length` bytes. */
  read(session: Session, stream: string, position: number, length: number): Promise<string>;
}

/** A chunk is sealed when it has this many bytes; a read never loads much more for one entry. */
const chunkBytes = 64 * 1024;
const defaultMaximumBytes = 64 * 1024 * 1024;

interface ChunkRow {
  readonly first: number;
  readonly last: number;
  readonly position: number;
  readonly length: number;
  /** The lines themselves while they are in the tail; null when they are in the segments. */
  readonly doc: string | null;
}

interface StreamRow {
  readonly head: number;
  readonly bytes: number;
  readonly dropped: number;
  readonly ended: number;
  readonly fileBytes: number;
  readonly tailBytes: number;
}

/**
 * The newest entries of a stream, less than a chunk, are rows (the tail); what is older lies in segments, with one index
 * row for each chunk. So a small append costs one row and no file, and a long stream fills no table.
 */
export class RelationalStreamReader implements StreamReader {
  readonly #session: Session;
  readonly #segments: Segments;
  readonly #wake: Wake;

  constructor(session: Session, segments: Segments, wake: Wake) {
    this.#session = session;
    this.#segments = segments;
    this.#wake = wake;
  }

  async read(stream: string, after: number, limit: number): Promise<readonly StreamEntry[]> {
    const entries: StreamEntry[] = [];
    if (limit < 1) return entries;
    // One statement sees one moment: nothing is sealed between the look at the chunks and the look at the tail.
    const rows = await this.#session.query(
      sql<ChunkRow>`select first, last, position, length, null as doc from "streamChunks"
          where stream = ${stream} and last > ${after} and first <= ${after + limit}
        union all
        select first, last, 0 as position, 0 as length, doc from "streamTail"
          where stream = ${stream} and last > ${after} and first <= ${after + limit}
        order by first`,
    );
    for (const row of rows) {
      for (const [index, line] of (await this.#lines(stream, row)).entries()) {
        const offset = row.first + index;
        if (offset <= after) continue;
        if (entries.length >= limit) return entries;
        entries.push({ offset, value: JSON.parse(line) as Json });
      }
    }
    return entries;
  }

  async stat(stream: string): Promise<StreamStat> {
    const { head, bytes, dropped, ended } = await streamRow(this.#session, stream);
    return { head, bytes, dropped, ended: ended === 1 };
  }

  changed(stream: string, after: number, signal: AbortSignal): Promise<void> {
    return this.#wake.wait(
      [streamTopic(stream)],
      async () => {
        const { head, ended } = await this.stat(stream);
        return head > after || ended;
      },
      signal,
    );
  }

  async #lines(stream: string, row: ChunkRow): Promise<readonly string[]> {
    const text =
      row.doc ?? (await this.#segments.read(this.#session, stream, row.position, row.length));
    const lines = text.split('\n');
    if (lines.length !== row.last - row.first + 1) {
      throw new FathomError(
        'INTERNAL',
        `The stored entries ${row.first} to ${row.last} of ${stream} are damaged.`,
      );
    }
    return lines;
  }
}

export class RelationalStreamWriter implements StreamWriter {
  readonly #session: WriteSession;
  readonly #dialect: Dialect;
  readonly #segments: Segments;
  readonly #wake: Wake;
  /** Appends of one transaction go one after the other: each reads what the one before wrote. */
  #last: Promise<void> = Promise.resolve();

  constructor(session: WriteSession, dialect: Dialect, segments: Segments, wake: Wake) {
    this.#session = session;
    this.#dialect = dialect;
    this.#segments = segments;
    this.#wake = wake;
  }

  append(
    stream: string,
    entries: readonly Json[],
    maximumBytes = defaultMaximumBytes,
  ): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    return this.#inTurn(() => this.#append(stream, entries, maximumBytes));
  }

  end(stream: string): Promise<void> {
    return this.endMany([stream]);
  }

  endMany(streams: readonly string[]): Promise<void> {
    if (streams.length === 0) return Promise.resolve();
    return this.#inTurn(async () => {
      await this.#session.send(
        sql`insert into streams (name, head, bytes, dropped, ended, "fileBytes", "tailBytes")
          select value, 0, 0, 0, 1, 0, 0 from ${this.#dialect.list([...new Set(streams)])} as r
          where true on conflict (name) do update set ended = 1`,
      );
      this.#session.afterCommit(() => {
        for (const stream of streams) this.#wake.notify(streamTopic(stream));
      });
    });
  }

  async #append(stream: string, entries: readonly Json[], maximumBytes: number): Promise<void> {
    const row = await streamRow(this.#session, stream);
    if (row.ended === 1) {
      throw new FathomError('WRONG_STATE', `The stream ${stream} has ended; nothing more goes in.`);
    }
    const lines: string[] = [];
    let { bytes } = row;
    // What is kept is the beginning, without holes: once an entry was dropped, so is all that follows.
    let isFull = row.dropped > 0;
    for (const entry of entries) {
      const line = JSON.stringify(entry);
      const size = Buffer.byteLength(line);
      isFull ||= bytes + size > maximumBytes;
      if (isFull) continue;
      lines.push(line);
      bytes += size;
    }
    const dropped = row.dropped + entries.length - lines.length;
    const stored = lines.length === 0 ? row : await this.#store(stream, row, lines);
    await this.#save(stream, { ...stored, head: row.head + lines.length, bytes, dropped });
  }

  /** Puts lines into the tail; when it has grown to a chunk, seals it. */
  async #store(stream: string, row: StreamRow, lines: readonly string[]): Promise<StreamRow> {
    const text = lines.join('\n');
    const tailBytes = row.tailBytes + Buffer.byteLength(text) + 1;
    if (tailBytes >= chunkBytes) return this.#seal(stream, row, lines);
    await this.#session.send(
      sql`insert into "streamTail" (stream, first, last, doc)
        values (${stream}, ${row.head + 1}, ${row.head + lines.length}, ${text})`,
    );
    return { ...row, tailBytes };
  }

  /** The bytes are durable before the index names them; if the transaction fails, they are overwritten later. */
  async #seal(stream: string, row: StreamRow, lines: readonly string[]): Promise<StreamRow> {
    const tail = await this.#session.query(
      sql<ChunkRow>`select first, last, 0 as position, 0 as length, doc from "streamTail"
        where stream = ${stream} order by first`,
    );
    const all = [...tail.flatMap((part) => part.doc?.split('\n') ?? []), ...lines];
    const chunks = chunksOf(all, tail[0]?.first ?? row.head + 1, row.fileBytes);
    await this.#segments.write(
      this.#session,
      stream,
      row.fileBytes,
      chunks.map((chunk) => chunk.doc ?? ''),
    );
    for (const chunk of chunks) {
      await this.#session.send(
        sql`insert into "streamChunks" (stream, first, last, position, length)
          values (${stream}, ${chunk.first}, ${chunk.last}, ${chunk.position}, ${chunk.length})`,
      );
    }
    await this.#session.send(sql`delete from "streamTail" where stream = ${stream}`);
    const end = chunks.at(-1);
    const fileBytes = end === undefined ? row.fileBytes : end.position + end.length + 1;
    return { ...row, fileBytes, tailBytes: 0 };
  }

  async #save(stream: string, row: StreamRow): Promise<void> {
    await this.#session.send(
      sql`insert into streams (name, head, bytes, dropped, ended, "fileBytes", "tailBytes")
        values (${stream}, ${row.head}, ${row.bytes}, ${row.dropped}, ${row.ended}, ${row.fileBytes}, ${row.tailBytes})
        on conflict (name) do update set head = excluded.head, bytes = excluded.bytes,
          dropped = excluded.dropped, ended = excluded.ended, "fileBytes" = excluded."fileBytes",
          "tailBytes" = excluded."tailBytes"`,
    );
    this.#session.afterCommit(() => this.#wake.notify(streamTopic(stream)));
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(step);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

async function streamRow(session: Session, stream: string): Promise<StreamRow> {
  const rows = await session.query(
    sql<StreamRow>`select head, bytes, dropped, ended, "fileBytes", "tailBytes" from streams
      where name = ${stream}`,
  );
  const row = rows[0] ?? { head: 0, bytes: 0, dropped: 0, ended: 0, fileBytes: 0, tailBytes: 0 };
  return {
    head: row.head,
    bytes: row.bytes,
    dropped: row.dropped,
    ended: row.ended,
    fileBytes: row.fileBytes,
    tailBytes: row.tailBytes,
  };
}

/** Cuts lines into chunks of about `chunkBytes`, at least one line each; `first` and `position` are of the first one. */
function chunksOf(lines: readonly string[], first: number, position: number): readonly ChunkRow[] {
  const chunks: ChunkRow[] = [];
  let open: string[] = [];
  let size = 0;
  for (const [index, line] of lines.entries()) {
    open.push(line);
    size += Buffer.byteLength(line) + 1;
    if (size < chunkBytes && index < lines.length - 1) continue;
    const before = chunks.at(-1);
    const start = before === undefined ? first : before.last + 1;
    chunks.push({
      first: start,
      last: start + open.length - 1,
      position: before === undefined ? position : before.position + before.length + 1,
      length: size - 1,
      doc: open.join('\n'),
    });
    open = [];
    size = 0;
  }
  return chunks;
}

function streamTopic(stream: string): string {
  return `stream:${stream}`;
}

import { sql } from 'kysely';
import { FathomError } from '../../domain/errors.ts';
import type { Session, WriteSession } from '../relational/session.ts';
import type { Segments } from '../relational/streams.ts';

/**
 * Sealed chunks as rows, one each, written with the transaction that seals them: every machine reads them, a copy of the
 * database has them, and nothing is left over by a crash. PostgreSQL compresses them and keeps them beside the table.
 */
export class SegmentRows implements Segments {
  async write(
    session: WriteSession,
    stream: string,
    position: number,
    chunks: readonly string[],
  ): Promise<void> {
    let at = position;
    for (const chunk of chunks) {
      await session.send(
        sql`insert into "streamSegments" (stream, position, doc) values (${stream}, ${at}, ${chunk})`,
      );
      at += Buffer.byteLength(chunk) + 1;
    }
  }

  async read(session: Session, stream: string, position: number): Promise<string> {
    const rows = await session.query(
      sql<{ doc: string }>`select doc from "streamSegments"
        where stream = ${stream} and position = ${position}`,
    );
    if (rows[0] === undefined) {
      throw new FathomError('INTERNAL', `The stored bytes of ${stream} are missing.`);
    }
    return rows[0].doc;
  }
}

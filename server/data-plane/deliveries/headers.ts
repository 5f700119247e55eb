import type { IncomingHttpHeaders } from 'node:http';
import { FathomError } from '../../../domain/errors.ts';
import type { WholeFile } from './received-files.ts';

/** `Upload-Offset`, 0 when it is not there. BAD_REQUEST when it is no number. */
export function offsetHeader(headers: IncomingHttpHeaders): number {
  return wholeNumber('Upload-Offset', headers['upload-offset'] ?? '0');
}

/** `Repr-Digest` (RFC 9530, SHA-256) and `Upload-Length` of the whole file. BAD_REQUEST without them. */
export function fileHeaders(headers: IncomingHttpHeaders): WholeFile {
  const digest = String(headers['repr-digest'] ?? '').match(
    /^sha-256=:([A-Za-z0-9+/]{43}=):$/,
  )?.[1];
  if (digest === undefined) {
    const message = 'Repr-Digest is `sha-256=:` and the digest of the file in Base64 and `:`.';
    throw new FathomError('BAD_REQUEST', message);
  }
  const encoding = headers['content-encoding'];
  // Unpacking would let a small request become a large file.
  if (encoding !== undefined && encoding !== 'identity') {
    throw new FathomError('BAD_REQUEST', 'A file is sent as it is.');
  }
  return {
    sha256: Buffer.from(digest, 'base64').toString('hex'),
    bytes: wholeNumber('Upload-Length', headers['upload-length']),
  };
}

function wholeNumber(name: string, value: string | string[] | undefined): number {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw new FathomError('BAD_REQUEST', `${name} is a whole number.`);
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Ambient } from '../../domain/ambient.ts';
import type { Links } from '../../services/links.ts';

/** What the routes ask of a link beside making one. */
export interface SignedLinks extends Links {
  /** Whether `token` opens this upload now. */
  opensUpload(uploadId: string, token: unknown): boolean;
  /** Whether `token` opens this blob under this name now. */
  opensBlob(sha256: string, fileName: string, token: unknown): boolean;
}

export interface LinkOptions {
  /** At least 32 bytes; kept between restarts, or links end with the process. */
  readonly secret: Uint8Array;
  /** How clients reach the server, without a slash at the end. Asked for each link: the port may come late. */
  readonly baseUrl: () => string;
  readonly ambient: Pick<Ambient, 'now'>;
  readonly lifetimeSeconds: number;
}

/**
 * Links signed by HMAC-SHA-256: a token is `<expiry in epoch seconds, base 36>.<signature>` and opens one upload, or one
 * blob under one name. A blob's link stays the same for a quarter of its lifetime, so that caches can use it.
 */
export function createLinks(options: LinkOptions): SignedLinks {
  const { secret, baseUrl, ambient, lifetimeSeconds } = options;
  if (secret.length < 32) throw new RangeError('The secret of links has at least 32 bytes.');
  const step = Math.max(1, Math.floor(lifetimeSeconds / 4));

  function tokenFor(scope: string): string {
    const now = Math.floor(ambient.now() / 1000);
    const expiry = (Math.ceil((now + lifetimeSeconds) / step) * step).toString(36);
    return `${expiry}.${signature(scope, expiry).toString('base64url')}`;
  }

  function opens(scope: string, token: unknown): boolean {
    // A parameter that is given twice comes as a list.
    if (typeof token !== 'string') return false;
    const [expiry = '', signed = '', ...rest] = token.split('.');
    const given = Buffer.from(signed, 'base64url');
    const expected = signature(scope, expiry);
    const genuine = given.length === expected.length && timingSafeEqual(given, expected);
    return genuine && rest.length === 0 && Number.parseInt(expiry, 36) * 1000 > ambient.now();
  }

  function signature(scope: string, expiry: string): Buffer {
    return createHmac('sha256', secret).update(`${scope}\n${expiry}`).digest();
  }

  const opensBlob = (sha256: string, fileName: string, token: unknown): boolean =>
    opens(blobScope(sha256, fileName), token);

  return {
    upload: (id) => `${baseUrl()}/uploads/${id}?token=${tokenFor(uploadScope(id))}`,
    blob: (sha256, fileName) =>
      `${baseUrl()}/blobs/${sha256}/${encodeURIComponent(fileName)}?token=${tokenFor(blobScope(sha256, fileName))}`,
    resolve(url) {
      const parts = blobParts(url);
      return parts !== null && opensBlob(parts.sha256, parts.fileName, parts.token)
        ? { sha256: parts.sha256 }
        : null;
    },
    opensUpload: (uploadId, token) => opens(uploadScope(uploadId), token),
    opensBlob,
  };
}

function uploadScope(id: string): string {
  return `upload\n${id}`;
}

function blobScope(sha256: string, fileName: string): string {
  return `blob\n${sha256}\n${fileName}`;
}

/** The host does not matter: behind a proxy it is another one, and the signature tells what is ours. */
function blobParts(
  text: string,
): { readonly sha256: string; readonly fileName: string; readonly token: string } | null {
  const url = URL.parse(text);
  const match = url?.pathname.match(/\/blobs\/([0-9a-f]{64})\/([^/]+)$/) ?? null;
  const [, sha256, encoded] = match ?? [];
  const token = url?.searchParams.get('token') ?? null;
  if (sha256 === undefined || encoded === undefined || token === null) return null;
  try {
    return { sha256, fileName: decodeURIComponent(encoded), token };
  } catch {
    return null;
  }
}

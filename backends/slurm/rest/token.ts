import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Ambient } from '../../../domain/ambient.ts';
import { isJsonObject } from '../../../domain/json.ts';
import { BackendError } from '../../contract/error.ts';
import type { RestSettings } from '../config.ts';

const lifetimeSeconds = 600;
const renewBeforeMs = 120_000;

/** Gives the token for each request. */
export class Tokens {
  readonly #settings: RestSettings;
  readonly #ambient: Ambient;
  #signed: { readonly token: string; readonly expiresAt: number } | null = null;

  constructor(settings: RestSettings, ambient: Ambient) {
    this.#settings = settings;
    this.#ambient = ambient;
  }

  /**
   * Unauthorized, without a request, when the token has expired: Slurm before 24.11 answers an expired token as if the
   * job were gone or the controller down.
   */
  async token(operation: string): Promise<string> {
    const { credentials } = this.#settings;
    if ('keyFile' in credentials) return this.#sign(credentials.keyFile, operation);
    const token =
      'token' in credentials
        ? credentials.token.reveal()
        : (await read(credentials.tokenFile, operation)).toString('utf8').trim();
    const expiresAt = expiryOf(token);
    if (expiresAt !== null && expiresAt <= this.#ambient.now()) {
      const since = new Date(expiresAt).toISOString();
      throw new BackendError('Unauthorized', operation, `The token for Slurm expired at ${since}.`);
    }
    return token;
  }

  async #sign(keyFile: string, operation: string): Promise<string> {
    const now = this.#ambient.now();
    if (this.#signed === null || this.#signed.expiresAt - renewBeforeMs < now) {
      const key = await read(keyFile, operation);
      const iat = Math.floor(now / 1000);
      const exp = iat + lifetimeSeconds;
      const token = signToken(key, { iat, exp, sun: this.#settings.user });
      this.#signed = { token, expiresAt: exp * 1000 };
    }
    return this.#signed.token;
  }
}

/** As `scontrol token` does: HS256 with the bytes of the cluster's `jwt_key`. */
export function signToken(
  key: Uint8Array,
  claims: { readonly iat: number; readonly exp: number; readonly sun: string },
): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${head}.${createHmac('sha256', key).update(head).digest('base64url')}`;
}

/** Epoch milliseconds; null for a token that says nothing we can read. */
function expiryOf(token: string): number | null {
  try {
    const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const claims: unknown = JSON.parse(text);
    const exp = isJsonObject(claims) ? claims['exp'] : null;
    return typeof exp === 'number' ? exp * 1000 : null;
  } catch {
    return null;
  }
}

async function read(path: string, operation: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The credentials for Slurm cannot be read: ${reason}`;
    throw new BackendError('Unauthorized', operation, message, { cause: error });
  }
}

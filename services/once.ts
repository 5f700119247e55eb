import { createHash } from 'node:crypto';
import type { Actor } from '../domain/actor.ts';
import { FathomError } from '../domain/errors.ts';
import { canonicalJson, type Json } from '../domain/json.ts';
import type { IdempotencyClaim, Transaction } from '../store/contract/store.ts';

/** Whose request it is, and what must be the same when it comes again. */
export interface OnceKey {
  readonly actor: Actor;
  readonly operation: string;
  readonly idempotencyKey: string | null;
  readonly input: Json;
}

/**
 * Does `make` once for an actor, an operation and a key: a repeated call gets the remembered answer (an id, usually)
 * without a second effect. The same key with another input is IDEMPOTENCY_MISMATCH. Without a key it just does it.
 */
export async function once<Answer extends Json>(
  tx: Transaction,
  request: OnceKey,
  make: () => Promise<Answer>,
): Promise<Answer> {
  const claim = onceClaim(request, null);
  if (claim === null) return make();
  const { scope, key, inputDigest } = claim;
  checkIdempotencyKey(key);
  const earlier = await tx.idempotency.claim(scope, key, inputDigest);
  if (earlier === null) {
    const answer = await make();
    await tx.idempotency.remember(scope, key, answer);
    return answer;
  }
  if (earlier.inputDigest !== inputDigest) throw onceMismatch(request);
  return earlier.answer as Answer;
}

/** What is claimed for a request that has a key; null for one without. `name` tells the keys of all scopes apart. */
export function onceClaim(
  { actor, operation, idempotencyKey: key, input }: OnceKey,
  answer: Json,
): (IdempotencyClaim & { readonly name: string }) | null {
  if (key === null) return null;
  const scope = `${actor.subject} ${operation}`;
  const inputDigest = createHash('sha256').update(canonicalJson(input)).digest('hex');
  return { scope, key, inputDigest, answer, name: JSON.stringify([scope, key]) };
}

export function onceMismatch({ idempotencyKey }: OnceKey): FathomError {
  const key = JSON.stringify(idempotencyKey);
  const message = `The idempotency key ${key} was used before with another input.`;
  return new FathomError('IDEMPOTENCY_MISMATCH', message, { path: ['idempotencyKey'] });
}

export function checkIdempotencyKey(key: string | null): void {
  if (key === null) return;
  // Half a character would be kept as another one, and two keys would become the same.
  const isText = key.isWellFormed() && !key.includes('\0');
  if (key.length >= 1 && key.length <= 255 && isText) return;
  throw new FathomError('INVALID_ARGUMENT', 'An idempotency key has 1 to 255 characters of text.', {
    path: ['idempotencyKey'],
  });
}

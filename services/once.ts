import { createHash } from 'node:crypto';
import type { Actor } from '../domain/actor.ts';
import { FathomError } from '../domain/errors.ts';
import { canonicalJson, type Json } from '../domain/json.ts';
import type { Transaction } from '../store/contract/store.ts';

/**
 * Does `make` once for an actor, an operation and a key: a repeated call gets the remembered answer (an id, usually)
 * without a second effect. The same key with another input is IDEMPOTENCY_MISMATCH. Without a key it just does it.
 */
export async function once<Answer extends Json>(
  tx: Transaction,
  request: {
    readonly actor: Actor;
    readonly operation: string;
    readonly idempotencyKey: string | null;
    readonly input: Json;
  },
  make: () => Promise<Answer>,
): Promise<Answer> {
  const { idempotencyKey: key } = request;
  if (key === null) return make();
  checkIdempotencyKey(key);
  const scope = `${request.actor.subject} ${request.operation}`;
  const digest = createHash('sha256').update(canonicalJson(request.input)).digest('hex');
  const earlier = await tx.idempotency.claim(scope, key, digest);
  if (earlier === null) {
    const answer = await make();
    await tx.idempotency.remember(scope, key, answer);
    return answer;
  }
  if (earlier.inputDigest !== digest) {
    throw new FathomError(
      'IDEMPOTENCY_MISMATCH',
      `The idempotency key ${JSON.stringify(key)} was used before with another input.`,
      { path: ['idempotencyKey'] },
    );
  }
  return earlier.answer as Answer;
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

import { type Actor, mayChange, maySee, type Ownership } from '../domain/actor.ts';
import { FathomError } from '../domain/errors.ts';
import { type Id, type Noun, parseId } from '../domain/ids.ts';

/** Parses an id of `noun`, or BAD_ID at `path`. */
export function idOf<N extends Noun>(
  noun: N,
  text: string,
  path: readonly string[] = ['id'],
): Id<N> {
  const id = parseId(noun, text);
  if (id === null) {
    throw new FathomError('BAD_ID', `${quoted(text)} is not the id of a ${noun}.`, { path });
  }
  return id;
}

/** What was given instead, cut where it stops to help. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/** The object if the actor may see it; otherwise NOT_FOUND, with the same words as for an object that does not exist. */
export function visible<T extends Ownership>(
  actor: Actor,
  object: T | null,
  noun: Noun,
  id: string,
  path: readonly string[] = ['id'],
): T {
  if (object === null || !maySee(actor, object)) throw notFound(noun, id, path);
  return object;
}

/** As `visible`, and FORBIDDEN when it may be seen but not changed. */
export function changeable<T extends Ownership>(
  actor: Actor,
  object: T | null,
  noun: Noun,
  id: string,
  path: readonly string[] = ['id'],
): T {
  const seen = visible(actor, object, noun, id, path);
  if (!mayChange(actor, seen)) {
    throw new FathomError('FORBIDDEN', `You may see ${id} but not change it.`, { path });
  }
  return seen;
}

export function notFound(noun: Noun, id: string, path: readonly string[] = ['id']): FathomError {
  return new FathomError('NOT_FOUND', `There is no ${noun} ${id}.`, { path });
}

/** Refuses a writer who read an older version. */
export function expectVersion(object: { readonly version: number }, expected: number | null): void {
  if (expected !== null && object.version !== expected) {
    throw new FathomError(
      'VERSION_CONFLICT',
      `The object is at version ${object.version}, you expected ${expected}.`,
      { path: ['expectedVersion'] },
    );
  }
}

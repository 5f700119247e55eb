import { type ErrorCode, FathomError, InvalidInputError } from '../domain/errors.ts';

export interface ApiUserError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: readonly string[];
}

/**
 * A mutation's payload: the object under `name`, or null and the expected failures. Anything else is thrown on and masked
 * at the edge.
 */
export async function outcome<N extends string, T>(
  name: N,
  work: Promise<T>,
): Promise<{ readonly [K in N]: T | null } & { readonly userErrors: readonly ApiUserError[] }> {
  const [value, userErrors] = await work.then(
    (done): [T | null, readonly ApiUserError[]] => [done, []],
    (error: unknown): [T | null, readonly ApiUserError[]] => [null, expected(error)],
  );
  return { [name]: value, userErrors } as never;
}

function expected(error: unknown): readonly ApiUserError[] {
  const errors =
    error instanceof InvalidInputError ? error.errors : error instanceof FathomError ? [error] : [];
  if (errors.length === 0) throw error;
  return errors.map(({ code, message, inputPath }) => ({ code, message, path: inputPath }));
}

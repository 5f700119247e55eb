import { FathomError } from '../domain/errors.ts';

const longestName = 120;

/** What people call their runs and deployments; null where we name it. */
export async function checkName(name: string | null, longest = longestName): Promise<void> {
  if (name === null || (name.trim() !== '' && name.length <= longest)) return;
  throw new FathomError('INVALID_ARGUMENT', `A name has 1 to ${longest} characters.`, {
    path: ['name'],
  });
}

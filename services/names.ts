import { FathomError } from '../domain/errors.ts';

const longestName = 120;

/** What people call their runs and deployments; null where we name it. */
export async function checkName(name: string | null): Promise<void> {
  if (name === null || (name.trim() !== '' && name.length <= longestName)) return;
  throw new FathomError('INVALID_ARGUMENT', `A name has 1 to ${longestName} characters.`, {
    path: ['name'],
  });
}

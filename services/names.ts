import { FathomError } from '../domain/errors.ts';

const longestName = 120;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u001f\u007f]/;

/** What people call their runs and deployments; null where we name it. */
export async function checkName(name: string | null, longest = longestName): Promise<void> {
  if (name === null) return;
  if (name.trim() === '' || name.length > longest) {
    throw refused(`A name has 1 to ${longest} characters.`);
  }
  // Half a character and a NUL are kept as something else, or not at all.
  if (!name.isWellFormed() || control.test(name)) {
    throw refused('A name is one line of well-formed Unicode without control characters.');
  }
}

function refused(message: string): FathomError {
  return new FathomError('INVALID_ARGUMENT', message, { path: ['name'] });
}

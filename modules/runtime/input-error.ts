/** A data set or an argument that the person who asked has to mend: one sentence, exit code 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

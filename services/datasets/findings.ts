import { FathomError, InvalidInputError } from '../../domain/errors.ts';
import { datasetLimits } from './limits.ts';

/** Collects what is wrong with an input, so that a person mends it in one go. */
export class Findings {
  readonly #errors: FathomError[] = [];
  #more = 0;

  add(path: readonly string[], message: string): void {
    if (this.#errors.length < datasetLimits.findings) {
      this.#errors.push(new FathomError('INVALID_ARGUMENT', message, { path }));
    } else {
      this.#more += 1;
    }
  }

  /** Runs a check that throws and keeps what it says; null when it threw. */
  try<T>(check: () => T): T | null {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof FathomError)) throw error;
      if (this.#errors.length < datasetLimits.findings) this.#errors.push(error);
      else this.#more += 1;
      return null;
    }
  }

  /** Throws all that was found. */
  settle(): void {
    const [first] = this.#errors;
    if (first === undefined) return;
    const rest = new FathomError('INVALID_ARGUMENT', `There are ${this.#more} more findings.`, {
      path: first.inputPath.slice(0, 1),
    });
    throw new InvalidInputError(this.#more === 0 ? this.#errors : [...this.#errors, rest]);
  }
}

/** A text for people: not longer than `longest`, without control characters other than line breaks and tabs. */
export function checkText(
  findings: Findings,
  name: string,
  text: string,
  limits: { readonly shortest: number; readonly longest: number },
): void {
  if (text.length < limits.shortest || text.length > limits.longest) {
    findings.add([name], `${name} has ${limits.shortest} to ${limits.longest} characters.`);
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!text.isWellFormed() || /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text)) {
    findings.add([name], `${name} has a character that is no text.`);
  }
}

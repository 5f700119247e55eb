import type { Dataset } from '../../domain/dataset.ts';
import { FathomError } from '../../domain/errors.ts';
import { checkText, Findings } from './findings.ts';
import { datasetLimits } from './limits.ts';

/** What a person says about a data set. */
export interface DatasetDescription {
  /** Unique among the owner's: lower-case letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly licence: string | null;
  readonly visibility: Dataset['visibility'];
}

const namePattern = /^[a-z0-9][a-z0-9._-]*$/;

/** Throws all that is wrong with the description together. */
export function checkDescription(given: Partial<DatasetDescription>): void {
  const findings = new Findings();
  if (given.name !== undefined && !isName(given.name)) {
    findings.add(
      ['name'],
      `A name has 1 to ${datasetLimits.nameLength} lower-case letters, digits, '.', '_' and '-', and begins with a letter or digit.`,
    );
  }
  const texts = [
    ['title', given.title, 1, datasetLimits.titleLength],
    ['description', given.description, 0, datasetLimits.descriptionLength],
    ['licence', given.licence ?? undefined, 1, datasetLimits.licenceLength],
  ] as const;
  for (const [name, text, shortest, longest] of texts) {
    if (text !== undefined) checkText(findings, name, text, { shortest, longest });
  }
  findings.settle();
}

function isName(name: string): boolean {
  return name.length <= datasetLimits.nameLength && namePattern.test(name);
}

/** Gives ALREADY_EXISTS the path of the name that is taken. */
export function nameTaken(name: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof FathomError && error.code === 'ALREADY_EXISTS') {
      throw new FathomError('ALREADY_EXISTS', `You have a data set named ${name} already.`, {
        path: ['name'],
        cause: error,
      });
    }
    throw error;
  };
}

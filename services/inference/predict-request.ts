import type { Prediction } from '../../domain/deployment.ts';
import { FathomError, InvalidInputError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';

/** One call. Exactly one of `url` and `base64` in each file. */
export interface PredictRequest {
  readonly deploymentId: string;
  readonly arguments: JsonObject;
  readonly files: readonly PredictFile[];
  /** For fetching files and for the answer together, in milliseconds from the moment the endpoint is warm. */
  readonly deadlineMs: number | null;
  /** How long the call may be held while the endpoint is not warm; null or 0 answers NOT_READY at once. */
  readonly waitUntilWarmMs: number | null;
}

export interface PredictFile {
  readonly argument: string;
  readonly url: string | null;
  readonly base64: string | null;
  readonly fileName: string | null;
  readonly mediaType: string | null;
}

export interface Predicted {
  readonly prediction: Prediction;
  /** What the module answered; kept nowhere. */
  readonly output: Json;
}

export const predictLimits = Object.freeze({
  defaultDeadlineMs: 30_000,
  longestDeadlineMs: 300_000,
  longestWaitMs: 600_000,
  files: 16,
  inlineBytes: 1024 * 1024,
  fetchedBytes: 32 * 1024 * 1024,
});

/** Throws every finding about the form of the call at once. */
export function checkRequest(request: PredictRequest): void {
  const errors: FathomError[] = [];
  const { longestDeadlineMs, longestWaitMs, files } = predictLimits;
  if (!isWithin(request.deadlineMs, 1, longestDeadlineMs)) {
    errors.push(refuse(`deadlineMs is between 1 and ${longestDeadlineMs}.`, ['deadlineMs']));
  }
  if (!isWithin(request.waitUntilWarmMs, 0, longestWaitMs)) {
    errors.push(refuse(`waitUntilWarmMs is between 0 and ${longestWaitMs}.`, ['waitUntilWarmMs']));
  }
  if (request.files.length > files) {
    errors.push(refuse(`A call takes at most ${files} files.`, ['files']));
  }
  const seen = new Set<string>();
  for (const [index, file] of request.files.entries()) {
    const path = ['files', String(index)];
    if ((file.url === null) === (file.base64 === null)) {
      errors.push(refuse('Give exactly one of `url` and `base64`.', path));
    }
    if (seen.has(file.argument)) {
      errors.push(refuse(`${file.argument} is given twice.`, [...path, 'argument']));
    }
    seen.add(file.argument);
  }
  if (errors.length > 0) throw new InvalidInputError(errors);
}

function isWithin(value: number | null, least: number, most: number): boolean {
  return value === null || (Number.isFinite(value) && value >= least && value <= most);
}

function refuse(message: string, path: readonly string[]): FathomError {
  return new FathomError('INVALID_ARGUMENT', message, { path });
}

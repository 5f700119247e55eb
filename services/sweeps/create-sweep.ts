import { FathomError, InvalidInputError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { SweepObjective } from '../../domain/sweep.ts';
import {
  checkSpace,
  type Combination,
  combinationsOf,
  pathOf,
  sweepLimits,
  type SweepSpace,
} from '../../domain/sweep-parameters.ts';
import { validateArguments } from '../modules/validate-arguments.ts';
import type { CreateTrainingRun } from '../training/create-run.ts';

/** What a person gives; `arguments` are those that all runs share. */
export interface CreateSweep extends CreateTrainingRun {
  readonly space: SweepSpace;
  readonly objective: SweepObjective;
  readonly atOnce: number | null;
}

/** Findings about one sweep that are told: the same mistake is in many combinations. */
const saidFindings = 20;

/**
 * The arguments of each run, validated against the module's schema, defaults filled in. Throws InvalidInputError with
 * every finding, at the place in the input that it comes from.
 */
export function argumentsOfRuns(
  schema: JsonObject,
  request: Pick<CreateSweep, 'arguments' | 'space'>,
  seed: number,
): readonly JsonObject[] {
  const { space, arguments: shared } = request;
  const errors = [
    ...checkSpace(space),
    ...space.parameters
      .filter(({ argument }) => Object.hasOwn(shared, argument))
      .map(({ argument }) => alsoShared(argument)),
  ];
  if (errors.length > 0) throw new InvalidInputError(errors.slice(0, saidFindings));
  const combinations = combinationsOf(space, seed);
  const findings = new Map<string, FathomError>();
  const filled = combinations.flatMap((combination): readonly JsonObject[] => {
    try {
      return [validateArguments(schema, { ...shared, ...combination.arguments })];
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      for (const finding of error.errors) {
        const placed = placedAt(space, combination, finding);
        findings.set(JSON.stringify([placed.inputPath, placed.message]), placed);
      }
      return [];
    }
  });
  if (findings.size > 0) throw new InvalidInputError([...findings.values()].slice(0, saidFindings));
  checkBytes(filled);
  return filled;
}

/** Everything about the request that needs nobody else. */
export async function checkSweep({ objective, atOnce }: CreateSweep): Promise<void> {
  const errors: FathomError[] = [];
  const { metric } = objective;
  if (metric.trim() === '' || metric.length > sweepLimits.metricLength) {
    const message = `A metric has 1 to ${sweepLimits.metricLength} characters.`;
    errors.push(invalid(message, ['objective', 'metric']));
  }
  if (atOnce !== null && (!Number.isSafeInteger(atOnce) || atOnce < 1)) {
    errors.push(invalid('At least one run goes at the same time.', ['atOnce']));
  }
  if (errors.length > 0) throw new InvalidInputError(errors);
}

/** The finding about `arguments.rate` of one run, at the value that the run has from the sweep. */
function placedAt(space: SweepSpace, combination: Combination, finding: FathomError): FathomError {
  const [, argument, ...below] = finding.inputPath;
  if (argument === undefined) return finding;
  const path = [...pathOf(space.parameters, combination, argument), ...below];
  return new FathomError(finding.code, finding.message, { path });
}

function alsoShared(argument: string): FathomError {
  const message = `${argument} is varied by \`parameters\`: leave it out here.`;
  return invalid(message, ['arguments', argument]);
}

function checkBytes(runs: readonly JsonObject[]): void {
  const bytes = runs.reduce((sum, values) => sum + Buffer.byteLength(JSON.stringify(values)), 0);
  if (bytes <= sweepLimits.argumentBytes) return;
  const message = `The arguments of all runs have ${bytes} bytes together; at most ${sweepLimits.argumentBytes}.`;
  throw new FathomError('TOO_LARGE', message, { path: ['arguments'] });
}

function invalid(message: string, path: readonly string[]): FathomError {
  return new FathomError('INVALID_ARGUMENT', message, { path });
}

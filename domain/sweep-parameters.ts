import { FathomError } from './errors.ts';
import { canonicalJson, type Json, type JsonObject } from './json.ts';
import { seededRandom } from './seeded-random.ts';

/** What one sweep may ask for. */
export const sweepLimits = Object.freeze({
  /** Runs of one sweep. */
  trials: 200,
  /** Arguments that one sweep varies. */
  parameters: 20,
  /** Values of one argument. */
  values: 200,
  nameLength: 110,
  metricLength: 128,
  /** Of the arguments of all its runs together, as JSON. */
  argumentBytes: 4 * 1024 * 1024,
  /** A combination that was drawn before is drawn again, up to so often; then it stays. */
  redraws: 1_000,
});

export const sweepStrategies = ['GRID', 'RANDOM'] as const;
export type SweepStrategy = (typeof sweepStrategies)[number];

export const sweepScales = ['LINEAR', 'LOG'] as const;

export interface SweepRange {
  readonly minimum: number;
  readonly maximum: number;
  /** LOG draws each order of magnitude as often as any other. */
  readonly scale: (typeof sweepScales)[number];
  /** Whole numbers, both bounds included. */
  readonly integer: boolean;
}

/** An argument that varies: over exactly one of `values` and `range`. */
export interface SweepParameter {
  readonly argument: string;
  readonly values: readonly Json[] | null;
  readonly range: SweepRange | null;
}

export interface SweepSpace {
  readonly strategy: SweepStrategy;
  readonly parameters: readonly SweepParameter[];
  /** How many are drawn: with RANDOM only. */
  readonly trials: number | null;
}

/** What one run is given for the arguments that vary. */
export interface Combination {
  readonly arguments: JsonObject;
  /** For each parameter which of its values it is; null when it was drawn from a range. */
  readonly from: readonly (number | null)[];
}

/** Everything that is wrong with a space, each with its path. None: `combinationsOf` gives its combinations. */
export function checkSpace(space: SweepSpace): readonly FathomError[] {
  const { parameters, strategy } = space;
  const errors: FathomError[] = [];
  if (parameters.length === 0) {
    errors.push(invalid('A sweep varies one argument at least.', ['parameters']));
  }
  if (parameters.length > sweepLimits.parameters) {
    const message = `A sweep varies at most ${sweepLimits.parameters} arguments; you gave ${parameters.length}.`;
    return [invalid(message, ['parameters'])];
  }
  const names = parameters.map(({ argument }) => argument);
  for (const [at, parameter] of parameters.entries()) {
    const path = ['parameters', String(at)];
    if (names.indexOf(parameter.argument) < at) {
      errors.push(invalid(`${parameter.argument} is varied twice.`, [...path, 'argument']));
    }
    errors.push(...checkParameter(parameter, strategy, path));
  }
  return errors.length > 0 ? errors : checkTrials(space);
}

function checkParameter(
  { values, range, argument }: SweepParameter,
  strategy: SweepStrategy,
  path: readonly string[],
): readonly FathomError[] {
  if ((values === null) === (range === null)) {
    return [invalid(`Give exactly one of \`values\` and \`range\` for ${argument}.`, path)];
  }
  if (values !== null) return checkValues(values, [...path, 'values']);
  if (range === null) return [];
  const at = [...path, 'range'];
  if (strategy === 'GRID') {
    return [invalid('A range is drawn from: take RANDOM, or give values.', at)];
  }
  return checkRange(range, at);
}

function checkValues(values: readonly Json[], path: readonly string[]): readonly FathomError[] {
  if (values.length === 0 || values.length > sweepLimits.values) {
    const message = `An argument has 1 to ${sweepLimits.values} values; you gave ${values.length}.`;
    return [invalid(message, path)];
  }
  const seen = new Set<string>();
  return values.flatMap((value, at) => {
    const text = canonicalJson(value);
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return invalid(`${shortened(text)} is given twice.`, [...path, String(at)]);
  });
}

function checkRange(range: SweepRange, path: readonly string[]): readonly FathomError[] {
  const { minimum, maximum, scale, integer } = range;
  const errors: FathomError[] = [];
  for (const [name, value] of Object.entries({ minimum, maximum })) {
    const isUsable = integer ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (isUsable) continue;
    errors.push(invalid(`${name} is a ${integer ? 'whole ' : ''}number.`, [...path, name]));
  }
  if (errors.length > 0) return errors;
  if (minimum >= maximum) {
    errors.push(invalid('The maximum is greater than the minimum.', [...path, 'maximum']));
  }
  if (scale === 'LOG' && minimum <= 0) {
    errors.push(invalid('On a LOG scale the minimum is greater than 0.', [...path, 'minimum']));
  }
  return errors;
}

function checkTrials(space: SweepSpace): readonly FathomError[] {
  const size = sizeOf(space.parameters);
  if (space.strategy === 'GRID') {
    if (space.trials !== null) {
      return [invalid('GRID runs every combination: leave `trials` out.', ['trials'])];
    }
    if (size <= sweepLimits.trials) return [];
    const message = `These are ${size} combinations; a sweep has at most ${sweepLimits.trials} runs. Give fewer values, or draw with RANDOM.`;
    return [invalid(message, ['parameters'])];
  }
  const { trials } = space;
  if (trials === null || !Number.isSafeInteger(trials) || trials < 1 || trials > sweepLimits.trials)
    return [invalid(`RANDOM draws 1 to ${sweepLimits.trials} \`trials\`.`, ['trials'])];
  if (trials <= size) return [];
  return [invalid(`There are only ${size} combinations to draw from.`, ['trials'])];
}

/** How many combinations there are; Infinity when one argument is not a whole number. */
function sizeOf(parameters: readonly SweepParameter[]): number {
  return parameters.reduce((size, { values, range }) => {
    if (range === null) return size * (values?.length ?? 0);
    return range.integer ? size * (range.maximum - range.minimum + 1) : Infinity;
  }, 1);
}

/**
 * The combinations of a space without findings, in the order of its runs. GRID: all, the last argument varying fastest.
 * RANDOM: each argument in turn takes one number u of `seededRandom(seed)`; of n values it gets number floor(u · n), of a
 * range minimum + u · (maximum - minimum), on a LOG scale the same between the logarithms. Whole numbers are rounded
 * down, from a range whose maximum is one greater. A combination that was there before is drawn again.
 */
export function combinationsOf(space: SweepSpace, seed: number): readonly Combination[] {
  return space.strategy === 'GRID'
    ? grid(space.parameters)
    : drawn(space.parameters, space.trials ?? 0, seed);
}

function grid(parameters: readonly SweepParameter[]): readonly Combination[] {
  let rows: readonly (readonly number[])[] = [[]];
  for (const { values } of parameters) {
    rows = rows.flatMap((row) => (values ?? []).map((_value, at) => [...row, at]));
  }
  return rows.map((from) => ({
    from,
    arguments: named(parameters, (parameter, at) => parameter.values?.[from[at] ?? 0] ?? null),
  }));
}

function drawn(
  parameters: readonly SweepParameter[],
  trials: number,
  seed: number,
): readonly Combination[] {
  const random = seededRandom(seed);
  const seen = new Set<string>();
  return Array.from({ length: trials }, () => {
    let next = draw(parameters, random);
    for (let again = 0; again < sweepLimits.redraws; again++) {
      if (!seen.has(canonicalJson(next.arguments))) break;
      next = draw(parameters, random);
    }
    seen.add(canonicalJson(next.arguments));
    return next;
  });
}

function draw(parameters: readonly SweepParameter[], random: () => number): Combination {
  const from: (number | null)[] = [];
  const values = named(parameters, (parameter) => {
    const u = random();
    if (parameter.range !== null) {
      from.push(null);
      return drawIn(parameter.range, u);
    }
    const list = parameter.values ?? [];
    const at = Math.floor(u * list.length);
    from.push(at);
    return list[at] ?? null;
  });
  return { arguments: values, from };
}

function drawIn({ minimum, maximum, scale, integer }: SweepRange, u: number): number {
  const end = integer ? maximum + 1 : maximum;
  const value =
    scale === 'LINEAR'
      ? minimum + u * (end - minimum)
      : Math.exp(Math.log(minimum) + u * (Math.log(end) - Math.log(minimum)));
  // Rounding may carry a value across a bound.
  return Math.min(maximum, Math.max(minimum, integer ? Math.floor(value) : value));
}

function named(
  parameters: readonly SweepParameter[],
  valueOf: (parameter: SweepParameter, at: number) => Json,
): JsonObject {
  return Object.fromEntries(
    parameters.map((parameter, at) => [parameter.argument, valueOf(parameter, at)]),
  );
}

/** Where in the input the value of an argument stands, for one combination. */
export function pathOf(
  parameters: readonly SweepParameter[],
  combination: Combination,
  argument: string,
): readonly string[] {
  const at = parameters.findIndex((parameter) => parameter.argument === argument);
  if (at === -1) return ['arguments', argument];
  const value = combination.from[at] ?? null;
  const path = ['parameters', String(at)];
  return value === null ? [...path, 'range'] : [...path, 'values', String(value)];
}

function invalid(message: string, path: readonly string[]): FathomError {
  return new FathomError('INVALID_ARGUMENT', message, { path });
}

function shortened(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}

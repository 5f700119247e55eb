import type { ArgumentFields, ArgumentValues } from './arguments.ts';
import type { DataSet, Split } from './workload.ts';
import type { RunReport } from './run-report.ts';

/**
 * What a module's `module.ts` exports as `module`. Nothing in it may load a heavy library before
 * `load` or `train` is called: `describe` imports it.
 */
export interface Module {
  /** Name in the routes of the API and in the catalogue: lower case, digits and hyphens. */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** Arguments of a prediction. */
  readonly predictArguments: ArgumentFields;
  /** Arguments of a training; null when the module cannot be trained. */
  readonly trainArguments: ArgumentFields | null;
  /**
   * A request that any server of this module can answer. An artifact may carry a better one in its
   * `sample.json`.
   */
  readonly sample: Sample | null;
  /**
   * Folder of shipped weights inside the module's folder, or null when it has none (or needs none).
   */
  readonly weights: string | null;
  /** Whether `load(null)` works, that is, a prediction needs no trained weights. */
  readonly predictsWithoutWeights: boolean;
  /** Loads the artifact in a folder. Throws an Error whose message a person can act upon. */
  load(artifact: string | null): Promise<Predictor>;
  /** Trains, evaluates on the test part and writes the model into `context.artifact`. */
  train?(context: TrainContext): Promise<TrainResult>;
  /**
   * The data that a training takes when a server of the API is asked to train and was given no data
   * of its own.
   */
  referenceData?(): Promise<ReferenceData>;
}

/**
 * A sample request: `arguments` as a JSON body, and what the answer must have first in `labels`.
 */
export interface Sample {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly expect?: { readonly label: string };
}

export interface Predictor {
  /**
   * Answers one request; the value becomes `predictions`. An ArgumentError becomes 422, anything
   * else 500.
   */
  predict(values: ArgumentValues): unknown;
  /** What this model adds to the module's metadata: labels, input shape. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface TrainContext {
  readonly module: { readonly name: string; readonly version: string };
  readonly values: ArgumentValues;
  readonly seed: number;
  readonly data: DataSet;
  readonly split: Split;
  /** Absolute folder of the checkpoint to go on from. */
  readonly resume: string | null;
  /** Absolute, empty folder for the model. It becomes `out/model` when `train` has returned. */
  readonly artifact: string;
  readonly report: RunReport;
  /** Aborted when the run has to stop; `report` checks it too. */
  readonly signal: AbortSignal;
}

export interface TrainResult {
  /** Finite numbers only; `testAccuracy` and `testLoss` are measured on the test part. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly labels: readonly string[];
}

export interface ReferenceFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface ReferenceData {
  readonly format: DataSet['format'];
  readonly target: string | null;
  readonly files: readonly ReferenceFile[];
  /** Number of examples in the files. */
  readonly examples: number;
}

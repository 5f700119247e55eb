import type { Ownership } from './actor.ts';
import type { DataFile } from './dataset.ts';
import type { Id } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { Resources } from './resources.ts';
import type { StateTable } from './state.ts';
import type { Waiting } from './waiting.ts';

const ends = ['FAILED', 'LOST', 'CANCELLING'] as const;

/** DESIGN: QUEUED → PLACED → SUBMITTED → PENDING → PREPARING → RUNNING → EVALUATING → an end. */
export const trainingRunStates = {
  order: [
    'QUEUED',
    'PLACED',
    'SUBMITTED',
    'PENDING',
    'PREPARING',
    'RUNNING',
    'EVALUATING',
    'SUCCEEDED',
  ],
  next: {
    QUEUED: ['PLACED', 'FAILED', 'CANCELLING', 'CANCELLED'],
    PLACED: ['SUBMITTED', 'QUEUED', 'CANCELLED', ...ends],
    SUBMITTED: ['PENDING', 'QUEUED', ...ends],
    PENDING: ['PREPARING', 'QUEUED', ...ends],
    PREPARING: ['RUNNING', 'QUEUED', ...ends],
    RUNNING: ['EVALUATING', 'QUEUED', ...ends],
    EVALUATING: ['SUCCEEDED', 'QUEUED', ...ends],
    // A cancel that came too late ends as the run really ended.
    CANCELLING: ['CANCELLED', 'SUCCEEDED', 'FAILED', 'LOST'],
    SUCCEEDED: [],
    FAILED: [],
    CANCELLED: [],
    LOST: [],
  },
} as const satisfies StateTable<
  | 'QUEUED'
  | 'PLACED'
  | 'SUBMITTED'
  | 'PENDING'
  | 'PREPARING'
  | 'RUNNING'
  | 'EVALUATING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED'
  | 'LOST'
  | 'CANCELLING'
>;
export type TrainingRunState = keyof (typeof trainingRunStates)['next'];

/** The same from SUBMITTED on, one for each dispatch. */
export const attemptStates = {
  order: ['PLACED', 'SUBMITTED', 'PENDING', 'PREPARING', 'RUNNING', 'EVALUATING', 'SUCCEEDED'],
  next: {
    PLACED: ['SUBMITTED', 'CANCELLED', ...ends],
    SUBMITTED: ['PENDING', ...ends],
    PENDING: ['PREPARING', ...ends],
    PREPARING: ['RUNNING', ...ends],
    RUNNING: ['EVALUATING', ...ends],
    EVALUATING: ['SUCCEEDED', ...ends],
    CANCELLING: ['CANCELLED', 'SUCCEEDED', 'FAILED', 'LOST'],
    SUCCEEDED: [],
    FAILED: [],
    CANCELLED: [],
    LOST: [],
  },
} as const satisfies StateTable<Exclude<TrainingRunState, 'QUEUED'>>;
export type AttemptState = keyof (typeof attemptStates)['next'];

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
}

/** How it ended, for a person. `code` is stable. */
export interface Outcome {
  readonly code:
    | 'OK'
    | 'CANCELLED'
    | 'NON_ZERO_EXIT'
    | 'SIGNALLED'
    | 'OUT_OF_MEMORY'
    | 'TIME_LIMIT'
    | 'NO_OUTPUT'
    | 'BAD_OUTPUT'
    | 'VANISHED'
    | 'NOT_STARTED';
  readonly message: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export interface TrainingRun extends Ownership {
  readonly id: Id<'TrainingRun'>;
  readonly version: number;
  /** 1, 2, 3 … over the installation; a human key. */
  readonly number: number;
  readonly name: string;
  readonly moduleVersionId: Id<'ModuleVersion'>;
  readonly datasetVersionId: Id<'DatasetVersion'>;
  readonly splitId: Id<'Split'>;
  /** The sweep it is one run of; absent: none. */
  readonly sweepId?: Id<'Sweep'>;
  /** 1, 2, 3 … within its sweep. */
  readonly sweepNumber?: number;
  /** Validated against the module's document, defaults filled in. */
  readonly arguments: JsonObject;
  readonly seed: number;
  readonly resources: Resources;
  /** The backend asked for; null lets the broker choose. */
  readonly requestedBackend: string | null;
  /** The backend chosen. */
  readonly backend: string | null;
  /** The checkpoint to continue from. */
  readonly resumeFrom: Id<'Artifact'> | null;
  readonly state: TrainingRunState;
  readonly stateSince: number;
  readonly waiting: Waiting | null;
  readonly progress: Progress | null;
  /** Latest value of each metric by name. */
  readonly metrics: { readonly [name: string]: number };
  readonly outcome: Outcome | null;
  readonly cancelRequestedAt: number | null;
  /** When the backend was last seen to speak of it. */
  readonly observedAt: number | null;
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Of the request that asked for it; absent or null when nobody records it. */
  readonly traceparent?: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface Attempt {
  readonly id: Id<'Attempt'>;
  readonly version: number;
  readonly runId: Id<'TrainingRun'>;
  /** 1, 2, 3 … within its run. */
  readonly number: number;
  readonly backend: string;
  /** Deterministic name of the native job; a submit repeated after a crash finds it. */
  readonly key: string;
  /** Opaque above the backend; null until the submit was acknowledged. */
  readonly handle: JsonObject | null;
  readonly state: AttemptState;
  readonly stateSince: number;
  /** What the backend calls the state, verbatim. */
  readonly nativeState: string | null;
  readonly outcome: Outcome | null;
  /** Where the next read of the native log begins. */
  readonly logCursor: string | null;
  readonly observedAt: number | null;
  /** Its run's. */
  readonly traceparent?: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const artifactKinds = ['MODEL', 'CHECKPOINT', 'OUTPUT'] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

/** Something a run left behind, with the lineage that made it. Never changes. */
export interface Artifact extends Ownership {
  readonly id: Id<'Artifact'>;
  readonly version: number;
  readonly runId: Id<'TrainingRun'>;
  readonly attemptId: Id<'Attempt'>;
  readonly kind: ArtifactKind;
  readonly name: string;
  readonly epoch: number | null;
  readonly files: readonly DataFile[];
  readonly bytes: number;
  /** SHA-256 over the canonical list of files. */
  readonly digest: string;
  readonly lineage: {
    readonly moduleVersionId: Id<'ModuleVersion'>;
    readonly datasetVersionId: Id<'DatasetVersion'>;
    readonly splitId: Id<'Split'>;
    readonly arguments: JsonObject;
    readonly seed: number;
  };
  readonly metrics: { readonly [name: string]: number };
  readonly createdAt: number;
}

export interface MetricPoint {
  readonly name: string;
  readonly value: number;
  readonly step: number;
  readonly epoch: number | null;
  readonly at: number;
}

export interface LogLine {
  readonly at: number;
  readonly stream: 'STDOUT' | 'STDERR' | 'SYSTEM';
  readonly text: string;
  readonly attempt: number;
}

import type { Ownership } from './actor.ts';
import type { Id } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { Resources } from './resources.ts';
import type { StateTable } from './state.ts';
import type { Waiting } from './waiting.ts';

/** WARM only after the declared sample request was answered. */
export const endpointStates = {
  order: ['COLD', 'PLACED', 'PULLING', 'LOADING', 'PROBING', 'WARM', 'COOLING'],
  next: {
    COLD: ['PLACED', 'FAILED'],
    PLACED: ['PULLING', 'LOADING', 'COOLING', 'FAILED'],
    PULLING: ['LOADING', 'COOLING', 'FAILED'],
    LOADING: ['PROBING', 'COOLING', 'FAILED'],
    PROBING: ['WARM', 'LOADING', 'COOLING', 'FAILED'],
    WARM: ['PROBING', 'LOADING', 'COOLING', 'FAILED'],
    COOLING: ['COLD', 'FAILED'],
    FAILED: ['PLACED', 'COOLING'],
  },
} as const satisfies StateTable<
  'COLD' | 'PLACED' | 'PULLING' | 'LOADING' | 'PROBING' | 'WARM' | 'COOLING' | 'FAILED'
>;
export type EndpointState = keyof (typeof endpointStates)['next'];

/** ACTIVE until somebody deletes it; DELETED stays as a record. */
export const deploymentStates = {
  order: ['ACTIVE', 'DELETING', 'DELETED'],
  next: { ACTIVE: ['DELETING'], DELETING: ['DELETED'], DELETED: [] },
} as const satisfies StateTable<'ACTIVE' | 'DELETING' | 'DELETED'>;
export type DeploymentState = keyof (typeof deploymentStates)['next'];

export interface Deployment extends Ownership {
  readonly id: Id<'Deployment'>;
  readonly version: number;
  readonly name: string;
  readonly state: DeploymentState;
  readonly stateSince: number;
  readonly requestedBackend: string | null;
  readonly backend: string;
  readonly replicas: number;
  readonly resources: Resources;
  /** The revision that answers; null until the first one was warm. */
  readonly activeRevisionId: Id<'Revision'> | null;
  /** The newest revision; another than the active one while a roll-out is under way or after it failed. */
  readonly latestRevisionId: Id<'Revision'>;
  /** What it serves: of the active revision, or of the newest one while none was ever active. */
  readonly moduleVersionId: Id<'ModuleVersion'>;
  readonly artifactId: Id<'Artifact'> | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One thing that a deployment served or serves: a module version with or without a trained artifact. */
export interface Revision {
  readonly id: Id<'Revision'>;
  readonly version: number;
  readonly deploymentId: Id<'Deployment'>;
  /** 1, 2, 3 … within its deployment. */
  readonly number: number;
  readonly moduleVersionId: Id<'ModuleVersion'>;
  readonly artifactId: Id<'Artifact'> | null;
  readonly endpointId: Id<'Endpoint'>;
  readonly createdAt: number;
}

/** Evidence of warmth. Latencies in milliseconds, measured by us at the sample request. */
export interface Warmth {
  readonly probedAt: number;
  readonly latencyMs: number;
  /** From PLACED to WARM. */
  readonly warmUpMs: number;
}

/** The running side of a revision: a pool of processes or pods behind one handle. */
export interface Endpoint {
  readonly id: Id<'Endpoint'>;
  readonly version: number;
  readonly deploymentId: Id<'Deployment'>;
  readonly revisionId: Id<'Revision'>;
  readonly backend: string;
  readonly key: string;
  readonly handle: JsonObject | null;
  readonly state: EndpointState;
  readonly stateSince: number;
  readonly replicas: number;
  /** Those that answered the sample request; calls go to no other. */
  readonly readyReplicas: number;
  /** Their ids, as the backend gives them; an id is proven once and changes when the server is replaced. */
  readonly provenReplicas: readonly string[];
  /** Probes and starts that failed in a row; 0 once WARM. */
  readonly setbacks: number;
  readonly nativeState: string | null;
  readonly waiting: Waiting | null;
  readonly warmth: Warmth | null;
  /** Why it failed, for a person; null unless FAILED. */
  readonly failure: string | null;
  readonly restarts: number;
  readonly placedAt: number | null;
  readonly observedAt: number | null;
  /** Of the request that asked for it; absent or null when nobody records it. */
  readonly traceparent?: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const predictionOutcomes = [
  'OK',
  'MODULE_FAILED',
  'DEADLINE_EXCEEDED',
  'BACKEND_UNAVAILABLE',
] as const;
export type PredictionOutcome = (typeof predictionOutcomes)[number];

/** What is remembered of one call: never the input, never the output. */
export interface Prediction {
  readonly id: Id<'Prediction'>;
  readonly version: number;
  readonly owner: string;
  readonly deploymentId: Id<'Deployment'>;
  readonly revisionId: Id<'Revision'>;
  readonly outcome: PredictionOutcome;
  readonly message: string | null;
  /** Milliseconds in the module, and in all. */
  readonly moduleMs: number | null;
  readonly totalMs: number;
  /** Whether a container was started for the call, how long it waited and loaded; null (or absent) when not told. */
  readonly coldStart?: boolean | null;
  readonly waitMs?: number | null;
  readonly initMs?: number | null;
  readonly createdAt: number;
}

import type { DeploymentState, EndpointState, Warmth } from './deployment.ts';
import type { Id } from './ids.ts';
import type {
  ArtifactKind,
  AttemptState,
  Outcome,
  Progress,
  TrainingRunState,
} from './training-run.ts';
import type { BestRun, SweepState } from './sweep.ts';
import type { Waiting } from './waiting.ts';

/** What happened, in the past tense, one union on `type`. Log lines and metric points are streams, not events. */
export type TrainingRunEvent =
  | { readonly type: 'trainingRun.accepted' }
  | {
      readonly type: 'trainingRun.stateChanged';
      readonly from: TrainingRunState | null;
      readonly to: TrainingRunState;
      readonly reason: string | null;
      readonly outcome: Outcome | null;
    }
  | { readonly type: 'trainingRun.waitingChanged'; readonly waiting: Waiting | null }
  | { readonly type: 'trainingRun.progressed'; readonly progress: Progress }
  | {
      readonly type: 'trainingRun.attemptChanged';
      readonly attemptId: Id<'Attempt'>;
      readonly number: number;
      readonly backend: string;
      readonly state: AttemptState;
      readonly nativeState: string | null;
    }
  | {
      readonly type: 'trainingRun.artifactRegistered';
      readonly artifactId: Id<'Artifact'>;
      readonly kind: ArtifactKind;
      readonly name: string;
      readonly epoch: number | null;
      readonly digest: string;
    }
  | { readonly type: 'trainingRun.cancelRequested'; readonly by: string };

export type DeploymentEvent =
  | { readonly type: 'deployment.created'; readonly revisionId: Id<'Revision'> }
  | {
      readonly type: 'deployment.stateChanged';
      readonly from: DeploymentState;
      readonly to: DeploymentState;
    }
  | {
      readonly type: 'deployment.revisionCreated';
      readonly revisionId: Id<'Revision'>;
      readonly number: number;
    }
  | {
      readonly type: 'deployment.endpointChanged';
      readonly endpointId: Id<'Endpoint'>;
      readonly revisionId: Id<'Revision'>;
      readonly from: EndpointState | null;
      readonly to: EndpointState;
      readonly reason: string | null;
      readonly readyReplicas: number;
      readonly warmth: Warmth | null;
    }
  | {
      readonly type: 'deployment.waitingChanged';
      readonly endpointId: Id<'Endpoint'>;
      readonly waiting: Waiting | null;
    }
  | {
      readonly type: 'deployment.revisionActivated';
      readonly revisionId: Id<'Revision'>;
      readonly previousRevisionId: Id<'Revision'> | null;
    };

export type SweepEvent =
  | { readonly type: 'sweep.accepted'; readonly trials: number }
  | {
      readonly type: 'sweep.stateChanged';
      readonly from: SweepState | null;
      readonly to: SweepState;
      readonly reason: string | null;
    }
  | {
      readonly type: 'sweep.runEnded';
      readonly runId: Id<'TrainingRun'>;
      /** Its number within the sweep. */
      readonly number: number;
      readonly state: TrainingRunState;
      /** Of the sweep's metric; null when the run has none. */
      readonly value: number | null;
      /** How many runs of the sweep have ended, this one included. */
      readonly ended: number;
    }
  | {
      readonly type: 'sweep.bestChanged';
      readonly best: BestRun;
      readonly previous: BestRun | null;
    }
  | { readonly type: 'sweep.cancelRequested'; readonly by: string };

export type DomainEvent = TrainingRunEvent | DeploymentEvent | SweepEvent;

/** An event as it stands in the log: `sequence` is 1, 2, 3 … without a gap within its aggregate. */
export interface RecordedEvent<E extends DomainEvent = DomainEvent> {
  readonly aggregateId: string;
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly event: E;
}

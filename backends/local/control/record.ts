import type { Resources } from '../../../domain/resources.ts';
import type { ProcessIdentity } from './process-identity.ts';

/**
 * What stands in the control files of a job's or service's folder. These files are the truth: the
 * server and a supervisor share nothing else, and either may be killed at any line.
 *
 * | file | written by | meaning |
 * |---|---|---|
 * | `record.json` | server, with the folder, once | what was asked for |
 * | `grant.json` | server, once (service: replaced) | the resources are set aside: go |
 * | `supervisor.N.json` | supervisor, once | claim: this process is the supervisor |
 * | `program.json` | supervisor, once | the program runs (jobs) |
 * | `cancel.json` | server, once | the end is wanted |
 * | `exit.json` | supervisor, once | how it ended (jobs); never written twice, so there is one end |
 * | `state.json` | supervisor, replaced | the servers of a service |
 * | `wanted.json` | server, replaced | how many servers are wanted, which are to be replaced |
 */
export const controlFiles = {
  record: 'record.json',
  grant: 'grant.json',
  program: 'program.json',
  cancel: 'cancel.json',
  exit: 'exit.json',
  state: 'state.json',
  wanted: 'wanted.json',
  work: 'work',
  log: 'log',
} as const;

/** How the program is started; shown to people as the dry run. Secrets are named, never told. */
export interface Launch {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly environment: { readonly [name: string]: string };
  readonly secretNames: readonly string[];
}

export interface SupervisionPolicy {
  readonly stopGraceMs: number;
  readonly sampleMs: number;
  readonly logLimitBytes: number;
  readonly loadTimeoutMs: number;
  readonly restartDelayMs: number;
  readonly restartDelayMaximumMs: number;
  /** A server that never became ready so often in a row is given up. */
  readonly giveUpAfter: number;
  /** Variables of our own environment that programs see. */
  readonly passEnvironment: readonly string[];
}

export interface LaunchRecord {
  readonly version: 1;
  readonly kind: 'JOB' | 'SERVICE';
  readonly name: string;
  readonly key: string;
  readonly title: string;
  readonly labels: { readonly [name: string]: string };
  readonly submittedAt: number;
  /** Among those of the same millisecond. */
  readonly sequence: number;
  readonly mark: string;
  readonly resources: Resources;
  readonly launch: Launch;
  readonly policy: SupervisionPolicy;
  /** A file to touch whenever something changed. */
  readonly bell: string;
}

export interface Claim extends ProcessIdentity {
  readonly at: number;
}

export interface JobGrant {
  readonly gpus: readonly number[];
}

export interface ServiceGrant {
  readonly slots: readonly { readonly slot: number; readonly gpus: readonly number[] }[];
}

export interface ServiceWish {
  readonly replicas: number;
  /** Servers (by id) that did not answer and are to be replaced. */
  readonly evicted: readonly string[];
  /** Set when the service is to end for good. */
  readonly released: boolean;
}

export interface ProgramStart extends ProcessIdentity {
  readonly at: number;
}

export interface ExitRecord {
  readonly cause: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly message: string;
  readonly startedAt: number | null;
  readonly endedAt: number;
}

export interface ServiceStateRecord {
  readonly supervisor: ProcessIdentity;
  readonly replicas: readonly ReplicaRecord[];
  readonly restarts: number;
  /** Why servers keep failing, with the last lines printed; null when they do not. */
  readonly failure: string | null;
}

export interface ReplicaRecord {
  readonly id: string;
  readonly slot: number;
  readonly phase: string;
  readonly process: ProcessIdentity | null;
  readonly port: number | null;
  /** When a server that ended is started again. */
  readonly nextStartAt: number | null;
}

/** What the server tells a supervisor on its standard input: all that must not stand in a file. */
export interface SupervisorOrder {
  readonly folder: string;
  readonly secrets: { readonly [name: string]: string };
}

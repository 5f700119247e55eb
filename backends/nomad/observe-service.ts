import type { ReplicaStatus, ServiceStatus } from '../contract/service-runner.ts';
import type {
  NativeAllocation,
  NativeDeployment,
  NativeEvaluation,
  NativeJob,
  NativeTaskState,
} from './native.ts';
import { endOf, startOf } from './observe.ts';
import { waitingInPlace, waitingWithoutPlace } from './reasons.ts';
import { taskName } from './translate.ts';

export interface ServiceFacts {
  readonly job: NativeJob;
  /** Of this job, oldest first. */
  readonly allocations: readonly NativeAllocation[];
  readonly evaluations: readonly NativeEvaluation[];
  /** The newest; null when there is none. */
  readonly deployment: NativeDeployment | null;
  /** Ids of the replicas whose port takes connections now. */
  readonly listening: ReadonlySet<string>;
  readonly giveUpAfter: number;
}

/** Total, as `observeJob`. */
export function observeService(facts: ServiceFacts): ServiceStatus {
  const { job, giveUpAfter, listening } = facts;
  const wanted = job.TaskGroups?.[0]?.Count ?? 0;
  const allocations = serving(facts.allocations);
  const replicas = allocations.map((one) => replicaOf(one, listening, giveUpAfter));
  const common = {
    replicas,
    restarts: restartsOf(facts.allocations),
    native: nativeText(facts, wanted),
  };
  if (wanted === 0 || job.Stop === true) {
    return { ...common, phase: 'STOPPED', waiting: null, failure: null };
  }
  const failing = facts.allocations.findLast((one) => isFailing(one, listening));
  const failure = failing === undefined ? null : failureOf(failing, job);
  if (replicas.some(({ phase }) => phase === 'READY')) {
    return { ...common, phase: 'READY', waiting: null, failure };
  }
  const hopeless = hopelessness(facts, replicas);
  if (hopeless !== null) {
    return { ...common, phase: 'FAILED', waiting: null, failure: failure ?? hopeless };
  }
  return { ...common, ...loading(facts, allocations), failure };
}

/** The id of a server: another one after each start of its program. */
export function replicaId(allocation: NativeAllocation): string {
  return `${allocation.ID}.${mainOf(allocation)?.Restarts ?? 0}`;
}

export function allocationOf(replica: string): string {
  return replica.slice(0, replica.lastIndexOf('.'));
}

/** Those that count: wanted, and not over. */
export function serving(allocations: readonly NativeAllocation[]): readonly NativeAllocation[] {
  return allocations
    .filter(({ DesiredStatus }) => DesiredStatus === 'run')
    .filter(({ ClientStatus }) => !overStatuses.has(ClientStatus ?? ''))
    .toSorted((a, b) => ((a.Name ?? '') < (b.Name ?? '') ? -1 : 1));
}

export function isRunning(allocation: NativeAllocation): boolean {
  return allocation.ClientStatus === 'running' && mainOf(allocation)?.State === 'running';
}

/** The one whose last lines tell why the service does not work; null when none is failing. */
export function failingOf(facts: ServiceFacts): NativeAllocation | null {
  return facts.allocations.findLast((one) => isFailing(one, facts.listening)) ?? null;
}

const overStatuses: ReadonlySet<string> = new Set(['complete', 'failed', 'lost']);

function replicaOf(
  allocation: NativeAllocation,
  listening: ReadonlySet<string>,
  giveUpAfter: number,
): ReplicaStatus {
  const id = replicaId(allocation);
  const main = mainOf(allocation);
  const native = `${allocation.ClientStatus ?? 'unknown'} (${main?.State ?? 'no task yet'})`;
  const isReady = isRunning(allocation) && listening.has(id);
  const isHopeless = !isReady && (main?.Restarts ?? 0) >= giveUpAfter && lastEnd(main) !== 'asked';
  return { id, phase: isReady ? 'READY' : isHopeless ? 'FAILED' : 'LOADING', native };
}

/** Whether its latest end was asked for (then nothing is wrong with it). */
function lastEnd(main: NativeTaskState | undefined): 'asked' | 'own' {
  const event = main?.Events?.findLast(
    ({ Type }) => Type === 'Terminated' || Type === 'Restart Signaled',
  );
  return event?.Type === 'Restart Signaled' ? 'asked' : 'own';
}

function isFailing(allocation: NativeAllocation, listening: ReadonlySet<string>): boolean {
  if (allocation.DesiredStatus !== 'run') return false;
  if (allocation.ClientStatus === 'failed') return true;
  return (mainOf(allocation)?.Restarts ?? 0) > 1 && !listening.has(replicaId(allocation));
}

/** Starts of programs beyond the first: in place, and in the place of an allocation that failed or was lost. */
function restartsOf(allocations: readonly NativeAllocation[]): number {
  const again = allocations.filter(({ PreviousAllocation }) => (PreviousAllocation ?? '') !== '');
  return allocations.reduce((sum, one) => sum + (mainOf(one)?.Restarts ?? 0), again.length);
}

function loading(
  { job, evaluations }: ServiceFacts,
  allocations: readonly NativeAllocation[],
): Pick<ServiceStatus, 'phase' | 'waiting'> {
  const [first] = allocations;
  if (first === undefined) {
    const isKnown = ['pending', 'running', 'dead'].includes(job.Status ?? '');
    if (!isKnown) return { phase: 'UNKNOWN', waiting: null };
    return { phase: 'PENDING', waiting: waitingWithoutPlace(evaluations) };
  }
  if (allocations.some(isRunning)) {
    const message = 'The server runs and does not listen yet.';
    return { phase: 'LOADING', waiting: { code: 'STARTING', message, raw: null } };
  }
  const waiting = waitingInPlace(first, taskName);
  const isPulling = waiting.code === 'PULLING_IMAGE' || waiting.code === 'IMAGE_UNAVAILABLE';
  return { phase: isPulling ? 'PULLING' : 'LOADING', waiting };
}

function hopelessness(
  { job, deployment, allocations }: ServiceFacts,
  replicas: readonly ReplicaStatus[],
): string | null {
  if (replicas.length > 0 && replicas.every(({ phase }) => phase === 'FAILED')) {
    return 'Every server ended again and again.';
  }
  // A deployment of an earlier version says nothing of this one.
  if (deployment === null || deployment.JobVersion !== job.Version) return null;
  const wasReady = allocations.some(({ DeploymentStatus }) => DeploymentStatus?.Healthy === true);
  if (deployment.Status !== 'failed' || wasReady) return null;
  return `No server became ready in time: ${deployment.StatusDescription ?? 'the deployment failed'}.`;
}

function failureOf(allocation: NativeAllocation, job: NativeJob): string | null {
  const driver = job.TaskGroups?.[0]?.Tasks?.find(({ Name }) => Name === taskName)?.Driver;
  const end = endOf(mainOf(allocation), driver === 'docker');
  if (end !== null) return end.message.replace(/^It /, 'The server ');
  const reason = mainOf(allocation)?.Events?.findLast(({ Type }) => /fail/i.test(Type ?? ''));
  if (startOf(mainOf(allocation)) !== null || reason === undefined) return null;
  return `The server did not start: ${reason.DisplayMessage ?? reason.Type ?? 'no reason'}`;
}

function nativeText({ deployment, allocations, job }: ServiceFacts, wanted: number): string {
  const running = allocations.filter(isRunning).length;
  const isOurs = deployment !== null && deployment.JobVersion === job.Version;
  return `${job.Status ?? 'unknown'}: ${running} running, ${wanted} wanted${isOurs ? `, deployment ${deployment.Status ?? 'unknown'}` : ''}`;
}

function mainOf({ TaskStates }: NativeAllocation): NativeTaskState | undefined {
  return TaskStates?.[taskName];
}

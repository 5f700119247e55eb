import type { CoreV1Event, V1Deployment, V1Pod } from './native.ts';
import type { ReplicaStatus, ServiceStatus } from '../contract/service-runner.ts';
import { endOf } from './observe.ts';
import { isOutOfSight, waitingOfPod, waitingWithoutPod } from './reasons.ts';

export interface ServiceFacts {
  readonly deployment: V1Deployment;
  /** Of this Deployment, newest first. */
  readonly pods: readonly V1Pod[];
  readonly events: readonly CoreV1Event[];
  readonly giveUpAfter: number;
}

/** Total, as `observeJob`. */
export function observeService(facts: ServiceFacts): ServiceStatus {
  const { deployment, giveUpAfter } = facts;
  const wanted = deployment.spec?.replicas ?? 0;
  const pods = serving(facts.pods);
  const replicas = pods.map((pod) => replicaOf(pod, giveUpAfter));
  const restarts = pods.reduce((sum, pod) => sum + (main(pod)?.restartCount ?? 0), 0);
  const common = { replicas, restarts, native: nativeText(deployment) };
  if (wanted === 0) {
    return { ...common, phase: 'STOPPED', waiting: null, failure: null };
  }
  const isReady = replicas.some(({ phase }) => phase === 'READY');
  const failing = pods.find((pod) => (main(pod)?.restartCount ?? 0) > 1 && !isListening(pod));
  const failure = failing === undefined ? null : failureOf(failing);
  if (isReady) return { ...common, phase: 'READY', waiting: null, failure };
  const hopeless = hopelessness(facts, replicas);
  if (hopeless !== null) {
    return { ...common, phase: 'FAILED', waiting: null, failure: failure ?? hopeless };
  }
  return { ...common, ...loading(facts, pods), failure };
}

/** The id of a server: another one after each start of its program. */
export function replicaId(pod: V1Pod): string {
  return `${pod.metadata?.name ?? ''}.${main(pod)?.restartCount ?? 0}`;
}

export function podOf(replica: string): string {
  return replica.slice(0, replica.lastIndexOf('.'));
}

/** Those that count: not being removed, and not left over. */
export function serving(pods: readonly V1Pod[]): readonly V1Pod[] {
  return pods
    .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    .filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded')
    .toSorted((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
}

/** Of those that do not listen yet, the one that came furthest; undefined when there is none. */
export function firstToServe(pods: readonly V1Pod[]): V1Pod | undefined {
  const waiting = serving(pods).filter((pod) => !isListening(pod));
  return (
    waiting.find((pod) => main(pod)?.state?.running !== undefined) ??
    waiting.find(({ spec }) => spec?.nodeName !== undefined) ??
    waiting[0]
  );
}

export function isListening(pod: V1Pod): boolean {
  const status = main(pod);
  return status?.ready === true && status.state?.running !== undefined && !isOutOfSight(pod);
}

function replicaOf(pod: V1Pod, giveUpAfter: number): ReplicaStatus {
  const status = main(pod);
  const native = status?.state?.waiting?.reason ?? pod.status?.phase ?? 'Pending';
  const isFailing =
    status?.state?.waiting?.reason === 'CrashLoopBackOff' && status.restartCount >= giveUpAfter;
  const phase = isListening(pod) ? 'READY' : isFailing ? 'FAILED' : 'LOADING';
  return { id: replicaId(pod), phase, native };
}

function loading(
  { deployment, events }: ServiceFacts,
  pods: readonly V1Pod[],
): Pick<ServiceStatus, 'phase' | 'waiting'> {
  const pod = firstToServe(pods);
  if (pod === undefined) {
    // The events about it are those of a ReplicaSet; the Deployment repeats the last one.
    const condition = conditionOf(deployment, 'ReplicaFailure');
    const said: readonly CoreV1Event[] =
      condition === undefined
        ? events
        : [{ type: 'Warning', metadata: {}, involvedObject: {}, ...reasonOf(condition) }];
    return { phase: 'PENDING', waiting: waitingWithoutPod(said) };
  }
  if (main(pod)?.state?.running !== undefined && !isOutOfSight(pod)) {
    const message = 'The server runs and does not listen yet.';
    return { phase: 'LOADING', waiting: { code: 'STARTING', message, raw: null } };
  }
  const waiting = waitingOfPod(pod, events);
  if (pod.spec?.nodeName === undefined) return { phase: 'PENDING', waiting };
  const isPulling = waiting.code === 'PULLING_IMAGE' || waiting.code === 'IMAGE_UNAVAILABLE';
  return { phase: isPulling ? 'PULLING' : 'LOADING', waiting };
}

function hopelessness(
  { deployment }: ServiceFacts,
  replicas: readonly ReplicaStatus[],
): string | null {
  if (replicas.length > 0 && replicas.every(({ phase }) => phase === 'FAILED')) {
    return 'Every server ended again and again.';
  }
  const { generation = 0 } = deployment.metadata ?? {};
  // Conditions of an earlier roll-out say nothing of this one.
  if ((deployment.status?.observedGeneration ?? 0) < generation) return null;
  const progressing = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded') {
    return `No server became ready in time: ${progressing.message ?? progressing.reason}`;
  }
  return null;
}

function failureOf(pod: V1Pod): string | null {
  const status = main(pod);
  const last = status?.state?.terminated ?? status?.lastState?.terminated;
  if (last === undefined) return null;
  return endOf(last).message.replace(/^It /, 'The server ');
}

function nativeText(deployment: V1Deployment): string {
  const { readyReplicas = 0, replicas = 0 } = deployment.status ?? {};
  return `${readyReplicas} of ${replicas} ready, ${deployment.spec?.replicas ?? 0} wanted`;
}

function main(pod: V1Pod) {
  return pod.status?.containerStatuses?.find(({ name }) => name === 'main');
}

function conditionOf(deployment: V1Deployment, type: string) {
  return deployment.status?.conditions?.find((one) => one.type === type && one.status === 'True');
}

function reasonOf({ reason, message }: { reason?: string; message?: string }) {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

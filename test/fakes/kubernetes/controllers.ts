import type { V1Deployment, V1Job, V1Pod } from '../../../backends/kubernetes/native.ts';
import type { KubeObject, Objects } from './objects.ts';
import { stamp } from './objects.ts';

const indexKey = 'batch.kubernetes.io/job-completion-index';

type Pod = V1Pod & KubeObject;

/** What one node of the fake offers beside processors and memory. */
export interface FakeNode {
  readonly gpus: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** The Job and Deployment controllers and the scheduler, as far as the facts describe them. */
export class Controllers {
  readonly #objects: Objects;
  readonly #node: FakeNode;
  #made = 0;
  /** Jobs whose pods were made. */
  readonly #started = new Set<string>();
  /** Its one node takes nothing. */
  isNodeAway = false;

  constructor(objects: Objects, node: FakeNode) {
    this.#objects = objects;
    this.#node = node;
  }

  job(name: string): void {
    const job = this.#objects.get<V1Job>('jobs', name);
    if (job === null || isOver(job)) return;
    const pods = this.podsOf(job.metadata.uid);
    if (job.spec?.suspend === true || job.spec?.parallelism === 0) {
      this.#started.delete(job.metadata.uid);
      for (const pod of pods) if (isActive(pod)) deletePod(this.#objects, pod.metadata.name, null);
      return;
    }
    const { completions = 1, completionMode } = job.spec ?? {};
    if (this.#started.has(job.metadata.uid) && pods.length < completions) {
      // Somebody deleted one: it counts as failed.
      this.#fail(name, null, pods);
      return;
    }
    const failed = pods.find(({ status }) => status?.phase === 'Failed');
    if (failed !== undefined) {
      this.#fail(name, failed, pods);
      return;
    }
    const isIndexed = completionMode === 'Indexed';
    for (let index = pods.length; index < completions; index++) {
      this.#makePod(job, 'Job', 'batch/v1', job.spec?.template ?? {}, isIndexed ? index : null);
    }
    if (pods.length === 0) {
      this.#started.add(job.metadata.uid);
      this.#status('jobs', name, { startTime: stamp(), active: completions });
    }
    const succeeded = pods.filter(({ status }) => status?.phase === 'Succeeded');
    if (succeeded.length < completions) return;
    const condition = { type: 'Complete', status: 'True', lastTransitionTime: stamp() };
    const conditions = [{ ...condition, reason: 'CompletionsReached' }];
    this.#status('jobs', name, { succeeded: completions, completionTime: stamp(), conditions });
  }

  /** First the verdict, then the end of the other pods, and only then the Job is over. */
  #fail(name: string, failed: Pod | null, pods: readonly Pod[]): void {
    const isDisrupted = failed?.status?.conditions?.some(({ type }) => type === 'DisruptionTarget');
    const reason = isDisrupted === true ? 'PodFailurePolicy' : 'BackoffLimitExceeded';
    const message = 'Job has reached the specified backoff limit';
    const rest = pods.filter(isActive);
    for (const pod of rest) deletePod(this.#objects, pod.metadata.name, null);
    const common = { status: 'True', reason, message, lastTransitionTime: stamp() };
    const types = rest.length > 0 ? ['FailureTarget'] : ['FailureTarget', 'Failed'];
    const conditions = types.map((type) => ({ type, ...common }));
    this.#status('jobs', name, { failed: 1, conditions });
  }

  deployment(name: string): void {
    const found = this.#objects.get<V1Deployment>('deployments', name);
    if (found === null) return;
    const pods = this.podsOf(found.metadata.uid).filter(
      (pod) => pod.metadata.deletionTimestamp === undefined && isActive(pod),
    );
    const wanted = found.spec?.replicas ?? 1;
    for (let missing = wanted - pods.length; missing > 0; missing--) {
      this.#makePod(found, 'ReplicaSet', 'apps/v1', found.spec?.template ?? {});
    }
    for (const pod of pods.slice(wanted)) deletePod(this.#objects, pod.metadata.name, null);
    const ready = pods.filter(({ status }) => status?.containerStatuses?.[0]?.ready === true);
    this.#status('deployments', name, {
      observedGeneration: found.metadata.generation ?? 1,
      replicas: Math.max(pods.length, wanted),
      ...(ready.length > 0 ? { readyReplicas: ready.length } : { readyReplicas: undefined }),
    });
  }

  /** Of pods that no node took. */
  schedule(): void {
    for (const { metadata, spec } of this.#objects.list('pods') as readonly unknown[] as Pod[]) {
      if (spec?.nodeName !== undefined || this.#unschedulable(spec) !== null) continue;
      this.#objects.update('pods', metadata.name, (pod) => ({
        ...pod,
        spec: { ...(pod['spec'] as object), nodeName: 'node-0' },
        status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] },
      }));
    }
  }

  podsOf(uid: string): readonly Pod[] {
    return this.#objects
      .list('pods')
      .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
      .map((pod) => pod as unknown as Pod);
  }

  #makePod(
    owner: KubeObject,
    kind: string,
    apiVersion: string,
    template: object,
    index: number | null = null,
  ): void {
    const { name, uid } = owner.metadata;
    const { metadata, spec } = structuredClone(template) as {
      metadata?: Partial<KubeObject['metadata']>;
      spec?: V1Pod['spec'];
    };
    const why = this.#unschedulable(spec);
    const scheduled =
      why === null
        ? { type: 'PodScheduled', status: 'True' }
        : { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: why };
    this.#objects.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...metadata,
        ...(index === null
          ? {}
          : {
              labels: { ...metadata?.labels, [indexKey]: String(index) },
              annotations: { ...metadata?.annotations, [indexKey]: String(index) },
            }),
        name: `${name}${index === null ? '' : `-${index}`}-${(++this.#made).toString(36).padStart(5, '0')}`,
        ownerReferences: [{ apiVersion, kind, name, uid }],
      },
      spec: { ...spec, ...(why === null ? { nodeName: 'node-0' } : {}) },
      status: { phase: 'Pending', conditions: [scheduled] },
    });
  }

  #unschedulable(spec: V1Pod['spec']): string | null {
    if (this.isNodeAway) {
      return '0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.';
    }
    const labels = Object.entries(spec?.nodeSelector ?? {});
    if (labels.some(([name, value]) => this.#node.labels[name] !== value)) {
      return "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
    }
    const wanted = Number(spec?.containers[0]?.resources?.limits?.['nvidia.com/gpu'] ?? 0);
    return wanted > this.#node.gpus
      ? '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.'
      : null;
  }

  #status(plural: string, name: string, status: object): void {
    this.#objects.update(plural, name, (object) => ({
      ...object,
      status: { ...(object['status'] as object | undefined), ...status },
    }));
  }
}

function isOver(job: V1Job): boolean {
  const ends = ['Complete', 'Failed'];
  return (
    job.status?.conditions?.some(({ type, status }) => status === 'True' && ends.includes(type)) ===
    true
  );
}

/** Marks it; the kubelet ends it and removes it. A pod without a node is gone at once. */
export function deletePod(objects: Objects, name: string, graceSeconds: number | null): void {
  const pod = objects.get<V1Pod>('pods', name);
  if (pod === null) return;
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  const isShorter = graceSeconds !== null && graceSeconds < deletionGracePeriodSeconds;
  if (deletionTimestamp !== undefined && !isShorter) return;
  if (pod.spec?.nodeName === undefined) {
    objects.remove('pods', name);
    return;
  }
  const grace = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  objects.update('pods', name, (one) => ({
    ...one,
    metadata: {
      ...one.metadata,
      deletionTimestamp: stamp(Date.now() + grace * 1000),
      deletionGracePeriodSeconds: grace,
    },
  }));
}

function isActive({ status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

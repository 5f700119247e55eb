import type { V1Pod } from '../../../backends/kubernetes/native.ts';
import { deletePod } from './controllers.ts';
import type { KubeObject, Objects } from './objects.ts';
import { stamp } from './objects.ts';

type Condition = { readonly type: string; readonly status: string };

/** What the cluster says of the pods of a node that it does not hear of: the lifecycle controller, the taint manager, PodGC. */
export class LostNode {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** They keep their phase and their containers, and are not Ready. */
  unseen(): void {
    for (const pod of this.#pods()) this.#condition(pod, { type: 'Ready', status: 'False' });
  }

  /** They are marked for deletion, and nobody is there to do it. */
  evict(): void {
    for (const pod of this.#pods()) {
      this.#condition(pod, {
        ...{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' },
        message: 'Taint manager: deleting due to NoExecute taint',
      });
      deletePod(this.#objects, pod.metadata.name, null);
    }
  }

  async collect(): Promise<void> {
    for (const pod of this.#pods()) {
      this.#condition(pod, {
        ...{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC' },
        message: 'PodGC: node no longer exists',
      });
      this.#update(pod, { phase: 'Failed' });
    }
    // A Job's pod is counted before it goes.
    await new Promise((counted) => setImmediate(() => setImmediate(counted)));
    for (const { metadata } of this.#objects.list('pods')) {
      this.#objects.remove('pods', metadata.name);
    }
  }

  /** Those that were to go are gone; of the others nobody knows how they ended. */
  back(): void {
    for (const pod of this.#pods()) {
      const { name, deletionTimestamp } = pod.metadata;
      if (deletionTimestamp !== undefined) this.#objects.remove('pods', name);
      else if (pod.spec?.restartPolicy === 'Always') {
        this.#update(pod, { phase: 'Pending', containerStatuses: [] });
      } else {
        const terminated = {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
          startedAt: null,
          finishedAt: null,
        };
        const over = { name: 'main', ready: false, restartCount: 0, state: { terminated } };
        this.#update(pod, { phase: 'Failed', containerStatuses: [over] });
      }
    }
  }

  /** On the node, and not over. */
  #pods(): readonly (V1Pod & KubeObject)[] {
    return this.#objects
      .list('pods')
      .map((pod) => pod as unknown as V1Pod & KubeObject)
      .filter(({ spec }) => spec?.nodeName !== undefined)
      .filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
  }

  #condition(pod: KubeObject, condition: Condition & Readonly<Record<string, string>>): void {
    this.#objects.update('pods', pod.metadata.name, (one) => {
      const status = one['status'] as { readonly conditions?: readonly Condition[] };
      const others = (status.conditions ?? []).filter(({ type }) => type !== condition.type);
      const conditions = [...others, { ...condition, lastTransitionTime: stamp() }];
      return { ...one, status: { ...status, conditions } };
    });
  }

  #update(pod: KubeObject, status: object): void {
    this.#objects.update('pods', pod.metadata.name, (one) => ({
      ...one,
      status: { ...(one['status'] as object), ...status },
    }));
  }
}

import { randomUUID } from 'node:crypto';

/** Any object of the API, as JSON. The controllers of the fake know the shapes they work on. */
export interface KubeObject {
  kind?: string;
  apiVersion?: string;
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    creationTimestamp: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { uid: string; kind: string; name: string; apiVersion: string }[];
  };
  // The rest is whatever was sent.
  [key: string]: unknown;
}

export interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly plural: string;
  readonly object: KubeObject;
}

/** etcd and the watch cache of one namespace: versions, and a history that can be compacted. */
export class Objects {
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #version = 100;
  /** Versions up to here are gone from the history. */
  oldest = 0;

  get version(): number {
    return this.#version;
  }

  /** `Shape` is what the caller knows of such an object beside its metadata. */
  get<Shape = object>(plural: string, name: string): (Shape & KubeObject) | null {
    return (this.#objects.get(`${plural}/${name}`) ?? null) as (Shape & KubeObject) | null;
  }

  list(plural: string): readonly KubeObject[] {
    return [...this.#objects]
      .filter(([path]) => path.startsWith(`${plural}/`))
      .map(([, object]) => object);
  }

  create(plural: string, sent: Record<string, unknown>): KubeObject {
    const given = (sent['metadata'] ?? {}) as Partial<KubeObject['metadata']>;
    const object: KubeObject = {
      ...structuredClone(sent),
      metadata: {
        ...structuredClone(given),
        name: given.name ?? '',
        uid: randomUUID(),
        resourceVersion: '',
        generation: 1,
        creationTimestamp: stamp(),
      },
    };
    return this.#put(plural, object, 'ADDED');
  }

  /** Replaces what `change` gives for the object as it is; null when it is gone. */
  update(
    plural: string,
    name: string,
    change: (object: KubeObject) => KubeObject,
  ): KubeObject | null {
    const before = this.get(plural, name);
    if (before === null) return null;
    const after = change(structuredClone(before));
    if (JSON.stringify(after) === JSON.stringify(before)) return before;
    if (JSON.stringify(after['spec']) !== JSON.stringify(before['spec'])) {
      after.metadata.generation = (before.metadata.generation ?? 1) + 1;
    }
    return this.#put(plural, after, 'MODIFIED');
  }

  remove(plural: string, name: string): void {
    const object = this.get(plural, name);
    if (object === null) return;
    this.#objects.delete(`${plural}/${name}`);
    this.#tell('DELETED', plural, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#version) },
    });
    // The garbage collector.
    for (const dependants of ['secrets', 'configmaps', 'services']) {
      for (const { metadata } of this.list(dependants)) {
        const isOwned = metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid);
        if (isOwned === true) this.remove(dependants, metadata.name);
      }
    }
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Null when the history does not reach so far back. */
  since(version: number): readonly Change[] | null {
    if (version < this.oldest) return null;
    return this.#history.filter((change) => change.version > version);
  }

  compact(): void {
    this.oldest = ++this.#version;
    this.#history = [];
  }

  #put(plural: string, object: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    object.metadata.resourceVersion = String(++this.#version);
    this.#objects.set(`${plural}/${object.metadata.name}`, object);
    this.#tell(type, plural, object);
    return object;
  }

  #tell(type: Change['type'], plural: string, object: KubeObject): void {
    const change = { version: this.#version, type, plural, object };
    this.#history.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

/** Kubernetes keeps whole seconds. */
export function stamp(milliseconds = Date.now()): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

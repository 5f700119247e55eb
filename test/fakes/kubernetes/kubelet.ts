import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { V1Container, V1Pod } from '../../../backends/kubernetes/native.ts';
import { Companions } from './companions.ts';
import type { ContainerEnd, ContainerSpec } from './container.ts';
import { Container } from './container.ts';
import { expand } from './expansion.ts';
import type { KubeObject, Objects } from './objects.ts';
import { stamp } from './objects.ts';

interface Running {
  container: Container;
  /** The one before, whose log can still be asked for. */
  previous: Container | null;
  startedAt: string;
  restarts: number;
  isStopping: boolean;
}

/** The node of the fake: runs pods that were given a node, as processes of this machine. */
export class Kubelet {
  readonly #objects: Objects;
  readonly #folder: string;
  readonly #claims: Readonly<Record<string, string>>;
  readonly #images: Readonly<Record<string, readonly string[]>>;
  readonly #pods = new Map<string, Running>();
  readonly #companions = new Map<string, Companions>();
  #isClosed = false;
  /** Nobody hears of it. */
  isAway = false;

  constructor(
    objects: Objects,
    folder: string,
    claims: Readonly<Record<string, string>>,
    images: Readonly<Record<string, readonly string[]>>,
  ) {
    this.#images = images;
    this.#objects = objects;
    this.#folder = folder;
    this.#claims = claims;
  }

  /** The program behind a port of a pod, if it listens. */
  portOf(pod: string): number | null {
    return this.#pods.get(pod)?.container.port ?? null;
  }

  container(pod: string, previous: boolean): Container | null {
    const running = this.#pods.get(pod);
    return (previous ? running?.previous : running?.container) ?? null;
  }

  /** Called for every pod that is there, as often as it changes. */
  sync(object: KubeObject): void {
    const pod = object as unknown as V1Pod & KubeObject;
    const { name } = pod.metadata;
    if (this.isAway) return;
    const isRunning = this.#pods.has(name) || this.#companions.has(name);
    if (pod.metadata.deletionTimestamp !== undefined) this.#stop(pod);
    else if (!isRunning && pod.spec?.nodeName !== undefined && pod.status?.phase === 'Pending') {
      this.#start(pod);
    }
  }

  /** Everything on it ends, and nobody hears of that. */
  async fail(): Promise<void> {
    this.isAway = true;
    const all = [...this.#pods.values()];
    this.#pods.clear();
    for (const companions of this.#companions.values()) companions.kill();
    this.#companions.clear();
    for (const { container } of all) container.kill();
    await Promise.all(all.map(({ container }) => container.ended));
  }

  /** Knows of nothing that it ran before. */
  return(): void {
    this.isAway = false;
    for (const pod of this.#objects.list('pods')) this.sync(pod);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const companions of this.#companions.values()) companions.kill();
    for (const { container } of this.#pods.values()) container.kill();
    await Promise.all([...this.#pods.values()].map(({ container }) => container.ended));
  }

  #start(pod: V1Pod & KubeObject): void {
    const { name } = pod.metadata;
    const main = pod.spec?.containers[0];
    if (main === undefined || this.#isClosed) return;
    if (main.image?.startsWith('absent/') === true) {
      this.#waiting(name, 'ErrImagePull', `failed to pull image "${main.image}": not found`);
      return;
    }
    if (main.image?.startsWith('slow/') === true) {
      this.#waiting(name, 'ContainerCreating', '');
      this.#tell(pod, 'Pulling', `Pulling image "${main.image}"`);
      return;
    }
    const missing = this.#missing(pod, main);
    if (missing !== null) {
      this.#waiting(name, 'CreateContainerConfigError', `secret "${missing}" not found`);
      setTimeout(() => this.#retry(name), 30);
      return;
    }
    const folder = this.#workFolder(pod, main);
    if (folder === null) {
      this.#waiting(name, 'CreateContainerError', 'the fake cannot mount that');
      return;
    }
    void this.#begin(pod, main, folder);
    const seconds = pod.spec?.activeDeadlineSeconds;
    if (seconds !== undefined) setTimeout(() => this.#deadline(name), seconds * 1000).unref();
  }

  async #begin(pod: V1Pod & KubeObject, main: V1Container, folder: string): Promise<void> {
    const { name } = pod.metadata;
    const initial = pod.spec?.initContainers ?? [];
    if (initial.length > 0) {
      const companions = new Companions(
        (spec) => new Container(this.#specOf(pod, spec, folder)),
        (initContainerStatuses) => this.#update(name, { initContainerStatuses }),
      );
      this.#companions.set(name, companions);
      this.#waiting(name, 'PodInitializing', '');
      const isReady = await companions.before(initial);
      if (this.#isClosed || this.#objects.get('pods', name) === null) return;
      const isDeleted = this.#objects.get('pods', name)?.metadata.deletionTimestamp !== undefined;
      if (isDeleted) return this.#gone(name);
      if (!isReady) {
        await companions.stop(100);
        return this.#update(name, { phase: 'Failed' });
      }
    }
    this.#run(pod, main, folder, null, 0);
  }

  async #gone(name: string): Promise<void> {
    await this.#companions.get(name)?.stop(this.#graceMs(name));
    this.#companions.delete(name);
    this.#pods.delete(name);
    this.#objects.remove('pods', name);
  }

  #graceMs(name: string): number {
    const pod = this.#objects.get<V1Pod>('pods', name);
    const { deletionGracePeriodSeconds } = pod?.metadata ?? {};
    return (deletionGracePeriodSeconds ?? pod?.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #retry(name: string): void {
    const pod = this.#objects.get('pods', name);
    if (pod !== null && !this.#isClosed) this.sync(pod);
  }

  #run(
    pod: V1Pod & KubeObject,
    main: V1Container,
    folder: string,
    previous: Container | null,
    restarts: number,
  ): void {
    const { name } = pod.metadata;
    const container = new Container(this.#specOf(pod, main, folder));
    const startedAt = stamp();
    const running = { container, previous, startedAt, restarts, isStopping: false };
    this.#pods.set(name, running);
    const isReady = (): boolean => main.readinessProbe === undefined || container.port !== null;
    const show = (): void => {
      if (running.isStopping) return;
      this.#status(name, 'Running', {
        ready: isReady(),
        restartCount: restarts,
        state: { running: { startedAt } },
      });
    };
    container.onListening = show;
    void untilListening(container, main);
    // A program that cannot be started never runs.
    setTimeout(() => {
      if (this.#pods.get(name) === running && container.log.length >= 0 && !ended) show();
    }, 5);
    let ended = false;
    void container.ended.then((end) => {
      ended = true;
      this.#ended(pod, main, folder, running, end);
    });
  }

  #ended(
    pod: V1Pod & KubeObject,
    main: V1Container,
    folder: string,
    running: Running,
    end: ContainerEnd,
  ): void {
    const { name } = pod.metadata;
    const now = this.#objects.get('pods', name);
    // A program of a node that failed is nobody's any more.
    if (now === null || this.#isClosed || this.#pods.get(name) !== running) return;
    const terminated = {
      exitCode: end.exitCode,
      reason: end.reason,
      ...(end.message === '' ? {} : { message: end.message }),
      startedAt: end.started ? running.startedAt : '1970-01-01T00:00:00Z',
      finishedAt: stamp(),
    };
    if (now.metadata.deletionTimestamp !== undefined) {
      void this.#gone(name);
      return;
    }
    const isOverdue = (now['status'] as { reason?: string } | undefined)?.reason !== undefined;
    if (pod.spec?.restartPolicy === 'Always' && !isOverdue) {
      const restarts = running.restarts + 1;
      this.#status(name, 'Running', {
        ready: false,
        restartCount: restarts,
        lastState: { terminated },
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting' } },
      });
      running.restarts = restarts;
      running.previous = running.container;
      const delay = Math.min(100 * 2 ** (restarts - 1), 2000);
      setTimeout(() => {
        const there = this.#objects.get('pods', name);
        if (there === null || there.metadata.deletionTimestamp !== undefined) return;
        if (!this.#isClosed) this.#run(pod, main, folder, running.container, restarts);
      }, delay);
      return;
    }
    const phase = end.exitCode === 0 && !isOverdue ? 'Succeeded' : 'Failed';
    const over = { ready: false, restartCount: 0, state: { terminated } };
    const companions = this.#companions.get(name);
    if (companions === undefined) return this.#status(name, phase, over);
    // The pod is over when its sidecars are.
    this.#status(name, 'Running', over);
    void companions.stop(this.#graceMs(name)).then(() => this.#status(name, phase, over));
  }

  #stop(pod: V1Pod & KubeObject): void {
    const { name } = pod.metadata;
    const running = this.#pods.get(name);
    const companions = this.#companions.get(name);
    if (running === undefined && companions !== undefined) {
      void this.#gone(name);
      return;
    }
    const phase = pod.status?.phase;
    const isOver = running === undefined || phase === 'Succeeded' || phase === 'Failed';
    const isBetween = pod.status?.containerStatuses?.[0]?.state?.waiting !== undefined;
    if (isOver || isBetween) {
      this.#pods.delete(name);
      this.#objects.remove('pods', name);
      return;
    }
    // Deleted once more with less time: the shorter one counts.
    setTimeout(() => running.container.kill(), this.#graceMs(name)).unref();
    if (running.isStopping) return;
    running.isStopping = true;
    running.container.signal('SIGTERM');
  }

  /** The kubelet ends a pod that was active too long: it stays, Failed. */
  #deadline(name: string): void {
    const running = this.#pods.get(name);
    const pod = this.#objects.get<V1Pod>('pods', name);
    const phase = pod?.status?.phase;
    if (phase === 'Pending' && !this.#isClosed) {
      // Its program is not there yet, and ends as soon as it is.
      setTimeout(() => this.#deadline(name), 50).unref();
    }
    if (running === undefined || pod?.status?.phase !== 'Running') return;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#objects.update('pods', name, (one) => ({
      ...one,
      status: { ...(one['status'] as object), reason: 'DeadlineExceeded', message },
    }));
    running.container.signal('SIGTERM');
    const graceMs = (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
    setTimeout(() => running.container.kill(), graceMs).unref();
  }

  #tell({ metadata }: KubeObject, reason: string, message: string): void {
    const { name, uid } = metadata;
    this.#objects.create('events', {
      metadata: { name: `${name}.${reason.toLowerCase()}` },
      involvedObject: { kind: 'Pod', name, uid, fieldPath: 'spec.containers{main}' },
      type: 'Normal',
      reason,
      message,
      lastTimestamp: stamp(),
    });
  }

  #waiting(name: string, reason: string, message: string): void {
    const state = { waiting: { reason, message } };
    this.#status(name, 'Pending', { ready: false, restartCount: 0, state });
  }

  #status(name: string, phase: string, container: object): void {
    this.#update(name, {
      phase,
      podIP: '127.0.0.1',
      containerStatuses: [{ name: 'main', image: '', imageID: '', ...container }],
    });
  }

  #update(name: string, status: object): void {
    if (this.isAway) return;
    this.#objects.update('pods', name, (pod) => ({
      ...pod,
      status: { ...(pod['status'] as object), ...status },
    }));
  }

  /** Paths below the work folder are those of this machine: the fake mounts nothing. */
  #specOf(pod: V1Pod & KubeObject, container: V1Container, folder: string): ContainerSpec {
    const environment = this.#environment(pod, container);
    const place = workPlace(container);
    const here = (text: string): string =>
      place === undefined ? text : text.replaceAll(place, folder);
    const entry = container.command ?? this.#images[container.image ?? ''] ?? [];
    return {
      command: [...entry, ...(container.args ?? [])].map((one) => here(expand(one, environment))),
      environment: Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, here(value)]),
      ),
      folder,
      memoryMiB: Number(
        /^(\d+)Mi$/.exec(container.resources?.limits?.['memory'] ?? '')?.[1] ?? 1e9,
      ),
    };
  }

  #environment(pod: V1Pod & KubeObject, main: V1Container): Record<string, string> {
    const environment: Record<string, string> = {};
    for (const { name, value, valueFrom } of main.env ?? []) {
      const reference = valueFrom?.secretKeyRef;
      const noted = /^metadata\.annotations\['(.*)'\]$/.exec(valueFrom?.fieldRef?.fieldPath ?? '');
      if (noted !== null) {
        environment[name] = pod.metadata.annotations?.[noted[1] ?? ''] ?? '';
        continue;
      }
      const data = this.#objects.get('secrets', reference?.name ?? '')?.['data'];
      environment[name] =
        reference === undefined
          ? expand(value ?? '', environment)
          : Buffer.from((data as Record<string, string>)[reference.key] ?? '', 'base64').toString(
              'utf8',
            );
    }
    return environment;
  }

  #missing(pod: V1Pod, main: V1Container): string | null {
    const others = (pod.spec?.initContainers ?? []).flatMap(({ env }) => env ?? []);
    for (const { valueFrom } of [...(main.env ?? []), ...others]) {
      const name = valueFrom?.secretKeyRef?.name;
      if (name !== undefined && this.#objects.get('secrets', name) === null) return name;
    }
    return null;
  }

  /** The mounts that the fake can do without being root: a claim at its own place, and files of a ConfigMap. */
  #workFolder(pod: V1Pod & KubeObject, main: V1Container): string | null {
    const own = join(this.#folder, pod.metadata.uid);
    for (const mount of main.volumeMounts ?? []) {
      const volume = pod.spec?.volumes?.find(({ name }) => name === mount.name);
      const claim = volume?.persistentVolumeClaim?.claimName;
      if (claim !== undefined) {
        const place = join(this.#claims[claim] ?? '/nonexistent', mount.subPath ?? '');
        return place === mount.mountPath && existsSync(place) ? place : null;
      }
      const target = join(own, relative(workPlace(main) ?? '/', mount.mountPath));
      if (volume?.emptyDir !== undefined) mkdirSync(target, { recursive: true });
      if (volume?.configMap !== undefined) {
        const files = this.#objects.get('configmaps', volume.configMap.name ?? '')?.['data'];
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, (files as Record<string, string>)[mount.subPath ?? ''] ?? '');
      }
    }
    mkdirSync(own, { recursive: true });
    return own;
  }
}

/** Where its work folder is mounted: the first of its mounts, and mostly where it works. */
function workPlace({ workingDir, volumeMounts }: V1Container): string | undefined {
  return workingDir ?? volumeMounts?.[0]?.mountPath;
}

/** Ours say that they listen; one that is told by an option where to do so is asked there, as a probe does. */
async function untilListening(container: Container, { command }: V1Container): Promise<void> {
  const option = command?.indexOf('--listen-port') ?? -1;
  const port = option < 0 ? NaN : Number(command?.[option + 1]);
  if (Number.isNaN(port)) return;
  const over = new AbortController();
  void container.ended.then(() => over.abort());
  while (!over.signal.aborted && !(await takesConnections(port))) await pause(50);
  if (!over.signal.aborted) container.listensAt(port);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const say = (does: boolean): void => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => say(true));
    socket.once('error', () => say(false));
  });
}

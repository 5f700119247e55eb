import type { V1Container } from '../../../backends/kubernetes/native.ts';
import type { ContainerEnd } from './container.ts';
import type { Container } from './container.ts';
import { stamp } from './objects.ts';

export interface CompanionStatus {
  readonly name: string;
  readonly restartCount: number;
  readonly ready: boolean;
  readonly state: object;
}

/** The containers of a pod beside its program: those that run to an end before it, and those that run until it ended. */
export class Companions {
  readonly #run: (spec: V1Container) => Container;
  readonly #show: (statuses: readonly CompanionStatus[]) => void;
  readonly #statuses = new Map<string, CompanionStatus>();
  readonly #sidecars: Container[] = [];
  #current: Container | null = null;
  #isStopping = false;

  constructor(
    run: (spec: V1Container) => Container,
    show: (statuses: readonly CompanionStatus[]) => void,
  ) {
    this.#run = run;
    this.#show = show;
  }

  /** One after the other; a sidecar is only started. False when one failed, or the pod is to end. */
  async before(specs: readonly V1Container[]): Promise<boolean> {
    for (const spec of specs) {
      if (this.#isStopping) return false;
      const container = this.#run(spec);
      this.#tell(spec.name, { running: { startedAt: stamp() } });
      if (spec.restartPolicy === 'Always') {
        this.#sidecars.push(container);
        const hook = spec.lifecycle?.postStart?.exec?.command;
        if (hook !== undefined) {
          const { lifecycle: _, args: __, ...same } = spec;
          // Nothing after it starts before its hook ended; a hook that fails would start it again.
          this.#current = this.#run({ ...same, command: hook });
          await this.#current.ended;
          this.#current = null;
        }
        void container.ended.then((end) => this.#tell(spec.name, { terminated: shown(end) }));
        continue;
      }
      this.#current = container;
      const end = await container.ended;
      this.#current = null;
      this.#tell(spec.name, { terminated: shown(end) });
      if (end.exitCode !== 0) return false;
    }
    return !this.#isStopping;
  }

  /** After the program: sidecars are told to end, and killed when they do not. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const all = [...this.#sidecars, ...(this.#current === null ? [] : [this.#current])];
    for (const container of all) container.signal('SIGTERM');
    const timer = setTimeout(() => this.kill(), graceMs);
    await Promise.all(all.map(({ ended }) => ended));
    clearTimeout(timer);
  }

  kill(): void {
    this.#isStopping = true;
    this.#current?.kill();
    for (const container of this.#sidecars) container.kill();
  }

  #tell(name: string, state: object): void {
    this.#statuses.set(name, { name, restartCount: 0, ready: !('terminated' in state), state });
    this.#show([...this.#statuses.values()]);
  }
}

function shown({ exitCode, reason, message }: ContainerEnd): object {
  return { exitCode, reason, message, finishedAt: stamp() };
}

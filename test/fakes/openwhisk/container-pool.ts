import type { Action } from './actions.ts';
import { activationOf } from './activations.ts';
import type { Activation, Ran } from './activations.ts';
import type { MovableClock } from './clock.ts';
import type { Container, ContainerFactory } from './container.ts';
import { initialize, isKept, runOnce } from './container-calls.ts';
import type { Called } from './container-calls.ts';

export interface PoolOptions {
  /** Of all containers together. */
  readonly memoryMiB: number;
  readonly pauseAfterMs: number;
  readonly removeAfterMs: number;
  readonly apiHost: string;
}

interface Slot {
  readonly container: Container;
  /** Namespace, name and version: another version is another container. */
  readonly key: string;
  readonly memoryMiB: number;
  isBusy: boolean;
  isPaused: boolean;
  idleSince: number;
  cancelTimers: () => void;
}

/** One invoker: containers for actions, warm ones first, new ones while there is memory, then in the place of idle ones. */
export class ContainerPool {
  readonly #factory: ContainerFactory;
  readonly #clock: MovableClock;
  readonly #options: PoolOptions;
  readonly #slots = new Set<Slot>();
  readonly #waiting: (() => void)[] = [];
  #made = 0;
  #reservedMiB = 0;
  /** Grows when the node fails: what began on an earlier one is never heard of again. */
  #node = 0;
  isNodeAway = false;

  constructor(factory: ContainerFactory, clock: MovableClock, options: PoolOptions) {
    this.#factory = factory;
    this.#clock = clock;
    this.#options = options;
  }

  /** `BUSY`, `WARM` or `PAUSED` of each container. */
  get states(): readonly string[] {
    return [...this.#slots].map(({ isBusy, isPaused }) =>
      isBusy ? 'BUSY' : isPaused ? 'PAUSED' : 'WARM',
    );
  }

  /**
   * Runs an activation to its end. `answered` resolves as soon as the container has answered, `recorded` when its log was
   * collected too.
   */
  run(
    activationId: string,
    action: Action,
    payload: object,
  ): { readonly answered: Promise<Activation>; readonly recorded: Promise<Activation> } {
    let slot: Slot | null = null;
    const node = this.#node;
    const receivedAt = this.#clock.now();
    const ran = (async (): Promise<Ran> => {
      const begin = { activationId, action, receivedAt };
      const call = { clock: this.#clock, activationId, action };
      for (;;) {
        const acquired = await this.#acquire(action);
        if ('status' in acquired) {
          const now = this.#clock.now();
          const never = { initMs: null, begunAt: now, endedAt: now, isTimedOut: false };
          return { ...begin, ...never, response: acquired };
        }
        slot = acquired.slot;
        const { container } = slot;
        const begunAt = this.#clock.now();
        const init = acquired.isNew ? await initialize({ ...call, container }) : null;
        const called: Called =
          init?.response == null ? await runOnce({ ...call, container }, payload) : init;
        if (node !== this.#node) return new Promise(() => undefined);
        // A warm one that is gone is found out by the call, which is given another one.
        if (!acquired.isNew && called.isUnheard) {
          await this.#giveBack(slot, false);
          slot = null;
          continue;
        }
        const { response, isTimedOut } = called;
        if (response === null) throw new Error('a run without a response');
        const endedAt = this.#clock.now();
        return { ...begin, begunAt, initMs: init?.tookMs ?? null, endedAt, response, isTimedOut };
      }
    })();
    const recorded = ran.then(async (one) => {
      const lines = slot === null ? [] : await slot.container.takeLog();
      if (slot !== null) await this.#giveBack(slot, isKept(one.response));
      const logs = lines.map(
        ({ at, stream, text }) =>
          `${new Date(at).toISOString().replace('Z', '000000Z')} ${stream}: ${text}`,
      );
      return activationOf(one, logs);
    });
    return { answered: ran.then((one) => activationOf(one, [])), recorded };
  }

  /** With its containers, and without a word. */
  async loseNode(): Promise<void> {
    this.#node++;
    this.isNodeAway = true;
    for (const slot of this.#slots) await this.#remove(slot);
  }

  async close(): Promise<void> {
    for (const slot of this.#slots) slot.cancelTimers();
    await this.#factory.close();
  }

  async #acquire(
    action: Action,
  ): Promise<{ readonly slot: Slot; readonly isNew: boolean } | Ran['response']> {
    const key = keyOf(action);
    for (;;) {
      const warm = [...this.#slots].find((slot) => slot.key === key && !slot.isBusy);
      if (warm !== undefined) {
        warm.cancelTimers();
        warm.isBusy = true;
        if (warm.isPaused) await warm.container.resume();
        warm.isPaused = false;
        return { slot: warm, isNew: false };
      }
      if (await this.#makeRoom(action.limits.memory)) break;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const { memory } = action.limits;
    this.#reservedMiB += memory;
    try {
      const container = await this.#create(action);
      if ('status' in container) return container;
      const more = { isPaused: false, idleSince: 0, cancelTimers: () => undefined };
      const slot: Slot = { container, key, memoryMiB: memory, isBusy: true, ...more };
      this.#slots.add(slot);
      return { slot, isNew: true };
    } finally {
      this.#reservedMiB -= memory;
    }
  }

  async #create(action: Action): Promise<Container | Ran['response']> {
    const { image = `openwhisk/action-${action.exec.kind.replace(':', '-v')}` } = action.exec;
    const isTagged = /:[^/]+$/.test(image) && !image.endsWith(':latest');
    const broken = {
      status: 'action developer error',
      result: { error: `Failed to pull container image '${image}'.` },
    } as const;
    try {
      // Asked for every time; with a tag, an image that is there already will do.
      await this.#factory.pull(image);
    } catch {
      if (!isTagged) return broken;
    }
    const name = `wsk0_${++this.#made}_${action.namespace}_${action.name}`;
    const environment = { __OW_API_HOST: this.#options.apiHost };
    const memoryMiB = action.limits.memory;
    return this.#factory.create({ image, name, environment, memoryMiB }).catch(() => broken);
  }

  async #makeRoom(memoryMiB: number): Promise<boolean> {
    const used = (): number =>
      [...this.#slots].reduce((sum, slot) => sum + slot.memoryMiB, this.#reservedMiB);
    while (used() + memoryMiB > this.#options.memoryMiB) {
      const idle = [...this.#slots].filter(({ isBusy }) => !isBusy);
      const [oldest] = idle.toSorted((a, b) => a.idleSince - b.idleSince);
      if (oldest === undefined) return false;
      await this.#remove(oldest);
    }
    return true;
  }

  async #giveBack(slot: Slot, isKept: boolean): Promise<void> {
    if (!isKept) await this.#remove(slot);
    else {
      slot.isBusy = false;
      slot.idleSince = this.#clock.now();
      const pause = this.#clock.schedule(this.#options.pauseAfterMs, () => {
        slot.isPaused = true;
        // One that cannot be paused is not kept.
        void slot.container.pause().catch(() => this.#remove(slot));
      });
      const remove = this.#clock.schedule(this.#options.removeAfterMs, () => {
        void this.#remove(slot);
      });
      slot.cancelTimers = () => {
        pause();
        remove();
      };
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #remove(slot: Slot): Promise<void> {
    slot.cancelTimers();
    this.#slots.delete(slot);
    await slot.container.remove();
  }
}

function keyOf({ namespace, name, version, updated }: Action): string {
  return JSON.stringify([namespace, name, version, updated]);
}

import type { Reconciler } from '../services/reconciler/reconciler.ts';
import type { Store } from '../store/contract/store.ts';
import type { Duty } from './duty.ts';

/** Who looks after the work: claims it, and hands it to backends. */
export interface Work {
  readonly isOn: boolean;
  /** Resolves when it is known whether this process does. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** One process for each state folder: the one on duty. Nobody else is at work, so what a killed one had leased is due. */
export function workOfOne(store: Store, reconciler: Reconciler, duty: Duty): Work {
  return {
    get isOn() {
      return duty.isOn;
    },
    start: () =>
      duty.start({
        async begin() {
          await store.work.recall();
          reconciler.start();
        },
        end: () => reconciler.stop(),
      }),
    stop: () => duty.stop(),
  };
}

/**
 * Every process that starts it, by leases, on any number of machines. Duty is then for what lies in the state folder: the
 * processes of backends that are a machine's own.
 */
export function workOfMany(reconciler: Reconciler, duty: Duty): Work {
  let isOn = false;
  return {
    get isOn() {
      return isOn;
    },
    async start() {
      await duty.start({ begin: async () => undefined, end: async () => undefined });
      reconciler.start();
      isOn = true;
    },
    async stop() {
      await reconciler.stop();
      await duty.stop();
      isOn = false;
    },
  };
}

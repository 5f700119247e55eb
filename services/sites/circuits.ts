import type { BackendError } from '../../backends/contract/error.ts';
import type { Ambient } from '../../domain/ambient.ts';

/** Why nobody asks a backend now, and until when. */
export interface Shut {
  readonly error: BackendError;
  readonly since: number;
  readonly until: number;
  /** Somebody is asking it just now: what comes of that is known soon, so there is nothing to tell. */
  readonly onTrial: boolean;
}

interface Circuit {
  failures: number;
  delayMs: number;
  shut: Shut | null;
}

/** So many failures without a success between them, whoever had them. */
const threshold = 3;
const firstDelayMs = 1_000;
const longestDelayMs = 30_000;
const longestWithoutRightsMs = 60_000;
/** For the one that tries whether the backend is back; then another one may. */
const trialMs = 30_000;
/** Meanwhile the others ask what came of it, once in one to two times this. */
const trialLookMs = 1_000;

/**
 * One for each backend, in this process: when it cannot be reached, refuses our credentials or slows us down, one of those
 * who want something from it tries again, ever more seldom, and all others wait for what that one finds.
 */
export class Circuits {
  readonly #ambient: Ambient;
  readonly #circuits = new Map<string, Circuit>();

  constructor(ambient: Ambient) {
    this.#ambient = ambient;
  }

  /** Null when the backend may be asked now; who is let in while it is shut tries for all, and must tell what came of it. */
  enter(backend: string): Shut | null {
    const circuit = this.#circuits.get(backend);
    if (!circuit?.shut) return null;
    const now = this.#ambient.now();
    if (now < circuit.shut.until) {
      if (!circuit.shut.onTrial) return circuit.shut;
      const soon = now + Math.round(trialLookMs * (1 + this.#ambient.random()));
      return { ...circuit.shut, until: soon };
    }
    circuit.shut = { ...circuit.shut, until: now + trialMs, onTrial: true };
    return null;
  }

  succeeded(backend: string): void {
    this.#circuits.delete(backend);
  }

  /** Answers of the backend, also refusals, show that it is there. Null while others may go on asking. */
  failed(backend: string, error: BackendError): Shut | null {
    if (!closing.includes(error.kind)) {
      this.succeeded(backend);
      return null;
    }
    const circuit = this.#circuits.get(backend) ?? closed();
    this.#circuits.set(backend, circuit);
    circuit.failures += 1;
    if (circuit.failures < threshold) return null;
    const now = this.#ambient.now();
    // Those that were under way when it was shut say nothing new.
    if (circuit.shut?.onTrial === false) return circuit.shut;
    const most = error.kind === 'Unauthorized' ? longestWithoutRightsMs : longestDelayMs;
    circuit.delayMs = Math.min(most, Math.max(firstDelayMs, circuit.delayMs * 2));
    const jittered = circuit.delayMs * (0.75 + this.#ambient.random() * 0.25);
    const delay = Math.max(error.retryAfterMs ?? 0, Math.round(jittered));
    circuit.shut = { error, since: circuit.shut?.since ?? now, until: now + delay, onTrial: false };
    return circuit.shut;
  }
}

function closed(): Circuit {
  return { failures: 0, delayMs: 0, shut: null };
}

const closing: readonly BackendError['kind'][] = [
  'Unavailable',
  'DeadlineExceeded',
  'Unauthorized',
  'RateLimited',
];

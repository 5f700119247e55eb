import { BackendError } from '../../backends/contract/error.ts';
import type { FunctionStart } from '../../backends/contract/function-runner.ts';
import type { InvokeRequest } from '../../backends/contract/service-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { Actor } from '../../domain/actor.ts';
import type { Prediction, PredictionOutcome } from '../../domain/deployment.ts';
import { FathomError, InvalidInputError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import { readAnswer } from '../deployments/module-api.ts';
import type { ServedAnswer } from '../deployments/serving.ts';
import { Servings } from '../deployments/servings.ts';
import type { Traffic } from '../deployments/traffic.ts';
import { endpointWork } from '../deployments/work-kinds.ts';
import type { Surroundings } from '../surroundings.ts';
import { Dispatcher, type DispatchLimits } from './dispatcher.ts';
import type { Predicted } from './predict-request.ts';
import type { PredictionLog } from './prediction-log.ts';
import { readiness } from './readiness.ts';
import type { Target, Targets } from './targets.ts';

const defaultDispatch: DispatchLimits = { perReplica: 4, queuedPerReplica: 64 };
/** How long a call looks for a server in place of one that just went away. */
const patienceMs = 1_500;
const looksApartMs = 250;

/** What a call needs beside its message. */
export interface CallParts {
  readonly at: Surroundings;
  readonly targets: Targets;
  readonly traffic: Traffic;
  readonly log: PredictionLog;
}

/** Calls to warm endpoints: a place at a server, the way there and back, what came of it. */
export class Calls {
  readonly #at: Surroundings;
  readonly #targets: Targets;
  readonly #traffic: Traffic;
  readonly #log: PredictionLog;
  readonly #dispatcher: Dispatcher;
  readonly #servings: Servings;
  readonly #askedToLook = new Map<string, number>();

  constructor({ at, targets, traffic, log }: CallParts, limits: Partial<DispatchLimits>) {
    this.#at = at;
    this.#targets = targets;
    this.#traffic = traffic;
    this.#log = log;
    this.#servings = new Servings(at.ambient);
    this.#dispatcher = new Dispatcher({ ...defaultDispatch, ...limits }, () => at.ambient.now());
  }

  /**
   * Sends the call to a proven server of the target and waits for the answer. A server that went away is replaced by
   * another one while there is time; a call that broke one server off is tried at one more and no further.
   */
  async run(
    actor: Actor,
    start: Target,
    message: InvokeRequest,
    acceptedAt: number,
    deadline: number,
  ): Promise<Predicted> {
    const { ambient } = this.#at;
    const avoid = new Set<string>();
    const giveUpAt = Math.min(deadline, ambient.now() + patienceMs);
    let target = start;
    let failure: BackendError | null = null;
    for (let tries = 0; ; tries += 1) {
      const { endpoint } = target;
      this.#traffic.begin(endpoint.id);
      let answeredAt: number | null = null;
      try {
        const slot = await this.#dispatcher.acquire(endpoint, avoid, deadline);
        if (slot !== null) {
          const sentAt = ambient.now();
          let tookMs: number | null = null;
          try {
            const response = await this.#send(target, message, slot.replica, deadline);
            answeredAt = ambient.now();
            tookMs = answeredAt - sentAt;
            return this.#judge(actor, target, response, { acceptedAt, sentAt, answeredAt });
          } catch (error) {
            if (!(error instanceof BackendError)) throw error;
            failure = error;
            if (error.kind !== 'NoCapacity' && error.kind !== 'NotFound') {
              avoid.add(slot.replica);
            }
            if (!isElsewherePossible(error) || avoid.size > 1) {
              throw await this.#refused(actor, target, error, acceptedAt);
            }
            this.#dispatcher.suspect(endpoint.id, slot.replica);
          } finally {
            slot.release(tookMs);
          }
        }
      } finally {
        this.#traffic.end(endpoint.id, answeredAt);
      }
      // The server went away. Whoever looks after the endpoint should know at once; another server may answer.
      this.#askForLook(endpoint.id);
      if (failure?.kind === 'Unavailable' && !hasOther(target, avoid)) {
        throw await this.#refused(actor, target, failure, acceptedAt);
      }
      if (ambient.now() >= giveUpAt) throw notReadyNow(target);
      await pause(Math.min(200, 20 * 2 ** tries));
      this.#targets.drop(target.deployment.id);
      const next = await this.#targets.get(target.deployment.id);
      // The message is made for one module version; after a roll-out to another the old endpoint still has its grace.
      const isSame = next?.version.id === target.version.id;
      if (next !== null && isSame && readiness(next) === 'READY') target = next;
    }
  }

  #send(
    { endpoint }: Target,
    message: InvokeRequest,
    replica: string,
    deadline: number,
  ): Promise<ServedAnswer> {
    const serving = this.#servings.of(this.#at.backends.get(endpoint.backend));
    if (serving === null) {
      const reason = `The backend ${endpoint.backend} is not configured any more.`;
      return Promise.reject(new BackendError('Unsupported', 'invoke', reason));
    }
    const handle = endpoint.handle as unknown as Handle;
    return serving.invoke(handle, { ...message, replica }, { deadline });
  }

  #judge(
    actor: Actor,
    target: Target,
    response: ServedAnswer,
    times: { readonly acceptedAt: number; readonly sentAt: number; readonly answeredAt: number },
  ): Predicted {
    const answer = readAnswer(response);
    const moduleMs = times.answeredAt - times.sentAt;
    if (answer.kind === 'INVALID') {
      throw new InvalidInputError(
        answer.problems.map(
          ({ argument, message }) =>
            new FathomError('INVALID_ARGUMENT', `The module says: ${message}`, {
              path: argument === null ? ['arguments'] : ['arguments', argument],
            }),
        ),
      );
    }
    const seen = { acceptedAt: times.acceptedAt, moduleMs, start: response.start };
    if (answer.kind === 'FAILED') {
      this.#record(actor, target, 'MODULE_FAILED', answer.message, seen);
      throw new FathomError('MODULE_FAILED', answer.message);
    }
    const prediction = this.#record(actor, target, 'OK', null, seen);
    return { prediction, output: answer.predictions };
  }

  /** What the caller is told when no answer came; recorded, since the module or the backend was asked. */
  async #refused(
    actor: Actor,
    target: Target,
    error: BackendError,
    acceptedAt: number,
  ): Promise<FathomError> {
    const tell = (code: Exclude<PredictionOutcome, 'OK'>, message: string): FathomError => {
      this.#record(actor, target, code, message, { acceptedAt, moduleMs: null, start: null });
      const wait = error.retryAfterMs ?? (code === 'BACKEND_UNAVAILABLE' ? 1_000 : null);
      const more = wait === null ? {} : { retryAfterMs: wait };
      return new FathomError(code, message, { ...more, cause: error });
    };
    this.#askForLook(target.endpoint.id);
    switch (error.kind) {
      case 'DeadlineExceeded':
        return tell('DEADLINE_EXCEEDED', 'The module did not answer before the deadline.');
      case 'Unexpected':
        return tell('MODULE_FAILED', error.message);
      case 'Rejected':
        // Nothing was sent: there is no call to remember.
        return new FathomError('BACKEND_REJECTED', error.message, { cause: error });
      case 'Unavailable':
        return (await this.#isBackendThere(target))
          ? tell('MODULE_FAILED', `The module’s server broke off. ${error.message}`)
          : tell('BACKEND_UNAVAILABLE', error.message);
      default:
        return tell('BACKEND_UNAVAILABLE', error.message);
    }
  }

  async #isBackendThere({ endpoint }: Target): Promise<boolean> {
    const serving = this.#servings.of(this.#at.backends.get(endpoint.backend));
    return serving !== null && serving.isThere(endpoint.handle as unknown as Handle);
  }

  #record(
    actor: Actor,
    { deployment, revision }: Target,
    outcome: PredictionOutcome,
    message: string | null,
    seen: {
      readonly acceptedAt: number;
      readonly moduleMs: number | null;
      readonly start: FunctionStart | null;
    },
  ): Prediction {
    const now = this.#at.ambient.now();
    const prediction: Prediction = {
      id: newId('Prediction', now, () => this.#at.ambient.random()),
      version: 1,
      owner: actor.subject,
      deploymentId: deployment.id,
      revisionId: revision.id,
      outcome,
      message,
      moduleMs: seen.moduleMs,
      totalMs: now - seen.acceptedAt,
      coldStart: seen.start?.cold ?? null,
      waitMs: seen.start?.waitMs ?? null,
      initMs: seen.start?.initMs ?? null,
      createdAt: now,
    };
    this.#log.add(prediction);
    return prediction;
  }

  #askForLook(endpointId: string): void {
    const now = this.#at.ambient.now();
    if (now - (this.#askedToLook.get(endpointId) ?? 0) < looksApartMs) return;
    if (this.#askedToLook.size > 1_000) this.#askedToLook.clear();
    this.#askedToLook.set(endpointId, now);
    this.#at.store.work.enqueue(endpointWork, endpointId, now).catch((error: unknown) => {
      this.#at.log('warn', 'A look at an endpoint could not be asked for.', {
        error: String(error),
      });
    });
  }
}

function isElsewherePossible(error: BackendError): boolean {
  return ['NoCapacity', 'NotFound', 'Unavailable'].includes(error.kind);
}

function hasOther({ endpoint }: Target, avoid: ReadonlySet<string>): boolean {
  return endpoint.provenReplicas.some((id) => !avoid.has(id));
}

function notReadyNow({ endpoint }: Target): FathomError {
  return new FathomError('NOT_READY', 'No server of the endpoint answers just now.', {
    retryAfterMs: 1_000,
    details: { state: endpoint.state },
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

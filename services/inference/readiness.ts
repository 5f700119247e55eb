import { FathomError } from '../../domain/errors.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Target, Targets } from './targets.ts';

/** Whether calls may go there now, later, or never again without somebody's doing. */
export function readiness({ deployment, endpoint }: Target): 'READY' | 'LATER' | 'NEVER' {
  if (deployment.state !== 'ACTIVE' || endpoint.state === 'FAILED') return 'NEVER';
  const canAnswer = endpoint.state === 'WARM' && endpoint.provenReplicas.length > 0;
  return canAnswer && endpoint.handle !== null ? 'READY' : 'LATER';
}

/** Holds calls to endpoints that are not warm yet: a bounded number of them, each for a bounded time. */
export class Holding {
  readonly #at: Surroundings;
  readonly #targets: Targets;
  readonly #most: number;
  #held = 0;

  constructor(at: Surroundings, targets: Targets, most: number) {
    this.#at = at;
    this.#targets = targets;
    this.#most = most;
  }

  /** The target once it is warm. Rejects with NOT_READY after `longestMs`, and at once when waiting is in vain. */
  async untilWarm(start: Target, longestMs: number): Promise<Target> {
    const until = this.#at.ambient.now() + longestMs;
    if (longestMs <= 0) throw this.#refusal(start);
    if (this.#held >= this.#most) {
      throw new FathomError('OVERLOADED', `${this.#held} calls wait for endpoints already.`, {
        retryAfterMs: 2_000,
      });
    }
    this.#held += 1;
    try {
      let target = start;
      while (readiness(target) === 'LATER') {
        const left = until - this.#at.ambient.now();
        if (left <= 0) break;
        await this.#targets.changed(target.deployment.id, left);
        target = (await this.#targets.get(target.deployment.id)) ?? target;
      }
      if (readiness(target) !== 'READY') throw this.#refusal(target);
      return target;
    } finally {
      this.#held -= 1;
    }
  }

  #refusal({ deployment, endpoint }: Target): FathomError {
    const { state, waiting, failure } = endpoint;
    const now = this.#at.ambient.now();
    if (deployment.state !== 'ACTIVE') {
      return new FathomError('WRONG_STATE', `The deployment is ${deployment.state}.`, {
        path: ['deploymentId'],
      });
    }
    if (state === 'FAILED') {
      return new FathomError(
        'WRONG_STATE',
        `The endpoint has FAILED: ${failure ?? 'no reason is known.'} Update the deployment to try again.`,
        { path: ['deploymentId'], details: { state, failure } },
      );
    }
    const why = waiting === null ? '' : `: ${waiting.message}`;
    const next = waiting?.nextAttemptAt ?? null;
    return new FathomError('NOT_READY', `The endpoint is ${state}, not WARM${why}`, {
      path: ['deploymentId'],
      retryAfterMs: next === null ? 1_000 : Math.max(250, next - now),
      details: { state, waiting: waiting === null ? null : { ...waiting } },
    });
  }
}

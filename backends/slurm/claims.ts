import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import { readControlFile, replaceFile, writeOnce } from '../work-folder/control-file.ts';
import type { SlurmSettings } from './config.ts';
import { asBackendError } from './errors.ts';

/** Who is talking to Slurm now about what a folder stands for. `over` when it stopped without an id. */
export interface SubmitClaim {
  readonly host: string;
  readonly pid: number;
  readonly instance: string;
  readonly at: number;
  readonly over: boolean;
}

const lookEveryMs = 50;
const renewEveryMs = 2000;

export function claimFile(number: number): string {
  return `submitting.${number}.json`;
}

/**
 * One process at a time may talk to Slurm about a job or an array: the claim is a file in its folder, numbered, made
 * exclusively. The first one comes with the folder. Who takes over a claim first looks for what is there already.
 */
export class Claims {
  readonly #instance = randomUUID();
  /** Claims of ours that could not be written as such. */
  readonly #givenUp = new Set<string>();
  #renewedAt = 0;
  readonly #now: () => number;
  readonly #settings: Pick<SlurmSettings, 'timeoutSeconds'>;

  constructor(now: () => number, settings: Pick<SlurmSettings, 'timeoutSeconds'>) {
    this.#now = now;
    this.#settings = settings;
  }

  first(): SubmitClaim {
    const pid = process.pid;
    return { host: hostname(), pid, instance: this.#instance, at: this.#now(), over: false };
  }

  /** For a folder about which nobody talks to Slurm yet. */
  none(): SubmitClaim {
    return { ...this.first(), over: true };
  }

  /** The number of our claim, once nobody else has one; null when it is not wanted any more. `look` may throw. */
  async take(
    folder: string,
    look: () => 'WANTED' | 'DONE',
    signal: AbortSignal,
  ): Promise<number | null> {
    for (;;) {
      if (look() === 'DONE') return null;
      const latest = latestClaim(folder);
      if (latest === null) throw removed();
      const number = latest.number + 1;
      const isOurs = this.#givenUp.has(`${folder} ${latest.number}`);
      const isFree = isOurs || !this.#isHeld(latest.claim);
      if (isFree && makeClaim(folder, number, this.first())) {
        this.#givenUp.delete(`${folder} ${latest.number}`);
        return number;
      }
      if (signal.aborted) throw stillSubmitting();
      await sleep(lookEveryMs);
    }
  }

  giveUp(folder: string, number: number): void {
    if (this.#replace(folder, number, this.none())) return;
    // The folder is gone, or full: for others the claim runs out by its age.
    this.#givenUp.add(`${folder} ${number}`);
  }

  /** For work that may take longer than a claim is held. */
  renew(folder: string, number: number): void {
    if (this.#now() - this.#renewedAt < renewEveryMs) return;
    this.#renewedAt = this.#now();
    this.#replace(folder, number, this.first());
  }

  /** Throws when somebody else has taken over. */
  assertOurs(folder: string, number: number): void {
    if (latestClaim(folder)?.number !== number) throw stillSubmitting();
  }

  #replace(folder: string, number: number, claim: SubmitClaim): boolean {
    try {
      replaceFile(join(folder, claimFile(number)), claim);
      return true;
    } catch {
      return false;
    }
  }

  #isHeld(claim: unknown): boolean {
    if (!isJsonObject(claim) || claim['over'] === true) return false;
    const { host, pid, at } = claim;
    const age = this.#now() - (typeof at === 'number' ? at : 0);
    if (age > this.#settings.timeoutSeconds * 2000 + 10_000) return false;
    return host !== hostname() || typeof pid !== 'number' || isAlive(pid);
  }
}

/** The latest claim, with its number; null when the folder is gone. */
function latestClaim(folder: string): { readonly number: number; readonly claim: unknown } | null {
  for (let number = 0, found: unknown = null; ; number++) {
    const claim = readControlFile(join(folder, claimFile(number)));
    if (claim === null) return number === 0 ? null : { number: number - 1, claim: found };
    found = claim;
  }
}

/** False when somebody else has that number. */
function makeClaim(folder: string, number: number, claim: SubmitClaim): boolean {
  try {
    return writeOnce(join(folder, claimFile(number)), claim);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw asBackendError(error, 'submit', 'The shared folder cannot be written');
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function removed(): BackendError {
  const message = 'The job was released while it was being submitted.';
  return new BackendError('Unavailable', 'submit', message);
}

function stillSubmitting(): BackendError {
  const message = 'Another process is submitting this job.';
  return new BackendError('Unavailable', 'submit', message);
}

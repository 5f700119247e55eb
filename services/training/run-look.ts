import type { Backend } from '../../backends/contract/backend.ts';
import { BackendError } from '../../backends/contract/error.ts';
import type { JobRunner } from '../../backends/contract/job-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import { isTerminal } from '../../domain/state.ts';
import { type Attempt, type TrainingRun, trainingRunStates } from '../../domain/training-run.ts';
import type { Lease } from '../../store/contract/work.ts';
import type { Look } from '../reconciler/look.ts';
import { changedCode } from '../modules/unchanged-code.ts';
import { Circuits } from '../sites/circuits.ts';
import { arrayOf } from '../sweeps/array-of.ts';
import { isHeld } from '../sweeps/held.ts';
import type { Surroundings } from '../surroundings.ts';
import { backoff, waitingCodeOf } from './backoff.ts';
import { observe } from './observe-run.ts';
import { Pace } from './pace.ts';
import { place } from './placement.ts';
import { placeOn } from './placing.ts';
import { RunRecord } from './run-record.ts';
import { newestAttempt, newestAttempts } from './newest-attempts.ts';
import { RunSaves } from './run-saves.ts';
import { survey } from './survey.ts';
import { trainingRunWork } from './work-kinds.ts';
import type { WorkloadSource } from './workload-source.ts';

const placementRetryMs = 10_000;

/** A run, and its newest attempt. */
interface Prepared {
  readonly run: TrainingRun | null;
  readonly attempt: Attempt | null;
}

/** Brings a run one step nearer to its end. A handler judges; retries and delays are decided here. */
export class RunLook implements Look {
  readonly kind = trainingRunWork;
  readonly #at: Surroundings;
  readonly #workloads: WorkloadSource;
  readonly #circuits: Circuits;
  readonly #pace: Pace;
  readonly #saves: RunSaves;
  /** Read for looks that are about to begin. */
  readonly #prepared = new Map<string, Prepared>();

  constructor(at: Surroundings, workloads: WorkloadSource) {
    this.#at = at;
    this.#pace = new Pace(at);
    this.#saves = new RunSaves(at);
    this.#circuits = new Circuits(at.ambient);
    this.#workloads = workloads;
  }

  /** What happened while nobody looked is looked at first. */
  begin(signal: AbortSignal): Promise<void> {
    return survey(this.#at, signal);
  }

  async prepare(keys: readonly string[]): Promise<void> {
    const { store } = this.#at;
    await this.#pace.measure();
    const runs = await store.trainingRuns.getMany(keys);
    const attempts = await newestAttempts(store, keys);
    for (const run of runs) {
      if (run !== null) this.#prepared.set(run.id, { run, attempt: attempts.get(run.id) ?? null });
    }
  }

  async look(key: string, lease: Lease, signal: AbortSignal): Promise<number | null> {
    const { run, attempt } = this.#prepared.get(key) ?? (await this.#read(key));
    this.#prepared.delete(key);
    if (run === null || isTerminal(trainingRunStates, run.state)) return null;
    const span = { name: `look ${this.kind}`, attributes: { 'fathom.run.id': run.id } };
    return this.#at.traces.goOn(run.traceparent ?? null, span, () =>
      this.#step(run, run.state === 'QUEUED' ? null : attempt, lease, signal),
    );
  }

  async #read(id: string): Promise<Prepared> {
    const { store } = this.#at;
    const run = await store.trainingRuns.get(id);
    return { run, attempt: await newestAttempt(store, id) };
  }

  async #step(
    run: TrainingRun,
    attempt: Attempt | null,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<number | null> {
    if (attempt === null) return this.#place(run, lease);
    const backend = this.#at.backends.get(attempt.backend);
    if (!backend?.jobs) return this.#backendGone(run, attempt, lease);
    const place = { backend, jobs: backend.jobs };
    const shut = this.#circuits.enter(backend.name);
    if (shut?.onTrial && run.waiting !== null) return shut.until;
    if (shut !== null) return this.#wait(run, attempt, shut.error, shut.until, lease);
    try {
      const next =
        attempt.handle === null
          ? await this.#submit(run, attempt, place, lease, signal)
          : await observe(
              this.#at,
              {
                ...{ run, attempt, ...place },
                ...{ handle: handleOf(attempt), pace: this.#pace, saves: this.#saves },
              },
              lease,
              signal,
            );
      this.#circuits.succeeded(backend.name);
      return next;
    } catch (error) {
      if (error instanceof BackendError) return this.#refused(run, attempt, error, lease);
      throw error;
    }
  }

  async #place(run: TrainingRun, lease: Lease): Promise<number | null> {
    const now = this.#at.ambient.now();
    const record = new RunRecord(run, null, now);
    if (run.cancelRequestedAt !== null) {
      record.wait(null);
      record.move('CANCELLED', 'Cancelled before it was placed.', {
        code: 'CANCELLED',
        message: 'Cancelled before it was placed.',
        exitCode: null,
        signal: null,
      });
      record.patch({ finishedAt: now });
      await this.#save(record, lease, true);
      return null;
    }
    // Whoever lets it on asks for a look.
    if (await isHeld(this.#at.store, run)) return null;
    const version = await this.#at.store.moduleVersions.get(run.moduleVersionId);
    if (version === null) throw new Error(`Module version ${run.moduleVersionId} is gone.`);
    const changed = await changedCode(version);
    if (changed !== null) return this.#neverStarted(record, changed, lease);
    const placement = place(run, version, this.#at.backends);
    if (placement.backend === null) {
      const next = now + placementRetryMs;
      record.wait({
        code: run.resources.gpus === null ? 'NO_BACKEND' : 'NO_ACCELERATOR',
        message: placement.message,
        nextAttemptAt: next,
        raw: null,
      });
      await this.#save(record, lease);
      return next;
    }
    placeOn(record, placement.backend.name, this.#at.ambient, now);
    await this.#save(record, lease);
    return now;
  }

  async #submit(
    run: TrainingRun,
    attempt: Attempt,
    { backend, jobs }: { readonly backend: Backend; readonly jobs: JobRunner },
    lease: Lease,
    signal: AbortSignal,
  ): Promise<number | null> {
    const workload = await this.#workloads.of(run, attempt, backend);
    const array = await arrayOf(this.#at, this.#workloads, { run, attempt, backend });
    const options = { key: attempt.key, signal, ...(array !== null && { array }) };
    const handle = await jobs.submit(workload, options);
    const now = this.#at.ambient.now();
    const record = new RunRecord(run, attempt, now);
    record.patchAttempt({ handle: { ...handle }, observedAt: now });
    record.patch({ observedAt: now });
    record.moveAttempt('SUBMITTED', null);
    record.move('SUBMITTED', `${backend.name} has it.`);
    record.wait({
      code: 'STARTING',
      message: `${backend.name} is starting it.`,
      nextAttemptAt: null,
      raw: null,
    });
    await this.#save(record, lease);
    return now;
  }

  /** The backend did not do as asked: for good, or for now. Losing sight of it is not a state of the run. */
  async #refused(
    run: TrainingRun,
    attempt: Attempt,
    error: BackendError,
    lease: Lease,
  ): Promise<number | null> {
    const now = this.#at.ambient.now();
    const record = new RunRecord(run, attempt, now);
    const shut = this.#circuits.failed(attempt.backend, error);
    if (error.kind === 'Rejected' || error.kind === 'Unsupported') {
      if (attempt.handle === null) return this.#neverStarted(record, error.message, lease);
      if (error.operation === 'outputs') {
        const message = `It ended, but what it left cannot be read: ${error.message}`;
        return this.#failed(record, 'NO_OUTPUT', message, lease);
      }
    }
    if (error.kind === 'NotFound' && attempt.handle !== null) {
      const message = `${attempt.backend} does not know the job any more: ${error.message}`;
      const outcome = { code: 'VANISHED', message, exitCode: null, signal: null } as const;
      record.wait(null);
      record.moveAttempt('LOST', null, outcome);
      record.move('LOST', message, outcome);
      record.patch({ finishedAt: now });
      await this.#save(record, lease, true);
      return null;
    }
    const most = error.kind === 'Unauthorized' ? 60_000 : 30_000;
    const random = () => this.#at.ambient.random();
    const delay = backoff(run.waiting, waitingCodeOf(error), now, random, most);
    const next = Math.max(now + Math.max(error.retryAfterMs ?? 0, delay), shut?.until ?? 0);
    return this.#wait(run, attempt, error, next, lease);
  }

  /** Tells why nothing happens, and when it is tried again. */
  async #wait(
    run: TrainingRun,
    attempt: Attempt,
    error: BackendError,
    next: number,
    lease: Lease,
  ): Promise<number> {
    const record = new RunRecord(run, attempt, this.#at.ambient.now());
    record.wait({
      code: waitingCodeOf(error),
      message: `${attempt.backend}: ${error.message}`,
      nextAttemptAt: next,
      raw: `${error.kind} in ${error.operation}`,
    });
    await this.#save(record, lease);
    return next;
  }

  #neverStarted(record: RunRecord, message: string, lease: Lease): Promise<null> {
    return this.#failed(record, 'NOT_STARTED', message, lease);
  }

  async #failed(
    record: RunRecord,
    code: 'NOT_STARTED' | 'NO_OUTPUT',
    message: string,
    lease: Lease,
  ): Promise<null> {
    const outcome = { code, message, exitCode: null, signal: null } as const;
    record.wait(null);
    record.moveAttempt('FAILED', null, outcome);
    record.move('FAILED', message, outcome);
    record.patch({ finishedAt: this.#at.ambient.now() });
    await this.#save(record, lease, true);
    return null;
  }

  async #backendGone(run: TrainingRun, attempt: Attempt, lease: Lease): Promise<number> {
    const now = this.#at.ambient.now();
    const next = now + placementRetryMs;
    const record = new RunRecord(run, attempt, now);
    record.wait({
      code: 'BACKEND_UNREACHABLE',
      message: `The backend ${attempt.backend} is not configured any more; its job may still run there.`,
      nextAttemptAt: next,
      raw: null,
    });
    await this.#save(record, lease);
    return next;
  }

  async #save(record: RunRecord, lease: Lease, ends = false): Promise<void> {
    if (!record.changed && !ends) return;
    await this.#saves.save({ record, lease, now: this.#at.ambient.now(), ends });
  }
}

function handleOf(attempt: Attempt): Handle {
  return attempt.handle as unknown as Handle;
}

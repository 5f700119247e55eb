import type { Backend } from '../../backends/contract/backend.ts';
import type {
  JobRunner,
  JobStatus,
  LogChunk,
  OutputFolder,
} from '../../backends/contract/job-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { Json } from '../../domain/json.ts';
import type {
  Artifact,
  Attempt,
  LogLine,
  MetricPoint,
  Progress,
  TrainingRun,
} from '../../domain/training-run.ts';
import type { Lease } from '../../store/contract/work.ts';
import type { Surroundings } from '../surroundings.ts';
import {
  collectArtifact,
  maximumMetrics,
  readOutputDocument,
  UnusableOutputError,
} from './collect.ts';
import { failureOf } from './ending.ts';
import { parseProtocolLine, type ProtocolLine } from './protocol-line.ts';
import { RunRecord } from './run-record.ts';
import type { Pace } from './pace.ts';
import type { RunSaves } from './run-saves.ts';

interface Observed {
  readonly run: TrainingRun;
  readonly attempt: Attempt;
  readonly backend: Backend;
  readonly jobs: JobRunner;
  readonly handle: Handle;
  readonly pace: Pace;
  readonly saves: RunSaves;
}

const longestLookAgainMs = 5_000;
/** Without a change `observedAt` is written this often at most, and more seldom where there are many runs. */
const observedEveryMs = 5_000;
/** A module that announces no phase is taken to be running after this long. */
const silentPreparationMs = 3_000;
const linesInLook = 5_000;

/**
 * One look at a submitted attempt: passes a cancel on, takes in what was printed since the last look, follows the native
 * state, and, when the job ended and everything it printed was taken in, ends the run.
 */
export async function observe(
  at: Surroundings,
  seen: Observed,
  lease: Lease,
  signal: AbortSignal,
): Promise<number | null> {
  const { run, attempt, jobs, handle } = seen;
  // Asked before the look, so an end that the look shows may be the cancel's doing.
  if (run.cancelRequestedAt !== null) await jobs.cancel(handle);
  // The state is read before the log: whatever a job printed before it ended is in the log by then.
  const status = await jobs.inspect(handle);
  const printed = await readPrinted(jobs, handle, attempt, signal);
  const now = at.ambient.now();
  const record = new RunRecord(run, attempt, now);
  const points = takeIn(record, printed.lines, attempt.number);
  const artifacts: Artifact[] = [];
  for (const text of await checkpoints(at, seen, points.checkpoints, record, artifacts)) {
    const line: LogLine = { at: now, stream: 'STDERR', text, attempt: attempt.number };
    points.log.push({ ...line });
  }
  if (run.cancelRequestedAt !== null) {
    record.moveAttempt('CANCELLING', status.native);
    record.move('CANCELLING', 'The backend was asked to end it.');
  }
  followState(record, status, points.phase, now);
  const ended = status.phase === 'ENDED' && printed.complete;
  if (ended) await end(at, seen, status, record, artifacts);
  const changed = record.changed || printed.cursor !== attempt.logCursor;
  const stale = attempt.observedAt === null || now - attempt.observedAt > observedEveryMs;
  if (changed || (stale && seen.pace.mayNote())) {
    record.patchAttempt({ logCursor: printed.cursor, observedAt: now, nativeState: status.native });
    record.saw();
    const { log, metrics } = points;
    await seen.saves.save({ record, lease, now, ends: ended, artifacts, log, metrics });
  }
  if (ended) return null;
  if (!printed.complete) return now;
  const { busyMs, quietMs } = seen.pace;
  return now + lookAgainAfter(status, now - attempt.createdAt, changed ? busyMs : quietMs);
}

/**
 * What waits in a queue is looked at less often the longer it waits: thousands that wait must not keep looks from those
 * that run. Its start is seen late by an eighth of the time it waited, at most.
 */
export function lookAgainAfter(
  { phase }: Pick<JobStatus, 'phase'>,
  waitedMs: number,
  paceMs: number,
): number {
  if (phase !== 'PENDING') return paceMs;
  return Math.max(paceMs, Math.min(longestLookAgainMs, Math.round(waitedMs / 8)));
}

interface Printed {
  readonly lines: LogChunk['lines'][number][];
  readonly cursor: string | null;
  /** False when there is more to take in at once. */
  readonly complete: boolean;
}

async function readPrinted(
  jobs: JobRunner,
  handle: Handle,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Printed> {
  const lines: LogChunk['lines'][number][] = [];
  let cursor = attempt.logCursor;
  for await (const chunk of jobs.logs(handle, { after: cursor, signal })) {
    lines.push(...chunk.lines);
    cursor = chunk.cursor;
    if (lines.length >= linesInLook) return { lines, cursor, complete: false };
  }
  return { lines, cursor, complete: true };
}

interface TakenIn {
  readonly log: Json[];
  readonly metrics: Json[];
  readonly checkpoints: Extract<ProtocolLine, { type: 'checkpoint' }>[];
  phase: 'PREPARING' | 'RUNNING' | 'EVALUATING' | null;
  progress: Progress | null;
}

function takeIn(record: RunRecord, lines: Printed['lines'], attempt: number): TakenIn {
  const taken: TakenIn = { log: [], metrics: [], checkpoints: [], phase: null, progress: null };
  const latest = new Map(Object.entries(record.run.metrics));
  for (const line of lines) {
    const said = line.stream === 'STDOUT' ? parseProtocolLine(line.text) : null;
    if (said === null) {
      taken.log.push({
        at: line.at,
        stream: line.stream,
        text: line.text,
        attempt,
      } satisfies LogLine);
      continue;
    }
    switch (said.type) {
      case 'phase':
        taken.phase = said.phase;
        break;
      case 'progress':
        taken.phase ??= 'RUNNING';
        taken.progress = said.progress;
        break;
      case 'metrics':
        taken.phase ??= 'RUNNING';
        for (const [name, value] of Object.entries(said.values)) {
          // A module that makes names up goes on in its points only: the run itself is read and written often.
          if (latest.size < maximumMetrics || latest.has(name)) latest.set(name, value);
          const point: MetricPoint = {
            name,
            value,
            step: said.step,
            epoch: said.epoch,
            at: line.at,
          };
          taken.metrics.push({ ...point });
        }
        break;
      case 'checkpoint':
        taken.checkpoints.push(said);
        break;
    }
  }
  if (taken.metrics.length > 0) record.patch({ metrics: Object.fromEntries(latest) });
  // One event a look however often the module tells: its chatter must not fill the log of events.
  if (taken.progress !== null) {
    record.patch({ progress: taken.progress });
    record.tell({ type: 'trainingRun.progressed', progress: taken.progress });
  }
  return taken;
}

/** Registers the checkpoints that the module announced; gives a sentence for each that can never be kept. */
async function checkpoints(
  at: Surroundings,
  seen: Observed,
  lines: readonly { readonly epoch: number; readonly path: string }[],
  record: RunRecord,
  artifacts: Artifact[],
): Promise<readonly string[]> {
  if (lines.length === 0) return [];
  const complaints: string[] = [];
  const outputs = await seen.jobs.outputs(seen.handle);
  for (const { epoch, path } of lines) {
    const name = `checkpoint-${String(epoch).padStart(4, '0')}`;
    const { metrics } = record.run;
    const what = { kind: 'CHECKPOINT', name, folder: path, epoch, metrics } as const;
    await collectOnce(at, seen, outputs, record, artifacts, what).catch((error: unknown) => {
      if (!(error instanceof UnusableOutputError)) throw error;
      complaints.push(`fathom: ${name} is not kept: ${error.message}`);
    });
  }
  return complaints;
}

/** Moves the run along with the native state; phases the module announces refine RUNNING. */
function followState(
  record: RunRecord,
  status: JobStatus,
  phase: TakenIn['phase'],
  now: number,
): void {
  const { state } = record.run;
  if (state === 'CANCELLING') {
    record.wait(null);
    return;
  }
  if (status.phase === 'PENDING' || status.phase === 'PREPARING') {
    record.moveAttempt(status.phase, status.native);
    record.move(status.phase, null);
    record.wait({
      code: status.waiting?.code ?? 'STARTING',
      message:
        status.waiting?.message ?? `${record.attempt?.backend ?? 'The backend'} is starting it.`,
      nextAttemptAt: null,
      raw: status.waiting?.raw ?? status.native,
    });
    return;
  }
  if (status.phase === 'UNKNOWN') {
    record.patchAttempt({ nativeState: status.native });
    return;
  }
  if (record.run.startedAt === null && status.startedAt !== null) {
    record.patch({ startedAt: status.startedAt });
  }
  const silent = status.startedAt !== null && now - status.startedAt > silentPreparationMs;
  const target = phase ?? (silent && state !== 'EVALUATING' ? 'RUNNING' : 'PREPARING');
  record.moveAttempt(target, status.native);
  record.move(target, null);
  record.wait(null);
}

/** Judges the end by the exit and the output document; adds the artifacts to register. */
async function end(
  at: Surroundings,
  seen: Observed,
  status: JobStatus,
  record: RunRecord,
  artifacts: Artifact[],
): Promise<void> {
  const exit = status.exit ?? {
    cause: 'UNKNOWN' as const,
    code: null,
    signal: null,
    message: `${seen.backend.name} says that it ended, not how.`,
  };
  record.wait(null);
  record.patch({ finishedAt: status.endedAt ?? at.ambient.now() });
  if (exit.cause !== 'EXITED' || exit.code !== 0) {
    const cancelled =
      seen.run.cancelRequestedAt !== null &&
      (exit.cause === 'CANCELLED' || exit.cause === 'SIGNALLED' || exit.code === 143);
    const failure = failureOf(exit);
    const outcome = cancelled
      ? ({ ...failure, code: 'CANCELLED', message: 'Cancelled.' } as const)
      : failure;
    const to =
      cancelled || exit.cause === 'CANCELLED'
        ? 'CANCELLED'
        : exit.cause === 'UNKNOWN'
          ? 'LOST'
          : 'FAILED';
    if (to === 'CANCELLED') {
      record.moveAttempt('CANCELLING', null);
      record.move('CANCELLING', null);
    }
    record.moveAttempt(to, status.native, outcome);
    record.move(to, outcome.message, outcome);
    return;
  }
  const outputs = await seen.jobs.outputs(seen.handle);
  const output = await readOutputDocument(outputs);
  let problem = 'problem' in output ? output.problem : null;
  if ('document' in output) {
    const metrics = { ...record.run.metrics, ...output.document.metrics };
    record.patch({ metrics });
    for (const { name, kind, path } of output.document.artifacts) {
      const what = { kind, name, folder: path, epoch: null, metrics: output.document.metrics };
      try {
        if (await collectOnce(at, seen, outputs, record, artifacts, what)) continue;
        problem = `The module named ${path} as artifact ${name}, but it is not there.`;
      } catch (error) {
        if (!(error instanceof UnusableOutputError)) throw error;
        problem = `Artifact ${name} cannot be kept: ${error.message}`;
      }
    }
  }
  if (problem !== null) {
    const code = 'missing' in output && output.missing ? 'NO_OUTPUT' : 'BAD_OUTPUT';
    const outcome = { code, message: problem, exitCode: 0, signal: null } as const;
    record.moveAttempt('FAILED', status.native, outcome);
    record.move('FAILED', problem, outcome);
    return;
  }
  const outcome = { code: 'OK', message: 'Done.', exitCode: 0, signal: null } as const;
  record.moveAttempt('SUCCEEDED', status.native, outcome);
  record.move('SUCCEEDED', null, outcome);
}

/**
 * Stores what is not registered yet and tells of it. An artifact is registered in the transaction that moves the log
 * cursor or ends the run, so a look repeated after a crash finds either all of it or nothing.
 */
async function collectOnce(
  at: Surroundings,
  seen: Observed,
  outputs: OutputFolder,
  record: RunRecord,
  artifacts: Artifact[],
  what: Parameters<typeof collectArtifact>[3],
): Promise<boolean> {
  if (artifacts.some((artifact) => artifact.name === what.name)) return true;
  const where = { runId: seen.run.id, name: what.name };
  if ((await at.store.artifacts.find({ where })) !== null) return true;
  const artifact = await collectArtifact(at, outputs, seen, what);
  if (artifact === null) return false;
  artifacts.push(artifact);
  const { id: artifactId, kind, name, epoch, digest } = artifact;
  record.tell({ type: 'trainingRun.artifactRegistered', artifactId, kind, name, epoch, digest });
  return true;
}

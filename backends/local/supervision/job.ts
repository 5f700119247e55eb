import { readControlFile, writeOnce } from '../../work-folder/control-file.ts';
import type { ExitRecord, JobGrant, ProgramStart } from '../control/record.ts';
import { controlFiles } from '../control/record.ts';
import { LogWriter } from './log-writer.ts';
import type { ProgramEnd } from './program.ts';
import { Program, pause } from './program.ts';
import type { Supervision } from './surroundings.ts';
import { inFolder, programEnvironment, ring, stillOurs } from './surroundings.ts';

type Stop = 'CANCELLED' | 'TIME_LIMIT' | 'OUT_OF_MEMORY';

/** One job from its grant to its end. Resolves when `exit.json` stands (or the folder was removed). */
export async function superviseJob(supervision: Supervision): Promise<void> {
  const grant = await granted(supervision);
  if (grant === 'REMOVED') return;
  if (grant === 'CANCELLED') {
    await writeEnd(supervision, neverStarted('CANCELLED', 'It was cancelled before it started.'));
    return;
  }
  const { record } = supervision;
  const log = new LogWriter(inFolder(supervision, controlFiles.log), {
    limitBytes: record.policy.logLimitBytes,
    keep: 'FIRST',
  });
  const startedAt = Date.now();
  const program = new Program({
    argv: record.launch.argv,
    folder: record.launch.folder,
    environment: programEnvironment(supervision, grant.gpus),
    mark: record.mark,
    log,
  });
  recordStart(supervision, program, startedAt);
  const stops = new Stops(supervision, program, log);
  const end = await program.ended;
  stops.finish();
  log.close();
  await writeEnd(supervision, exitRecord(end, stops, program, startedAt));
}

/** With a full disk the job runs all the same; its start is recorded as soon as there is room. */
function recordStart(supervision: Supervision, program: Program, startedAt: number): void {
  if (program.process === null) return;
  const start: ProgramStart = { ...program.process, at: startedAt };
  let isRecorded = false;
  const record = (): void => {
    if (isRecorded) return;
    try {
      writeOnce(inFolder(supervision, controlFiles.program), start);
      isRecorded = true;
      ring(supervision.record);
    } catch {
      // The next tick tries again.
    }
  };
  supervision.onTick(record);
  record();
}

/** Waits until the scheduler sets resources aside, or the end is wanted before that. */
function granted(supervision: Supervision): Promise<JobGrant | 'CANCELLED' | 'REMOVED'> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (readControlFile(inFolder(supervision, controlFiles.cancel)) !== null) {
        resolve('CANCELLED');
        return;
      }
      const grant = readControlFile(inFolder(supervision, controlFiles.grant));
      if (grant !== null && grant !== undefined) resolve(grant as JobGrant);
      else if (!stillOurs(supervision)) resolve('REMOVED');
    };
    supervision.onTick(look);
    look();
  });
}

/** Watches the limits and the wish to cancel; the first reason to stop is the cause of the end. */
class Stops {
  reason: Stop | null = null;
  /** MiB, when memory was the reason. */
  memoryMiB = 0;
  readonly #supervision: Supervision;
  readonly #program: Program;
  readonly #log: LogWriter;
  readonly #start = performance.now();
  #nextScan = 0;
  #killAt = Infinity;
  #over = false;

  constructor(supervision: Supervision, program: Program, log: LogWriter) {
    this.#supervision = supervision;
    this.#program = program;
    this.#log = log;
    supervision.onTick(() => this.#look());
    this.#look();
  }

  finish(): void {
    this.#over = true;
  }

  #look(): void {
    if (this.#over) return;
    const { resources } = this.#supervision.record;
    const now = performance.now();
    this.#measure(now);
    if (this.reason !== null) {
      if (now >= this.#killAt) void this.#program.tree.kill();
      return;
    }
    if (this.memoryMiB > resources.memoryMiB) {
      this.#stop('OUT_OF_MEMORY', now, 0);
      void this.#program.tree.kill();
    } else if (now - this.#start > resources.timeLimitSeconds * 1000) {
      this.#stop('TIME_LIMIT', now, this.#supervision.record.policy.stopGraceMs);
    } else if (this.#cancelWanted()) {
      this.#stop('CANCELLED', now, this.#supervision.record.policy.stopGraceMs);
    }
  }

  /** A scan reads all of /proc: at most 2 % of the time goes into it. */
  #measure(now: number): void {
    if (now >= this.#nextScan) {
      this.#program.tree.scan();
      this.#nextScan = now + (performance.now() - now) * 50;
    }
    if (this.reason === null) this.memoryMiB = this.#program.tree.memoryMiB();
  }

  #stop(reason: Stop, now: number, graceMs: number): void {
    this.reason = reason;
    this.#killAt = now + graceMs;
    this.#log.say(`fathom: stopping the program: ${reason}`);
    if (graceMs > 0) this.#program.tree.terminate();
  }

  #cancelWanted(): boolean {
    return (
      readControlFile(inFolder(this.#supervision, controlFiles.cancel)) !== null ||
      !stillOurs(this.#supervision)
    );
  }
}

function exitRecord(
  end: ProgramEnd,
  stops: Stops,
  program: Program,
  startedAt: number,
): ExitRecord {
  if (end.error !== null) {
    return neverStarted('NOT_STARTED', `The program could not be started: ${end.error}.`);
  }
  const common = { code: end.code, signal: end.signal, startedAt, endedAt: Date.now() };
  const lines = program.lastLines();
  const printed = lines.length === 0 ? '' : ` Its last lines:\n${lines.join('\n')}`;
  switch (stops.reason) {
    case 'CANCELLED':
      return { ...common, cause: 'CANCELLED', message: 'It was cancelled while it ran.' };
    case 'TIME_LIMIT':
      return { ...common, cause: 'TIME_LIMIT', message: `It exceeded its time limit.${printed}` };
    case 'OUT_OF_MEMORY': {
      const used = `It used ${Math.ceil(stops.memoryMiB)} MiB of memory, more than it asked for.`;
      return { ...common, cause: 'OUT_OF_MEMORY', message: used + printed };
    }
    case null:
      break;
  }
  if (end.signal !== null) {
    const message = `It was ended by ${end.signal}, which did not come from here.${printed}`;
    return { ...common, cause: 'SIGNALLED', message };
  }
  const message =
    end.code === 0
      ? 'It ended with exit code 0.'
      : `It ended with exit code ${end.code}.${printed}`;
  return { ...common, cause: 'EXITED', message };
}

function neverStarted(cause: 'CANCELLED' | 'NOT_STARTED', message: string): ExitRecord {
  return { cause, code: null, signal: null, message, startedAt: null, endedAt: Date.now() };
}

/** The end must be recorded, so a full disk is waited out; the job keeps its place until then. */
async function writeEnd(supervision: Supervision, exit: ExitRecord): Promise<void> {
  while (stillOurs(supervision)) {
    try {
      writeOnce(inFolder(supervision, controlFiles.exit), exit);
      ring(supervision.record);
      return;
    } catch {
      await pause(1000);
    }
  }
}

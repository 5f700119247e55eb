import type { ReplicaRecord } from '../control/record.ts';
import type { LogWriter } from './log-writer.ts';
import type { ProgramEnd } from './program.ts';
import { Program } from './program.ts';
import type { Supervision } from './surroundings.ts';
import { programEnvironment } from './surroundings.ts';

/** So long must a server have been ready for its next end to count as a first one. */
const stableMs = 60_000;

type Phase = 'LOADING' | 'READY' | 'BACKING_OFF' | 'FAILED' | 'STOPPING' | 'STOPPED';

/** One place in the pool: a server that is started again when it ends, under a new id each time. */
export class Replica {
  readonly slot: number;
  restarts = 0;
  /** Why the last server ended by itself; null while all is well. */
  failure: string | null = null;
  readonly #supervision: Supervision;
  readonly #gpus: readonly number[];
  readonly #log: LogWriter;
  readonly #changed: () => void;
  readonly #epoch = Date.now().toString(36);
  #phase: Phase = 'BACKING_OFF';
  #number = 0;
  #program: Program | null = null;
  #port: number | null = null;
  #since = 0;
  #nextStartAt = 0;
  #endsInARow = 0;
  #failedLoads = 0;
  /** Why we ended it ourselves; null when it ends by itself. */
  #reason: string | null = null;
  #evicted = false;
  #killAt = Infinity;
  #nextScan = 0;

  constructor(
    supervision: Supervision,
    place: { readonly slot: number; readonly gpus: readonly number[] },
    log: LogWriter,
    changed: () => void,
  ) {
    this.#supervision = supervision;
    this.slot = place.slot;
    this.#gpus = place.gpus;
    this.#log = log;
    this.#changed = changed;
    this.#start();
  }

  get id(): string {
    return `${this.slot}-${this.#epoch}-${this.#number}`;
  }

  get isStopped(): boolean {
    return this.#phase === 'STOPPED';
  }

  /** Whether it keeps failing: what people should be told. */
  get troubled(): boolean {
    return this.failure !== null && (this.#phase === 'FAILED' || this.#failedLoads > 1);
  }

  record(): ReplicaRecord {
    return {
      id: this.id,
      slot: this.slot,
      phase: this.#phase,
      process: this.#program?.process ?? null,
      port: this.#port,
      nextStartAt: this.#phase === 'BACKING_OFF' ? this.#nextStartAt : null,
    };
  }

  /** Limits, time outs and starts that are due. */
  tick(): void {
    const now = performance.now();
    const program = this.#program;
    if (program === null) {
      if (this.#phase === 'BACKING_OFF' && Date.now() >= this.#nextStartAt) this.#start();
      return;
    }
    const { policy, resources } = this.#supervision.record;
    if (now >= this.#nextScan) {
      program.tree.scan();
      this.#nextScan = now + (performance.now() - now) * 50;
    }
    if (this.#reason !== null || this.#phase === 'STOPPING') {
      if (now >= this.#killAt) void program.tree.kill();
    } else if (program.tree.memoryMiB() > resources.memoryMiB) {
      this.#kill(`used more than the ${resources.memoryMiB} MiB of memory it asked for`);
    } else if (this.#phase === 'LOADING' && now - this.#since > policy.loadTimeoutMs) {
      this.#kill(`was not ready after ${policy.loadTimeoutMs / 1000} s`);
    }
  }

  /** Replaces the server at once: it hangs, so it is not asked. */
  evict(): void {
    if (this.#phase === 'STOPPING' || this.#phase === 'STOPPED') return;
    this.#evicted = true;
    if (this.#program === null) this.#start();
    else this.#kill('did not answer in time');
  }

  /** Ends it for good; it may finish what it is answering. */
  stop(): void {
    if (this.#phase === 'STOPPING' || this.#phase === 'STOPPED') return;
    this.#phase = this.#program === null ? 'STOPPED' : 'STOPPING';
    this.#killAt = performance.now() + this.#supervision.record.policy.stopGraceMs;
    this.#program?.tree.terminate();
    this.#changed();
  }

  #start(): void {
    this.#number++;
    this.#phase = 'LOADING';
    this.#port = null;
    this.#reason = null;
    this.#evicted = false;
    this.#killAt = Infinity;
    this.#since = performance.now();
    const { record } = this.#supervision;
    const program = new Program({
      argv: record.launch.argv,
      folder: record.launch.folder,
      environment: programEnvironment(this.#supervision, this.#gpus),
      mark: `${record.mark}/${this.id}`,
      log: this.#log,
      onLine: (line) => this.#hear(program, line),
    });
    this.#program = program;
    void program.ended.then((end) => this.#ended(program, end));
    this.#changed();
  }

  /** The server says where it listens when it is warm. */
  #hear(program: Program, line: string): void {
    if (this.#phase !== 'LOADING' || program !== this.#program || !line.startsWith('{')) return;
    const port = listeningPort(line);
    if (port === null) return;
    this.#port = port;
    this.#phase = 'READY';
    this.#since = performance.now();
    this.#failedLoads = 0;
    this.failure = null;
    this.#changed();
  }

  #kill(reason: string): void {
    this.#reason = reason;
    this.#killAt = performance.now();
    if (this.#phase === 'READY') this.#phase = 'LOADING';
    this.#port = null;
    this.#changed();
    void this.#program?.tree.kill();
  }

  #ended(program: Program, end: ProgramEnd): void {
    const { policy } = this.#supervision.record;
    const wasReady = this.#port !== null || this.#evicted;
    const wasStable = wasReady && performance.now() - this.#since > stableMs;
    this.#program = null;
    this.#port = null;
    if (this.#phase === 'STOPPING') {
      this.#phase = 'STOPPED';
      this.#changed();
      return;
    }
    this.failure = this.#sentence(program, end, wasReady);
    this.#log.say(`fathom: ${this.failure}`);
    this.#endsInARow = wasStable ? 1 : this.#endsInARow + 1;
    this.#failedLoads = wasReady ? 0 : this.#failedLoads + 1;
    if (this.#failedLoads >= policy.giveUpAfter) {
      this.#phase = 'FAILED';
      this.#changed();
      return;
    }
    this.restarts++;
    const delay = Math.min(
      policy.restartDelayMs * 2 ** (this.#endsInARow - 1),
      policy.restartDelayMaximumMs,
    );
    this.#phase = 'BACKING_OFF';
    this.#nextStartAt = Date.now() + (this.#evicted ? 0 : delay);
    if (this.#evicted) this.#start();
    else this.#changed();
  }

  #sentence(program: Program, end: ProgramEnd, wasReady: boolean): string {
    const when = wasReady ? 'while it served' : 'before it was ready';
    const lines = program.lastLines();
    const printed = lines.length === 0 ? '' : ` Its last lines:\n${lines.join('\n')}`;
    if (end.error !== null) return `The server could not be started: ${end.error}.`;
    if (this.#reason !== null) return `The server ${this.#reason} and was stopped.${printed}`;
    const how = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`;
    return `The server ended ${how} ${when}.${printed}`;
  }
}

function listeningPort(line: string): number | null {
  try {
    const said = JSON.parse(line) as { type?: unknown; port?: unknown } | null;
    const port = said?.type === 'listening' ? said.port : null;
    return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536
      ? port
      : null;
  } catch {
    return null;
  }
}

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Claimed, claim, keepBeating } from './claim.ts';
import { messageOf } from './exchange.ts';
import { fetchInputs } from './inputs.ts';
import { LogShipper } from './log-shipper.ts';
import { LogSpool } from './log-spool.ts';
import { outOfMemoryKills } from './memory-events.ts';
import type { Options } from './options.ts';
import { type Exit, GaveUpError, Platform, ShutError, SupersededError } from './platform.ts';
import { Program } from './program.ts';
import { type ProgramFile, takeProgram } from './program-file.ts';
import {
  exitOf,
  notStarted,
  notStartedCode,
  processCode,
  refusedCode,
  type StopReason,
  tryAgainCode,
} from './program-exit.ts';
import { StateFolder } from './state-folder.ts';
import type { StopSignals } from './stop-signals.ts';
import { Uploader } from './uploader.ts';

interface Run {
  readonly options: Options;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signals: StopSignals;
  readonly state: StateFolder;
  readonly platform: Platform;
  readonly say: (text: string) => void;
}

/** Fetches, runs the program, sends what it prints and makes, and tells how it ended. Gives our own exit code. */
export async function run(
  options: Options,
  environment: Readonly<Record<string, string | undefined>>,
  signals: StopSignals,
): Promise<number> {
  const state = new StateFolder(options.work);
  const say = (text: string): void => void process.stderr.write(`fathom: ${text}\n`);
  const platform = new Platform({ ...options, say });
  const self: Run = { options, environment, signals, state, platform, say };
  signals.handle((signal) => platform.end(new StoppedError(signal)));
  let claimed: Claimed | null;
  try {
    claimed = await claim(platform, state.session('run'), 'RUN', say);
  } catch (error) {
    say(`nothing was started: ${messageOf(error)}`);
    if (error instanceof StoppedError) return processCode({ code: null, signal: error.signal });
    return error instanceof GaveUpError ? tryAgainCode : notStartedCode;
  }
  if (claimed === null) {
    say('another launcher does this work');
    return tryAgainCode;
  }
  if (claimed.exit !== null) {
    say('this work has ended already');
    return processCode(claimed.exit);
  }
  const beating = keepBeating(platform, claimed);
  try {
    return await (state.exit === null ? runProgram(self, claimed) : deliverAgain(self, claimed));
  } finally {
    beating.stop();
  }
}

/** Told to end before there was anything to end. */
class StoppedError extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`told to stop (${signal})`);
    this.signal = signal;
  }
}

async function runProgram(self: Run, claimed: Claimed): Promise<number> {
  const { options, platform, signals, state } = self;
  const stopped = new Promise<NodeJS.Signals>((resolve) => signals.handle(resolve));
  const fetched = fetchInputs(platform, options.work).then(
    (manifest) => ({ manifest }),
    (error: unknown) => ({ error }),
  );
  const prepared = await Promise.race([fetched, stopped]);
  if (typeof prepared === 'string' || 'error' in prepared) {
    const why =
      typeof prepared === 'string' ? `told to stop (${prepared})` : messageOf(prepared.error);
    self.say(`nothing was started: ${why}`);
    const exit = notStarted(`Its data could not be fetched: ${why}.`, Date.now());
    await platform.patiently(() => tell(self, exit)).catch(() => undefined);
    return typeof prepared === 'string'
      ? processCode({ code: null, signal: prepared })
      : notStartedCode;
  }
  const base = state.logBase(claimed.logBytes);
  const spool = openSpool(self, prepared.manifest.limits.logBytes - base);
  const sending = new Sending(self, spool, { base, end: claimed.logBytes });
  platform.setUnderWay(true);
  const exit = await startAndFollow(self, spool, sending);
  keepExit(self, exit);
  platform.setUnderWay(false);
  spool.finish();
  return deliver(self, sending, exit);
}

async function startAndFollow(self: Run, spool: LogSpool, sending: Sending): Promise<Exit> {
  try {
    self.state.beginStart();
  } catch (error) {
    return notStarted(`Its work folder cannot be used: ${messageOf(error)}.`, Date.now());
  }
  sending.begin();
  return supervise(self, spool);
}

/** Then the program is not started again whatever happens. On a disk that is full it is told all the same. */
function keepExit(self: Run, exit: Exit): void {
  try {
    self.state.setExit(exit);
  } catch (error) {
    self.say(`how it ended cannot be written down: ${messageOf(error)}`);
  }
}

/** The program ended in an earlier life of ours; what it left has still to be brought. */
async function deliverAgain(self: Run, claimed: Claimed): Promise<number> {
  const exit = self.state.exit ?? notStarted('It is not known how it ended.', Date.now());
  const base = self.state.logBase(claimed.logBytes);
  const spool = openSpool(self, Infinity);
  const sending = new Sending(self, spool, { base, end: claimed.logBytes });
  self.say('the program has ended before; bringing what it left');
  return deliver(self, sending, exit);
}

function openSpool(self: Run, limitBytes: number): LogSpool {
  return new LogSpool(join(self.state.path, 'log'), limitBytes);
}

/** What it prints and makes, sent while it runs: two ways, so that a large file holds no line up. */
class Sending {
  readonly uploader: Uploader;
  readonly shipper: LogShipper;
  readonly #options: Options;
  readonly #say: (text: string) => void;
  readonly #over = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(
    { platform, options, say }: Run,
    spool: LogSpool,
    at: { readonly base: number; readonly end: number },
  ) {
    this.#options = options;
    this.#say = say;
    const uploader = new Uploader(platform, join(options.work, 'out'), (text) => {
      say(text);
      spool.say(text);
    });
    this.uploader = uploader;
    const sendCheckpoint = (path: string): Promise<void> => uploader.sendBelow(path);
    this.shipper = new LogShipper({ platform, spool, ...at, sendCheckpoint });
  }

  begin(): void {
    this.#loops = Promise.all([
      this.#loop(() => this.shipper.ship()),
      this.#loop(() => this.uploader.sendComplete(this.#options.settleMs)),
    ]).catch((error: unknown) => this.#say(messageOf(error)));
  }

  /** All that there is; what went wrong before is tried once more. */
  async finish(): Promise<void> {
    this.#over.abort();
    await this.#loops;
    await this.uploader.sendEverything();
    await this.shipper.ship();
  }

  async #loop(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await work();
      await pause(this.#options.sweepMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function supervise(self: Run, spool: LogSpool): Promise<Exit> {
  const { options, environment, platform, signals } = self;
  const killsBefore = outOfMemoryKills();
  const startedAt = Date.now();
  let said: Pick<ProgramFile, 'argv' | 'environment'> = { argv: options.argv, environment: {} };
  try {
    const { programFile } = options;
    if (programFile !== null) said = takeProgram(options.work, programFile);
  } catch (error) {
    return notStarted(`It is not known what to run: ${messageOf(error)}.`, Date.now());
  }
  const program = new Program({
    argv: said.argv,
    folder: options.work,
    environment: { ...environment, ...said.environment, FATHOM_WORK_FOLDER: options.work },
    spool,
    echo: options.echo,
  });
  let stop: StopReason = null;
  const timers: NodeJS.Timeout[] = [];
  const end = (reason: NonNullable<StopReason>, signal: NodeJS.Signals): void => {
    if (stop === null) {
      stop = reason;
      spool.say(`stopping the program: ${reason}`);
      timers.push(setTimeout(() => program.signal('SIGKILL'), options.graceMs));
    }
    program.signal(signal);
  };
  signals.handle(
    (signal) => end(signal, signal),
    (signal) => program.signal(signal),
  );
  const supersede = (): void => {
    if (platform.overBecause instanceof SupersededError) end('SIGTERM', 'SIGTERM');
  };
  platform.over.addEventListener('abort', supersede);
  supersede();
  if (Number.isFinite(options.timeLimitMs)) {
    // A timer holds at most 2^31 milliseconds.
    const limit = Math.min(options.timeLimitMs, 2 ** 31 - 1);
    timers.push(setTimeout(() => end('TIME_LIMIT', 'SIGTERM'), limit));
  }
  const ended = await program.ended;
  for (const timer of timers) clearTimeout(timer);
  platform.over.removeEventListener('abort', supersede);
  const wasKilled = stop === null && (ended.signal === 'SIGKILL' || ended.code === 137);
  return exitOf(ended, {
    stop,
    isOutOfMemory: wasKilled && (outOfMemoryKills() ?? 0) > (killsBefore ?? 0),
    lastLines: program.lastLines(),
    startedAt,
    endedAt: Date.now(),
  });
}

/** Brings everything, then tells the end. What cannot be brought stays in the work folder. */
async function deliver(self: Run, sending: Sending, exit: Exit): Promise<number> {
  const { platform, signals, say } = self;
  signals.handle((signal, count) => {
    if (count < 2) say(`${signal}: bringing what is there first; a second one leaves it here`);
    else platform.end(new GaveUpError(`told to stop (${signal})`));
  });
  const own = processCode(exit);
  try {
    await sending.finish();
    const { refused } = sending.uploader;
    await platform.patiently(() =>
      tell(self, refused.length === 0 ? exit : incomplete(exit, refused)),
    );
    self.state.setTold();
    return own === 0 && refused.length > 0 ? refusedCode : own;
  } catch (error) {
    if (error instanceof SupersededError) {
      say('another launcher has taken this work');
      return tryAgainCode;
    }
    const isFinal = error instanceof ShutError;
    say(`what the program made stays in ${self.options.work}: ${messageOf(error)}`);
    if (!isFinal) say('start the launcher in that folder again to bring it');
    return own === 0 ? tryAgainCode : own;
  }
}

async function tell({ platform }: Run, exit: Exit): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await platform.once('PUT', 'exit', { headers, body: Buffer.from(JSON.stringify(exit)) });
}

/** Without all of its results a program has not succeeded, whatever it said. */
function incomplete(exit: Exit, refused: readonly string[]): Exit {
  const names = refused.slice(0, 10).map((path) => `out/${path}`);
  const message = `${exit.message} ${refused.length} of its files were not taken: ${names.join(', ')}.`;
  const isGood = exit.cause === 'EXITED' && exit.code === 0;
  return { ...exit, cause: isGood ? 'UNKNOWN' : exit.cause, message };
}

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { Values } from './interpolation.ts';
import {
  fillTemplate,
  parseEnvironment,
  renderTemplate,
  replaceVariables,
} from './interpolation.ts';
import { LogFiles } from './log-files.ts';
import type { GroupObject, TaskObject, TaskState } from './state.ts';

const never = '0001-01-01T00:00:00Z';

export interface TaskSurroundings {
  readonly group: GroupObject;
  /** Of the allocation. */
  readonly folder: string;
  readonly values: Values;
  readonly variable: (path: string) => Values | undefined;
  readonly images: readonly string[];
  readonly logFileBytes: number | null;
  readonly changed: () => void;
}

/** One task of an allocation, really run as a process. */
export class TaskRunner {
  readonly state: TaskState = {
    State: 'pending',
    Failed: false,
    Restarts: 0,
    StartedAt: never,
    FinishedAt: never,
    Events: [],
  };
  readonly task: TaskObject;
  readonly #surroundings: TaskSurroundings;
  readonly #logs: { readonly stdout: LogFiles; readonly stderr: LogFiles };
  /** Resolves when its program runs for the first time. */
  readonly started: Promise<void>;
  #sayStarted: () => void = () => undefined;
  #child: ChildProcess | null = null;
  #isKilled = false;
  #isRestarting = false;
  #wake: (() => void) | null = null;

  constructor(task: TaskObject, surroundings: TaskSurroundings) {
    this.task = task;
    this.started = new Promise((resolve) => (this.#sayStarted = resolve));
    this.#surroundings = surroundings;
    const { MaxFileSizeMB, MaxFiles } = task.LogConfig;
    const limits = {
      fileBytes: surroundings.logFileBytes ?? MaxFileSizeMB * 2 ** 20,
      files: MaxFiles,
    };
    const folder = join(surroundings.folder, 'alloc/logs');
    this.#logs = {
      stdout: new LogFiles(folder, `${task.Name}.stdout`, limits),
      stderr: new LogFiles(folder, `${task.Name}.stderr`, limits),
    };
    for (const each of ['local', 'secrets'])
      mkdirSync(join(this.#folder, each), { recursive: true });
    this.#tell('Received', 'Task received by client');
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get argv(): readonly string[] {
    return this.#child?.spawnargs ?? [];
  }

  /** Until it is dead. Never rejects. */
  async run(): Promise<void> {
    const RestartPolicy = this.task.RestartPolicy ?? this.#surroundings.group.RestartPolicy;
    for (;;) {
      const didEnd = await this.#once();
      if (this.#isKilled) break;
      if (!didEnd) {
        this.state.Failed = true;
        this.#tell('Not Restarting', 'Error was unrecoverable');
        break;
      }
      const isService = RestartPolicy.Attempts > 0;
      // What comes before or after is done when it went well.
      const isHelper = this.task.Lifecycle !== undefined && !this.task.Lifecycle.Sidecar;
      const wentWell = this.state.Events.at(-1)?.Details['exit_code'] === '0';
      const isEnough =
        RestartPolicy.Mode === 'fail' && this.state.Restarts >= RestartPolicy.Attempts;
      if (!this.#isRestarting && (!isService || isEnough || (isHelper && wentWell))) {
        const code = this.state.Events.at(-1)?.Details['exit_code'];
        this.state.Failed = code !== '0';
        if (this.state.Failed) this.#tell('Not Restarting', 'Policy allows no restarts');
        break;
      }
      const delay = this.#isRestarting ? 0 : RestartPolicy.Delay / 1e6;
      this.#isRestarting = false;
      this.state.Restarts++;
      this.state.State = 'pending';
      this.#tell('Restarting', `Task restarting in ${delay}ms`);
      await this.#pause(delay);
      if (this.#isKilled) break;
    }
    this.state.State = 'dead';
    this.state.FinishedAt = new Date().toISOString();
    this.#surroundings.changed();
  }

  kill(reason = 'Sent interrupt. Waiting before force killing'): void {
    if (this.state.State === 'dead' || this.#isKilled) return;
    this.#isKilled = true;
    this.#tell('Killing', reason);
    this.#end();
  }

  restart(): void {
    this.#isRestarting = true;
    this.#tell('Restart Signaled', 'User requested task to restart');
    this.#end();
  }

  /** Before it could start: another one failed. */
  giveUp(reason: string): void {
    this.state.State = 'dead';
    this.state.FinishedAt = new Date().toISOString();
    this.#tell('Sibling Task Failed', reason);
  }

  get #folder(): string {
    return join(this.#surroundings.folder, this.task.Name);
  }

  #end(): void {
    this.#wake?.();
    const child = this.#child;
    if (child?.pid === undefined) return;
    const { pid } = child;
    signal(-pid, this.task.KillSignal as NodeJS.Signals);
    const timer = setTimeout(() => signal(-pid, 'SIGKILL'), this.task.KillTimeout / 1e6);
    child.once('exit', () => clearTimeout(timer));
  }

  /** True when a program was started and ended. */
  async #once(): Promise<boolean> {
    this.#tell('Task Setup', 'Building Task Directory');
    const own = await this.#environment();
    if (own === null) return false;
    const environment = this.#asMounted(own);
    let command: Command;
    try {
      command = this.#command(environment);
    } catch (error) {
      if (error instanceof PullError) {
        this.#tell('Driver', 'Downloading image');
        this.#tell('Driver Failure', error.message);
        // What can be right later is tried again, as the policy says.
        return true;
      }
      this.#tell('Failed Validation', error instanceof Error ? error.message : String(error));
      return false;
    }
    if (this.#isKilled) return true;
    return this.#spawn(command, environment);
  }

  /** Null when it cannot be made, or the task is killed while it waits for a variable. */
  async #environment(): Promise<Record<string, string> | null> {
    const { values, variable } = this.#surroundings;
    const environment: Record<string, string> = { ...this.#values() };
    for (const [name, text] of Object.entries(this.task.Env ?? {})) {
      environment[name] = replaceVariables(text, { ...values, ...environment });
    }
    for (const template of this.task.Templates ?? []) {
      const delimiters = { left: template.LeftDelim, right: template.RightDelim };
      try {
        let text = renderTemplate(template.EmbeddedTmpl, delimiters, variable);
        for (let said = false; text === undefined; said = true) {
          if (!said) this.#tell('Template', 'Missing: nomad.var.block');
          await this.#pause(50);
          if (this.#isKilled) return null;
          text = renderTemplate(template.EmbeddedTmpl, delimiters, variable);
        }
        const path = join(this.#folder, template.DestPath);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text, { mode: 0o600 });
        if (template.Envvars) Object.assign(environment, parseEnvironment(text));
      } catch (error) {
        this.#tell('Template', `Template failed: ${error instanceof Error ? error.message : ''}`);
        return null;
      }
    }
    return environment;
  }

  /** A container that is a process sees what is mounted where it really is. */
  #asMounted(environment: Record<string, string>): Record<string, string> {
    const mounts = (this.task.Config['mount'] ?? []) as readonly Mount[];
    const within = mounts.filter(({ source }) => !isAbsolute(source));
    const seen = (value: string): string => {
      const mount = within.find(({ target }) => value.startsWith(`${target}/`));
      if (mount === undefined) return value;
      return join(this.#folder, mount.source, value.slice(mount.target.length));
    };
    return Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, seen(value)]),
    );
  }

  #values(): Record<string, string> {
    const { values, folder } = this.#surroundings;
    return {
      ...values,
      NOMAD_ALLOC_DIR: join(folder, 'alloc'),
      NOMAD_TASK_DIR: join(this.#folder, 'local'),
      NOMAD_SECRETS_DIR: join(this.#folder, 'secrets'),
      NOMAD_TASK_NAME: this.task.Name,
    };
  }

  #command(environment: Values): Command {
    const values = { ...environment, ...this.#surroundings.values };
    const fill = (value: unknown): string => fillTemplate(String(value), values);
    const { Config: config } = this.task;
    const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(fill) : []);
    if (this.task.Driver === 'raw_exec') {
      const folder = config['work_dir'] === undefined ? this.#folder : fill(config['work_dir']);
      return { argv: [fill(config['command']), ...list(config['args'])], folder };
    }
    const image = fill(config['image']);
    if (!this.#surroundings.images.includes(image)) {
      throw new PullError(`Failed to pull \`${image}\`: Error response from daemon: not found`);
    }
    return {
      argv: [...list(config['entrypoint']), ...list(config['args'])],
      folder: fill(config['work_dir'] ?? this.#folder),
    };
  }

  #spawn({ argv, folder }: Command, environment: Record<string, string>): Promise<boolean> {
    return new Promise((resolve) => {
      const [file = '', ...args] = argv;
      const child = spawn(file, args, {
        cwd: folder,
        env: { PATH: process.env['PATH'] ?? '', HOME: '/root', ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      this.#child = child;
      child.stdout.on('data', (chunk: Buffer) => this.#logs.stdout.write(chunk));
      child.stderr.on('data', (chunk: Buffer) => this.#logs.stderr.write(chunk));
      child.once('spawn', () => {
        this.state.State = 'running';
        this.state.StartedAt = new Date().toISOString();
        this.#tell('Started', 'Task started by client');
        this.#sayStarted();
        if (this.#isKilled) this.#end();
      });
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (child.pid !== undefined) return;
        const message = `failed to launch command with executor: rpc error: file ${file} could not be found (${error.code})`;
        this.#tell('Driver Failure', message);
        resolve(false);
      });
      child.once('exit', () => {
        // Whoever it left behind goes with it.
        if (child.pid !== undefined) signal(-child.pid, 'SIGKILL');
      });
      child.once('close', (code, killer) => {
        if (child.pid === undefined) return;
        const number = killer === null ? 0 : constants.signals[killer];
        const exit = code ?? 128 + number;
        const Details = { exit_code: String(exit), signal: String(number), oom_killed: 'false' };
        this.#tell('Terminated', `Exit Code: ${exit}, Signal: ${number}`, Details);
        if (this.#isKilled) this.#tell('Killed', 'Task successfully killed');
        resolve(true);
      });
    });
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #tell(Type: string, DisplayMessage: string, Details: Record<string, string> = {}): void {
    const event = { Type, DisplayMessage, Details, Time: Date.now() * 1e6 };
    this.state.Events = [...this.state.Events, event].slice(-10);
    this.#surroundings.changed();
  }
}

class PullError extends Error {}

interface Mount {
  readonly source: string;
  readonly target: string;
}

interface Command {
  readonly argv: readonly string[];
  readonly folder: string;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

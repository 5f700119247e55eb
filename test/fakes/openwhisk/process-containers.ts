import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Container, ContainerFactory, ContainerOptions, PrintedLine } from './container.ts';
import { sentinel } from './container.ts';

/** An image is a command that prints `{"type":"listening","port":N}` and serves `/init` and `/run` there. */
export interface ProcessImage {
  readonly argv: readonly string[];
  /** How long pulling takes. */
  readonly pullMs?: number;
}

/** Containers that are processes of this machine, each with a process group of its own. */
export class ProcessContainers implements ContainerFactory {
  readonly #images: Readonly<Record<string, ProcessImage>>;
  readonly #containers = new Set<ProcessContainer>();
  /** Every pull that was asked for. */
  readonly pulls: string[] = [];

  constructor(images: Readonly<Record<string, ProcessImage>>) {
    this.#images = images;
  }

  /** Those that run now. */
  get count(): number {
    return this.#containers.size;
  }

  /** As the kernel or somebody else does it; the platform finds out by itself. */
  kill(): void {
    for (const container of this.#containers) container.signal('SIGKILL');
  }

  async pull(image: string): Promise<void> {
    this.pulls.push(image);
    const known = this.#images[image];
    if (known === undefined) throw new Error(`manifest for ${image} not found`);
    if (known.pullMs !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, known.pullMs));
    }
  }

  async create(options: ContainerOptions): Promise<Container> {
    const known = this.#images[options.image];
    if (known === undefined) throw new Error(`No such image: ${options.image}`);
    const container = new ProcessContainer(known.argv, options);
    this.#containers.add(container);
    void container.ended.then(() => this.#containers.delete(container));
    return container;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#containers].map((container) => container.remove()));
  }
}

class ProcessContainer implements Container {
  isOutOfMemory = false;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #memoryMiB: number;
  readonly #lines: PrintedLine[] = [];
  readonly #url: Promise<string | null>;
  #listening: (port: number | null) => void = () => undefined;
  #printed: () => void = () => undefined;

  constructor([program = '', ...args]: readonly string[], options: ContainerOptions) {
    this.#memoryMiB = options.memoryMiB;
    const env = { PATH: process.env['PATH'] ?? '', ...options.environment };
    this.#child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#url = new Promise((resolve) => {
      this.#listening = (port) => resolve(port === null ? null : `http://127.0.0.1:${port}`);
    });
    const watching = setInterval(() => this.#measure(), 50);
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        clearInterval(watching);
        this.#listening(null);
        this.#printed();
        resolve();
      };
      this.#child.once('error', end);
      this.#child.once('close', end);
    });
    this.#read('stdout');
    this.#read('stderr');
  }

  url(): Promise<string | null> {
    return this.#url;
  }

  async pause(): Promise<void> {
    this.signal('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.signal('SIGCONT');
  }

  async takeLog(): Promise<readonly PrintedLine[]> {
    const limit = AbortSignal.timeout(500);
    while (!this.#isLogEnded() && !limit.aborted && this.#child.exitCode === null) {
      await new Promise<void>((resolve) => {
        this.#printed = resolve;
        setTimeout(resolve, 50).unref();
      });
    }
    return this.#lines.splice(0).filter(({ text }) => text !== sentinel);
  }

  async remove(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  #isLogEnded(): boolean {
    return this.#lines.filter(({ text }) => text === sentinel).length >= 2;
  }

  signal(name: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch {
      // It ended.
    }
  }

  #read(stream: PrintedLine['stream']): void {
    let rest = '';
    const keep = (text: string): void => {
      const port = /^\{"type":"listening","port":(\d+)/.exec(text)?.[1];
      if (port !== undefined) return this.#listening(Number(port));
      this.#lines.push({ at: Date.now(), stream, text });
      this.#printed();
    };
    const source = this.#child[stream]?.setEncoding('utf8');
    source?.on('data', (piece: string) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(keep);
    });
    source?.on('end', () => {
      if (rest !== '') keep(rest);
    });
  }

  #measure(): void {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      if (kilobytes / 1024 <= this.#memoryMiB) return;
      this.isOutOfMemory = true;
      this.signal('SIGKILL');
    } catch {
      // It ended, or this is no Linux.
    }
  }
}

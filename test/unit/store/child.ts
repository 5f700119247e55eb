import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('store-process.ts', import.meta.url));

export interface StoreProcess {
  readonly pid: number;
  /** Everything it printed so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed as many lines, or ended. */
  printed(count: number): Promise<void>;
  /** As `kill -9`; resolves when it is gone and its output was read to the end. */
  kill(): Promise<void>;
  ended(): Promise<number | null>;
}

/** Starts a process on a store's folder. Kill it at the end of the test. */
export function startStoreProcess(
  folder: string,
  mode: 'hold' | 'write' | 'claim',
  prefix = '',
  access: 'exclusive' | 'shared' = 'exclusive',
): StoreProcess {
  const child: ChildProcess = spawn(process.execPath, [program, folder, mode, prefix, access], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('It has no output.');
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const closed = once(reader, 'close').then(() => true);
  const exited = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    lines,
    async printed(count) {
      while (lines.length < count) {
        const isOver = await Promise.race([once(reader, 'line').then(() => false), closed]);
        if (isOver) return;
      }
    },
    async kill() {
      if (child.exitCode === null) child.kill('SIGKILL');
      await exited;
      await closed;
    },
    async ended() {
      await exited;
      await closed;
      return child.exitCode;
    },
  };
}

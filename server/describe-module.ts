import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ModuleDescriber } from '../services/modules/describe.ts';

const run = promisify(execFile);
const timeLimitMs = 20_000;
const maximumBytes = 4 * 1024 * 1024;

/** Asks a module's own code what it is: name, version, document, sample. The code runs in a process of its own. */
export function moduleDescriber(command: readonly string[]): ModuleDescriber {
  const [file = '', ...args] = command;
  return async (folder) => {
    const { stdout } = await run(file, [...args, 'describe', '--module', folder], {
      timeout: timeLimitMs,
      maxBuffer: maximumBytes,
      killSignal: 'SIGKILL',
    });
    return JSON.parse(stdout) as Awaited<ReturnType<ModuleDescriber>>;
  };
}

import { resolve } from 'node:path';
import { InputError } from '../runtime/input-error.ts';
import { DeepaasServer, pythonLaunch } from './deepaas-server.ts';
import { describeModule } from './describe.ts';
import { drive } from './drive.ts';
import type { PythonModule } from './python-module.ts';
import type { RunningServerPlace } from './running-server.ts';
import { train, trainByCommand } from './train.ts';

export interface PythonCommand {
  readonly command: string;
  readonly work: string | null;
  readonly artifact: string | null;
  readonly serve: {
    readonly host: string;
    readonly port: number;
    readonly basePath: string;
    readonly clientMaxSize: number;
    readonly trainEndpoint: boolean;
    readonly predictEndpoint: boolean;
    readonly debugEndpoint: boolean;
  };
}

/** The commands of `modules/runtime/main.ts` for a module in Python; resolves to the exit code. */
export async function runPythonModule(
  module: PythonModule,
  { command, work, artifact, serve }: PythonCommand,
): Promise<number> {
  const stop = stopSignal();
  switch (command) {
    case 'describe':
      print(JSON.stringify(await describeModule(module)));
      return 0;
    case 'train':
      if (work === null) throw new InputError('The command train needs --work DIR.');
      await train(module, work, print, stop);
      return 0;
    case 'serve': {
      const environment = artifact === null ? {} : { FATHOM_ARTIFACT_FOLDER: resolve(artifact) };
      const options = { ...serve, warm: true, workFolder: process.cwd(), environment } as const;
      const launch = await pythonLaunch(module, { ...options, output: 'pass' });
      const server = await DeepaasServer.start(launch, stop).catch((error: unknown) => {
        if (stop.aborted) return null;
        throw new InputError(error instanceof Error ? error.message : String(error));
      });
      if (server === null) return 0;
      print(JSON.stringify({ type: 'listening', port: server.port, model: module.model }));
      const asked = new Promise<'asked'>((resolve) =>
        stop.addEventListener('abort', () => resolve('asked'), { once: true }),
      );
      const why = stop.aborted ? 'asked' : await Promise.race([asked, server.ended]);
      await server.stop();
      return why === 'asked' ? 0 : 1;
    }
    default:
      throw new InputError(`There is no command ${command}.`);
  }
}

/** One training by a DEEPaaS that is no folder here: the server of a command, or one that somebody else started. */
export async function trainBy(
  server: readonly string[] | Omit<RunningServerPlace, 'model'>,
  model: string | null,
  work: string,
): Promise<void> {
  const stop = stopSignal();
  if ('url' in server) return drive({ ...server, model }, work, print, stop);
  if (server.length === 0) throw new InputError('--deepaas-command needs a program.');
  return trainByCommand(server, model, work, print, stop);
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

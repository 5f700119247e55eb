import { resolve } from 'node:path';
import { InputError } from '../runtime/input-error.ts';
import { DeepaasServer } from './deepaas-server.ts';
import { describeModule } from './describe.ts';
import type { PythonModule } from './python-module.ts';
import { train } from './train.ts';

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
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  switch (command) {
    case 'describe':
      print(JSON.stringify(await describeModule(module)));
      return 0;
    case 'train':
      if (work === null) throw new InputError('The command train needs --work DIR.');
      await train(module, work, print, stop.signal);
      return 0;
    case 'serve': {
      const environment = artifact === null ? {} : { FATHOM_ARTIFACT_FOLDER: resolve(artifact) };
      const server = await DeepaasServer.start(
        module,
        { ...serve, warm: true, workFolder: process.cwd(), environment, output: 'pass' },
        stop.signal,
      ).catch((error: unknown) => {
        if (stop.signal.aborted) return null;
        throw new InputError(error instanceof Error ? error.message : String(error));
      });
      if (server === null) return 0;
      print(JSON.stringify({ type: 'listening', port: server.port, model: module.model }));
      const asked = new Promise<'asked'>((resolve) =>
        stop.signal.addEventListener('abort', () => resolve('asked'), { once: true }),
      );
      const why = stop.signal.aborted ? 'asked' : await Promise.race([asked, server.ended]);
      await server.stop();
      return why === 'asked' ? 0 : 1;
    }
    default:
      throw new InputError(`There is no command ${command}.`);
  }
}

import { DeepaasServer, type Launch, pythonLaunch } from './deepaas-server.ts';
import { commandLaunch } from './command-launch.ts';
import type { PythonModule } from './python-module.ts';
import { begin, follow, stopped } from './training.ts';
import { TrainingFolder, trainingEnvironment } from './training-folder.ts';

/**
 * Runs the workload in `work` through the module's own training route, and leaves `out/model` (if the module wrote into
 * FATHOM_MODEL_FOLDER) and, last, `out/output.json`. Throws InputError for what the person who asked has to mend, Stopped
 * when `signal` was aborted, and Error with the module's own words when the training failed.
 */
export async function train(
  module: PythonModule,
  work: string,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = await TrainingFolder.open(work);
  const environment = trainingEnvironment(folder.path);
  const options = { ...trainingServer, workFolder: folder.path, environment };
  await trainWith(await pythonLaunch(module, options), folder, print, signal);
}

/** The same with the server that `argv` starts, which is given where to listen. */
export async function trainByCommand(
  argv: readonly string[],
  model: string | null,
  work: string,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = await TrainingFolder.open(work);
  const environment = trainingEnvironment(folder.path);
  const options = { model, workFolder: folder.path, environment };
  await trainWith(await commandLaunch(argv, options), folder, print, signal);
}

async function trainWith(
  launch: Launch,
  folder: TrainingFolder,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await folder.begin(false);
  print(JSON.stringify({ type: 'phase', phase: 'PREPARING' }));
  try {
    const server = await DeepaasServer.start(launch, signal).catch((error: unknown) => {
      if (signal.aborted) throw stopped();
      throw error;
    });
    let output: unknown;
    try {
      const uuid = await begin(server, folder.given, signal);
      print(JSON.stringify({ type: 'phase', phase: 'RUNNING' }));
      output = await follow(server, uuid, signal);
    } finally {
      await server.stop();
    }
    await folder.keep(output);
  } finally {
    await folder.discard();
  }
}

const trainingServer = {
  host: '127.0.0.1',
  port: 0,
  basePath: '',
  clientMaxSize: 0,
  trainEndpoint: true,
  predictEndpoint: false,
  debugEndpoint: false,
  // The model that is served before it is trained would take the one worker's time.
  warm: false,
  output: 'pass',
} as const;

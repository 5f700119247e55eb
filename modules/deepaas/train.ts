import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isRecord } from '../runtime/arguments.ts';
import { syncFolder, writeWhole } from '../runtime/durable-files.ts';
import { InputError } from '../runtime/input-error.ts';
import { Stopped } from '../runtime/run-report.ts';
import { DeepaasServer } from './deepaas-server.ts';
import type { PythonModule } from './python-module.ts';

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
  const folder = resolve(work);
  const out = join(folder, 'out');
  const unfinished = join(out, '.unfinished-model');
  const given = await readArguments(folder);
  await rm(join(out, 'output.json'), { force: true });
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  print(JSON.stringify({ type: 'phase', phase: 'PREPARING' }));
  try {
    const server = await DeepaasServer.start(
      module,
      { ...trainingServer, workFolder: folder, environment: folders(folder, unfinished) },
      signal,
    ).catch((error: unknown) => {
      if (signal.aborted) throw stopped();
      throw error;
    });
    let output: unknown;
    try {
      const route = `${server.url}/v2/models/${module.model}/train/`;
      const uuid = await begin(route, given, signal);
      print(JSON.stringify({ type: 'phase', phase: 'RUNNING' }));
      output = await follow(server, route + uuid, signal);
    } finally {
      await server.stop();
    }
    await keep(out, unfinished, output);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
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

function folders(folder: string, model: string): Readonly<Record<string, string>> {
  return {
    FATHOM_WORK_FOLDER: folder,
    FATHOM_WORKLOAD: join(folder, 'workload.json'),
    FATHOM_DATA_FOLDER: join(folder, 'data'),
    FATHOM_MODEL_FOLDER: model,
  };
}

async function readArguments(folder: string): Promise<Readonly<Record<string, unknown>>> {
  let workload: unknown;
  try {
    workload = JSON.parse(await readFile(join(folder, 'workload.json'), 'utf8'));
  } catch {
    throw new InputError('workload.json cannot be read.');
  }
  const given = isRecord(workload) ? (workload['arguments'] ?? {}) : null;
  if (!isRecord(given)) throw new InputError('workload.json has no arguments.');
  return given;
}

/** Asked once: a training that was asked for twice would run twice. */
async function begin(
  route: string,
  given: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<string> {
  const answer = await fetch(route, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(given),
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? stopped() : error;
  });
  const text = await answer.text();
  if (answer.status === 422) throw new InputError(`The module refused its arguments: ${text}`);
  const training = answer.status === 200 ? parsed(text) : null;
  const uuid = training?.['uuid'];
  if (typeof uuid !== 'string') {
    throw new Error(`The training was answered with ${answer.status}: ${text.slice(0, 500)}`);
  }
  return uuid;
}

/** The output of the training; statuses are those that are sent, and those that are documented. */
async function follow(server: DeepaasServer, item: string, signal: AbortSignal): Promise<unknown> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 2000)) {
    if (signal.aborted) throw stopped();
    if (server.hasEnded) throw new Error('DEEPaaS ended in the middle of the training.');
    const answer = await fetch(item, { signal: AbortSignal.timeout(30_000) }).catch(() => null);
    if (answer?.status === 404) throw new Error('DEEPaaS does not know the training any more.');
    const training = answer?.status === 200 ? parsed(await answer.text()) : null;
    const { status, message, result } = training ?? {};
    if (status === 'done' || status === 'completed')
      return isRecord(result) ? result['output'] : null;
    if (status === 'error') {
      throw new Error(`The training failed: ${typeof message === 'string' ? message : 'unknown'}`);
    }
    if (status === 'cancelled') throw new Error('The training was cancelled in DEEPaaS.');
    await pause(wait, null, { signal }).catch(() => null);
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

async function keep(out: string, unfinished: string, output: unknown): Promise<void> {
  const model = join(out, 'model');
  const hasModel = (await readdir(unfinished)).length > 0;
  if (hasModel) {
    await syncFolder(unfinished);
    await rm(model, { recursive: true, force: true });
    await rename(unfinished, model);
    await syncFolder(out);
  }
  await writeWhole(
    join(out, 'output.json'),
    JSON.stringify({
      metrics: metricsIn(output),
      artifacts: hasModel ? [{ name: 'model', kind: 'MODEL', path: 'out/model' }] : [],
      labels: isRecord(output) && Array.isArray(output['labels']) ? output['labels'] : [],
    }),
  );
}

/** The numbers under `metrics`, or those of the answer itself. */
function metricsIn(output: unknown): Readonly<Record<string, number>> {
  if (!isRecord(output)) return {};
  const source = isRecord(output['metrics']) ? output['metrics'] : output;
  const numbers = Object.entries(source).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && Number.isFinite(entry[1]),
  );
  return Object.fromEntries(numbers);
}

function stopped(): Stopped {
  return new Stopped('The run was told to stop.');
}

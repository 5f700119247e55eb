import { BackendError } from '../contract/error.ts';
import type { Program } from '../contract/workload.ts';

/** A module that is an image with DEEPaaS and nothing of ours. */
export interface StockProgram {
  readonly image: string;
  /** Its name in the routes. */
  readonly model: string;
  readonly operation: 'train' | 'serve';
}

/** Null for every other program. */
export function stockOf(program: Program): StockProgram | null {
  if (program.kind !== 'MODULE') return null;
  const { module, operation } = program;
  const { source } = module;
  if (source.kind !== 'IMAGE' || source.deepaas === undefined) return null;
  return { image: source.image, model: source.deepaas.model, operation };
}

/** Throws Unsupported where such images are not set up, and for what they cannot do anywhere. */
export function supported<T>(settings: T | null, nodes = 1): T {
  if (settings === null) {
    throw unsupported(
      'This backend is not set up for images that have DEEPaaS and nothing of ours: `deepaas` in its settings.',
    );
  }
  if (nodes > 1) throw unsupported('An image that has DEEPaaS alone is trained on one node.');
  return settings;
}

/** Below the work folder: where the guard around the server leaves word, see `guard.ts`. */
export const wordFolder = '.deepaas';

/** What the server of a training is told; `path` gives a place below the work folder. */
export function trainingVariables<T>(
  { model }: StockProgram,
  path: (below: string) => T,
): Readonly<Record<string, string | T>> {
  return {
    ...serverVariables(model),
    FATHOM_WORKLOAD: path('workload.json'),
    FATHOM_DATA_FOLDER: path('data'),
    FATHOM_MODEL_FOLDER: path('out/.unfinished-model'),
  };
}

/** Also where it only serves. */
export function serverVariables(model: string): Readonly<Record<string, string>> {
  // Its lines are to come as they are printed; versions that serve several models know no such variable.
  return { PYTHONUNBUFFERED: '1', DEEPAAS_V2_MODEL: model };
}

/** The server's command, told where to listen. */
export function listening<T>(command: readonly T[], ip: T, port: T): readonly (T | string)[] {
  return [...command, '--listen-ip', ip, '--listen-port', port];
}

/** The driver's command beside such a server. */
export function driving<T>(
  runtime: readonly string[],
  { model }: StockProgram,
  at: { readonly work: T; readonly words: T; readonly url: T; readonly waitSeconds: number },
): readonly (T | string)[] {
  return [
    ...runtime,
    'train',
    ...['--work', at.work],
    ...['--deepaas', at.url],
    ...['--model', model],
    ...['--server-folder', at.words],
    ...['--wait', String(at.waitSeconds)],
  ];
}

function unsupported(message: string): BackendError {
  return new BackendError('Unsupported', 'translate', message);
}

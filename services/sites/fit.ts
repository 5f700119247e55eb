import type { Backend, Capabilities } from '../../backends/contract/backend.ts';
import type { BackendDirectory } from '../../backends/contract/directory.ts';
import { FathomError } from '../../domain/errors.ts';
import type { ModuleSource } from '../../domain/module.ts';
import type { Resources } from '../../domain/resources.ts';

/** What is looked for: a place to train, or one to serve. */
export interface Wish {
  readonly kind: 'JOB' | 'SERVICE';
  readonly source: ModuleSource;
  readonly resources: Pick<Resources, 'gpus' | 'nodes'>;
}

/** Why a backend can never do it, and what a person can do about that. */
export interface Misfit {
  /** Goes on after a name: `it has no GPUs`. */
  readonly why: string;
  /** What else could be asked for; null when only another backend helps. */
  readonly advice: string | null;
  /** What of the input stands in the way. */
  readonly path: readonly string[];
}

/** By what a backend says of itself. How much it has is its own matter: it queues, and says why in `waiting`. */
export function misfit(wish: Wish, backend: Backend): Misfit | null {
  const { capabilities } = backend;
  const { gpus, nodes = 1 } = wish.resources;
  if (wish.kind === 'JOB' && backend.jobs === null) return elsewhere('it runs no jobs');
  if (wish.kind === 'SERVICE' && backend.services === null && backend.functions === null) {
    return elsewhere('it serves nothing');
  }
  const source = sourceFor(wish.source, capabilities);
  if (source === null) {
    return wish.source.kind === 'IMAGE'
      ? elsewhere('it runs no images, and the module is one')
      : elsewhere('it runs images only, and the module names none with a tag of its own');
  }
  // A folder is run by our runtime wherever it runs as a folder.
  const deepaas = source.kind === 'IMAGE' ? source.deepaas : undefined;
  if (deepaas !== undefined && !capabilities.deepaasImages) {
    return elsewhere('it is not set up for images that have DEEPaaS and nothing of ours');
  }
  if (gpus !== null && !capabilities.gpus) {
    const advice = 'set `resources.gpus` to null to ask for none';
    return { why: 'it has no GPUs', advice, path: ['resources', 'gpus'] };
  }
  if (gpus !== null && gpus.model !== null && !capabilities.gpuModels) {
    const advice = 'leave `resources.gpus.model` out';
    return {
      why: 'GPUs cannot be asked for by model there',
      advice,
      path: ['resources', 'gpus', 'model'],
    };
  }
  const isAlone = deepaas !== undefined || !capabilities.severalNodes;
  if (nodes > 1 && isAlone) {
    const advice = 'leave `resources.nodes` out';
    return { why: 'a run has one node there', advice, path: ['resources', 'nodes'] };
  }
  return null;
}

/** The form of the module that the backend is given: its folder where folders run, its image elsewhere; null for neither. */
export function sourceFor(
  source: ModuleSource,
  { processes, images }: Pick<Capabilities, 'processes' | 'images'>,
): ModuleSource | null {
  if (source.kind === 'FOLDER' && processes) return source;
  if (!images || source.image === undefined) return null;
  const { image, deepaas } = source;
  return { kind: 'IMAGE', image, ...(deepaas !== undefined && { deepaas }) };
}

/** The refusal of a backend that was asked for by name: what stands in the way, and what to do. */
export function unfit(
  wish: Wish,
  backend: Backend,
  reason: Misfit,
  backends: BackendDirectory,
): FathomError {
  const does = wish.kind === 'JOB' ? 'run' : 'serve';
  const message = `${backend.name} cannot ${does} it: ${reason.why}. ${whatToDo(wish, [reason], backends)}`;
  return new FathomError('UNSUPPORTED', message, { path: reason.path });
}

/** A sentence: what else to ask for, and who could do it as it is. */
export function whatToDo(
  wish: Wish,
  reasons: readonly Misfit[],
  backends: BackendDirectory,
): string {
  const able = backends.all().filter((each) => misfit(wish, each) === null);
  const advice = [...new Set(reasons.flatMap((each) => each.advice ?? []))].join(', or ');
  const names = able.map(({ name }) => name).join(', ');
  const start = advice.charAt(0).toUpperCase() + advice.slice(1);
  if (names !== '')
    return `${start === '' ? 'Choose' : `${start}, or choose`} a backend that can: ${names}.`;
  const nobody = 'No backend that is configured here can do it';
  return start === '' ? `${nobody}.` : `${start}. ${nobody} as it is asked for.`;
}

/** There is no backend of that name. */
export function unknownBackend(name: string, backends: BackendDirectory): FathomError {
  const names = backends.all().map((each) => each.name);
  return new FathomError(
    'INVALID_ARGUMENT',
    `There is no backend ${name}; there are: ${names.join(', ') || 'none'}.`,
    { path: ['backend'] },
  );
}

function elsewhere(why: string): Misfit {
  return { why, advice: null, path: ['backend'] };
}

import type { Backend } from '../../backends/contract/backend.ts';
import type { BackendDirectory } from '../../backends/contract/directory.ts';
import { FathomError } from '../../domain/errors.ts';
import type { ModuleSource } from '../../domain/module.ts';
import type { Resources } from '../../domain/resources.ts';

/**
 * The backend that will serve: the one asked for, otherwise the first that can, those with the accelerators asked for
 * before the others. Capacity is the backend's own matter: it says in `waiting` what it has not.
 */
export function placeService(
  wish: { readonly backend: string | null; readonly resources: Pick<Resources, 'gpus'> },
  source: ModuleSource,
  backends: BackendDirectory,
): Backend {
  const all = backends.all();
  const candidates = all.filter(({ name }) => wish.backend === null || name === wish.backend);
  if (candidates.length === 0) {
    const names = all.map(({ name }) => name).join(', ');
    throw wish.backend === null
      ? new FathomError('UNSUPPORTED', 'No backend is configured here.', { path: ['backend'] })
      : new FathomError(
          'INVALID_ARGUMENT',
          `There is no backend ${wish.backend}; there are: ${names || 'none'}.`,
          { path: ['backend'] },
        );
  }
  const able = candidates.filter((backend) => cannotServe(source, backend) === null);
  const { gpus } = wish.resources;
  const best = able.find(({ capabilities }) => gpus === null || capabilities.gpus) ?? able[0];
  if (best !== undefined) return best;
  const reasons = candidates.map((each) => `${each.name}: ${cannotServe(source, each) ?? ''}`);
  throw new FathomError('UNSUPPORTED', `Nothing here can serve it: ${reasons.join('; ')}.`, {
    path: ['backend'],
  });
}

/** Why a backend can never serve a module of this kind; null when it can. */
export function cannotServe(source: ModuleSource, backend: Backend): string | null {
  if (backend.services === null) return 'it runs no services';
  if (source.kind === 'FOLDER' && !backend.capabilities.processes) {
    return 'it runs images only, and the module is a folder of code';
  }
  if (source.kind === 'IMAGE' && !backend.capabilities.images) {
    return 'it runs no images, and the module is one';
  }
  return null;
}

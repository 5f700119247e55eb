import type { Backend } from '../../backends/contract/backend.ts';
import type { BackendDirectory } from '../../backends/contract/directory.ts';
import type { ModuleVersion } from '../../domain/module.ts';
import type { TrainingRun } from '../../domain/training-run.ts';

/** A backend that can take the run, or why each one cannot. */
export type Placement =
  | { readonly backend: Backend }
  | { readonly backend: null; readonly rejections: readonly string[] };

/**
 * The first configured backend whose capabilities fit. Capacity is the backend's own matter: it queues, and says why in
 * `waiting`.
 */
export function place(
  run: Pick<TrainingRun, 'requestedBackend' | 'resources'>,
  module: Pick<ModuleVersion, 'source'>,
  backends: BackendDirectory,
): Placement {
  const rejections: string[] = [];
  for (const backend of backends.all()) {
    if (run.requestedBackend !== null && backend.name !== run.requestedBackend) continue;
    const reason = misfit(run, module, backend);
    if (reason === null) return { backend };
    rejections.push(`${backend.name}: ${reason}`);
  }
  if (rejections.length === 0) {
    rejections.push(
      run.requestedBackend === null
        ? 'no backend is configured'
        : `${run.requestedBackend}: not configured any more`,
    );
  }
  return { backend: null, rejections };
}

/** Why a backend can never take the run; null when it can. */
export function misfit(
  run: Pick<TrainingRun, 'resources'>,
  module: Pick<ModuleVersion, 'source'>,
  backend: Backend,
): string | null {
  if (backend.jobs === null) return 'it runs no jobs';
  if (module.source.kind === 'FOLDER' && !backend.capabilities.processes) {
    return 'it runs images only, and the module is a folder of code';
  }
  if (module.source.kind === 'IMAGE' && !backend.capabilities.images) {
    return 'it runs no images, and the module is one';
  }
  const { gpus } = run.resources;
  if (gpus !== null && !backend.capabilities.gpus) return 'it has no GPUs';
  if (gpus !== null && gpus.model !== null && !backend.capabilities.gpuModels) {
    return 'GPUs cannot be asked for by model there';
  }
  return null;
}

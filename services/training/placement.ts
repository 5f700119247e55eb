import type { Backend } from '../../backends/contract/backend.ts';
import type { BackendDirectory } from '../../backends/contract/directory.ts';
import type { ModuleVersion } from '../../domain/module.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import { type Misfit, misfit, whatToDo } from '../sites/fit.ts';

/** A backend that can take the run, or why none can and what to do. */
export type Placement =
  { readonly backend: Backend } | { readonly backend: null; readonly message: string };

/**
 * The first configured backend whose capabilities fit. Capacity is the backend's own matter: it queues, and says why in
 * `waiting`.
 */
export function place(
  run: Pick<TrainingRun, 'requestedBackend' | 'resources'>,
  { source }: Pick<ModuleVersion, 'source'>,
  backends: BackendDirectory,
): Placement {
  const wish = { kind: 'JOB', source, resources: run.resources } as const;
  const reasons: Misfit[] = [];
  const said: string[] = [];
  for (const backend of backends.all()) {
    if (run.requestedBackend !== null && backend.name !== run.requestedBackend) continue;
    const reason = misfit(wish, backend);
    if (reason === null) return { backend };
    reasons.push(reason);
    said.push(`${backend.name}: ${reason.why}`);
  }
  if (said.length === 0) {
    said.push(
      run.requestedBackend === null
        ? 'no backend is configured'
        : `${run.requestedBackend}: not configured any more`,
    );
  }
  const advice = whatToDo(wish, reasons, backends);
  return { backend: null, message: `Nothing here can run it: ${said.join('; ')}. ${advice}` };
}

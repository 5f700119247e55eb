import type { Actor } from '../../domain/actor.ts';
import { newId } from '../../domain/ids.ts';
import { inputsOf } from '../datasets/workload-data.ts';
import { checkIdempotencyKey } from '../once.ts';
import { sourceFor } from '../sites/fit.ts';
import { planPlacement, type PlacementPlan } from '../sites/plan.ts';
import type { Sites } from '../sites/sites.ts';
import type { Surroundings } from '../surroundings.ts';
import { acceptRun, type RunSources } from './accept-run.ts';
import type { CreateTrainingRun } from './create-run.ts';
import { place } from './placement.ts';
import { attemptKey } from './work-kinds.ts';
import { workloadOf } from './workload.ts';

/** Stands for the id that the run would be given: a plan of the same input is the same text. */
const runId = newId('TrainingRun', 0, () => 0);

/**
 * The dry run of `createTrainingRun`: the same findings about the input, then where it would go and why, and what would be
 * sent there. Nothing is written or dispatched. A seed that was left out is drawn, and told.
 */
export async function planRun(
  at: Surroundings,
  sources: RunSources,
  sites: Sites,
  actor: Actor,
  request: CreateTrainingRun,
): Promise<PlacementPlan> {
  const accepted = await acceptRun(at, sources, actor, request);
  checkIdempotencyKey(request.idempotencyKey);
  const { version, data, split, checkpoint, resources, seed } = accepted;
  const module = await at.store.modules.get(version.moduleId);
  if (module === null) throw new Error(`The module of version ${version.id} is gone.`);
  const placement = place({ requestedBackend: request.backend, resources }, version, at.backends);
  const { backend } = placement;
  const source = (backend && sourceFor(version.source, backend.capabilities)) ?? version.source;
  const workload = workloadOf(
    {
      id: runId,
      name: request.name ?? 'run',
      owner: actor.subject,
      arguments: accepted.arguments,
      seed,
      resources,
    },
    { number: 1 },
    module,
    { source },
    await inputsOf(at, data.id, split.id),
    checkpoint,
  );
  return planPlacement(at, sites, actor, {
    wish: { kind: 'JOB', source: version.source, resources, requestedBackend: request.backend },
    chosen: backend,
    wanted: { kind: 'JOB', workload },
    key: attemptKey(runId, 1),
    told: { arguments: accepted.arguments, seed },
  });
}

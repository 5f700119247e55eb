import type { Actor } from '../../domain/actor.ts';
import { newId } from '../../domain/ids.ts';
import { checkIdempotencyKey } from '../once.ts';
import { planPlacement, type PlacementPlan } from '../sites/plan.ts';
import type { Sites } from '../sites/sites.ts';
import type { Surroundings } from '../surroundings.ts';
import { acceptDeployment } from './accept-deployment.ts';
import type { CreateDeployment } from './requests.ts';
import type { ModuleVersions } from './served.ts';
import { serviceWorkloadOf } from './service-workload.ts';

const zero = (): number => 0;

/**
 * The dry run of `createDeployment`: the same findings about the input, then where it would go and why, and what would be
 * sent there. Nothing is written or dispatched. Ids are of zeros: a plan of the same input is the same text.
 */
export async function planDeployment(
  at: Surroundings,
  modules: ModuleVersions,
  sites: Sites,
  actor: Actor,
  request: CreateDeployment,
): Promise<PlacementPlan> {
  const { served, resources, backend } = await acceptDeployment(at, modules, actor, request);
  checkIdempotencyKey(request.idempotencyKey);
  const { version } = served;
  const module = await at.store.modules.get(version.moduleId);
  if (module === null) throw new Error(`The module of version ${version.id} is gone.`);
  const { name, replicas } = request;
  const id = newId('Deployment', 0, zero);
  const workload = serviceWorkloadOf(
    { id, name, owner: actor.subject, replicas, resources },
    { id: newId('Revision', 0, zero), number: 1 },
    module,
    served,
    backend,
  );
  return planPlacement(at, sites, actor, {
    wish: { kind: 'SERVICE', source: version.source, resources, requestedBackend: request.backend },
    chosen: backend,
    wanted: { kind: 'SERVICE', workload },
    key: newId('Endpoint', 0, zero),
    told: { arguments: null, seed: null },
  });
}

import type { Backend } from '../../backends/contract/backend.ts';
import type { Actor } from '../../domain/actor.ts';
import { FathomError } from '../../domain/errors.ts';
import { defaultResources, type Resources } from '../../domain/resources.ts';
import type { Surroundings } from '../surroundings.ts';
import { checkResources, together } from '../training/create-run.ts';
import { placeService } from './placement.ts';
import { checkName } from '../names.ts';
import { checkReplicas, type CreateDeployment } from './requests.ts';
import { type ModuleVersions, resolveServed, type Served } from './served.ts';

/** A request that can become a deployment: everything resolved, validated, filled in and placed. */
export interface AcceptableDeployment {
  readonly served: Served;
  readonly resources: Resources;
  readonly backend: Backend;
}

/** Judges a request. Rejects with every finding about the input at once; writes nothing. */
export async function acceptDeployment(
  at: Surroundings,
  modules: ModuleVersions,
  actor: Actor,
  request: CreateDeployment,
): Promise<AcceptableDeployment> {
  const [served] = await together(
    resolveServed(at, modules, actor, request),
    checkName(request.name),
    checkReplicas(request.replicas),
    checkNodes(request.resources.nodes ?? 1),
    ...checkResources({ ...defaultResources, ...request.resources }).map((error) =>
      Promise.reject(error),
    ),
  );
  const { version } = served;
  const resources = { ...version.resources.inference, ...request.resources };
  const wish = { backend: request.backend, resources };
  return { served, resources, backend: placeService(wish, version.source, at.backends) };
}

async function checkNodes(nodes: number): Promise<void> {
  if (nodes === 1) return;
  const message = 'A server runs on one node: ask for more servers with `replicas`.';
  throw new FathomError('INVALID_ARGUMENT', message, { path: ['resources', 'nodes'] });
}

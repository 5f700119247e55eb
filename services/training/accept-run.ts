import type { Actor } from '../../domain/actor.ts';
import type { DatasetVersion, Split } from '../../domain/dataset.ts';
import { FathomError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ModuleVersion } from '../../domain/module.ts';
import { defaultResources, type Resources } from '../../domain/resources.ts';
import type { Artifact } from '../../domain/training-run.ts';
import type { Datasets } from '../datasets/datasets.ts';
import type { ModuleCatalogue } from '../modules/module-catalogue.ts';
import { validateArguments } from '../modules/validate-arguments.ts';
import { misfit, unfit, unknownBackend, whatToDo } from '../sites/fit.ts';
import type { Surroundings } from '../surroundings.ts';
import { checkName } from '../names.ts';
import { checkpointFor, checkResources, type CreateTrainingRun, together } from './create-run.ts';

/** What of other services is needed to judge a request. */
export interface RunSources {
  readonly modules: Pick<ModuleCatalogue, 'resolveVersion'>;
  readonly datasets: Pick<Datasets, 'resolveVersion' | 'splitFor'>;
}

/** A request that can become runs: everything resolved, validated and filled in. */
export interface Acceptable<Arguments> {
  readonly version: ModuleVersion;
  readonly data: DatasetVersion;
  readonly split: Split;
  readonly arguments: Arguments;
  readonly checkpoint: Artifact | null;
  readonly resources: Resources;
  readonly seed: number;
}

/** Judges a request. Rejects with every finding about the input at once; writes nothing. */
export function acceptRun(
  at: Surroundings,
  sources: RunSources,
  actor: Actor,
  request: CreateTrainingRun,
): Promise<Acceptable<JsonObject>> {
  return accept(at, sources, actor, request, {
    arguments: (schema) => validateArguments(schema, request.arguments, ['arguments']),
    rest: () => checkName(request.name),
  });
}

/** What is judged of a request in a way of its own. Both may throw or reject with findings. */
export interface Judge<Arguments> {
  arguments(schema: JsonObject, seed: number): Arguments;
  rest(): Promise<unknown>;
}

/** The same for whoever makes something else of the arguments. */
export async function accept<Arguments>(
  at: Surroundings,
  { modules, datasets }: RunSources,
  actor: Actor,
  request: CreateTrainingRun,
  judge: Judge<Arguments>,
): Promise<Acceptable<Arguments>> {
  const [version, data] = await together(
    modules.resolveVersion(actor, request.moduleVersionId, ['moduleVersionId']),
    datasets.resolveVersion(actor, request.datasetVersionId, ['datasetVersionId']),
  );
  const schema = version.trainSchema;
  if (schema === null) {
    throw new FathomError('INVALID_ARGUMENT', 'This module cannot be trained; it only predicts.', {
      path: ['moduleVersionId'],
    });
  }
  const resources = { ...defaultResources, ...version.resources.training, ...request.resources };
  const seed = request.seed ?? Math.floor(at.ambient.random() * 2 ** 31);
  const [split, values, checkpoint] = await together(
    datasets.splitFor(actor, data, request.splitId, ['splitId']),
    (async () => judge.arguments(schema, seed))(),
    checkpointFor(at, actor, request.resumeFrom, version),
    ...checkResources(resources).map((error) => Promise.reject(error)),
    checkBackend(at, request.backend, version, resources),
    checkSeed(request.seed),
    judge.rest(),
  );
  return { version, data, split, arguments: values, checkpoint, resources, seed };
}

/** One asked for by name must exist and be able to; without a name a run may wait for one that can. */
async function checkBackend(
  { backends }: Pick<Surroundings, 'backends'>,
  name: string | null,
  { source }: ModuleVersion,
  resources: Resources,
): Promise<void> {
  const wish = { kind: 'JOB', source, resources } as const;
  if (name === null) {
    const reasons = backends.all().map((backend) => misfit(wish, backend));
    // Accelerators may be added to a site; a site that takes one node only will not take two tomorrow.
    const lacksNodes = reasons.some((reason) => reason?.path.at(-1) === 'nodes');
    if (!lacksNodes || reasons.includes(null)) return;
    const message = `No backend here runs several nodes. ${whatToDo(wish, [], backends)}`;
    throw new FathomError('UNSUPPORTED', message, { path: ['resources', 'nodes'] });
  }
  const backend = backends.get(name);
  if (backend === null) throw unknownBackend(name, backends);
  const reason = misfit(wish, backend);
  if (reason !== null) throw unfit(wish, backend, reason, backends);
}

async function checkSeed(seed: number | null): Promise<void> {
  if (seed === null || (Number.isSafeInteger(seed) && seed >= 0)) return;
  throw new FathomError('INVALID_ARGUMENT', 'The seed is a whole number from 0 on.', {
    path: ['seed'],
  });
}

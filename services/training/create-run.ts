import type { Actor } from '../../domain/actor.ts';
import { FathomError, InvalidInputError } from '../../domain/errors.ts';
import type { Id } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { type Resources, resourceLimits } from '../../domain/resources.ts';
import type { Artifact } from '../../domain/training-run.ts';
import type { ModuleVersion } from '../../domain/module.ts';
import type { Surroundings } from '../surroundings.ts';
import { idOf, visible } from '../visible.ts';

/** What a person gives; ids as text, resources already filled in from the module's and the general defaults. */
export interface CreateTrainingRun {
  readonly name: string | null;
  readonly moduleVersionId: string;
  readonly datasetVersionId: string;
  readonly splitId: string | null;
  readonly arguments: JsonObject;
  readonly seed: number | null;
  readonly resources: Partial<Resources>;
  readonly backend: string | null;
  readonly resumeFrom: string | null;
  readonly idempotencyKey: string | null;
}

/** Findings about resources, each with its path. */
export function checkResources(resources: Resources): readonly FathomError[] {
  const errors: FathomError[] = [];
  const check = (
    value: number,
    limit: { readonly minimum: number; readonly maximum: number },
    path: readonly string[],
  ) => {
    if (value < limit.minimum || value > limit.maximum) {
      const name = path.at(-1) ?? '';
      errors.push(
        new FathomError(
          'INVALID_ARGUMENT',
          `${name} is between ${limit.minimum} and ${limit.maximum}; you gave ${value}.`,
          { path: ['resources', ...path] },
        ),
      );
    }
  };
  check(resources.cpus, resourceLimits.cpus, ['cpus']);
  check(resources.memoryMiB, resourceLimits.memoryMiB, ['memoryMiB']);
  check(resources.timeLimitSeconds, resourceLimits.timeLimitSeconds, ['timeLimitSeconds']);
  check(resources.nodes ?? 1, resourceLimits.nodes, ['nodes']);
  if (resources.gpus !== null)
    check(resources.gpus.count, resourceLimits.gpuCount, ['gpus', 'count']);
  return errors;
}

/** The checkpoint to go on from: one the actor may see, made by the same module. */
export async function checkpointFor(
  at: Surroundings,
  actor: Actor,
  text: string | null,
  version: ModuleVersion,
): Promise<Artifact | null> {
  if (text === null) return null;
  const path = ['resumeFrom'];
  const id: Id<'Artifact'> = idOf('Artifact', text, path);
  const artifact = visible(actor, await at.store.artifacts.get(id), 'Artifact', id, path);
  if (artifact.kind !== 'CHECKPOINT') {
    throw new FathomError('INVALID_ARGUMENT', `${id} is a ${artifact.kind}, not a CHECKPOINT.`, {
      path,
    });
  }
  const madeBy = await at.store.moduleVersions.get(artifact.lineage.moduleVersionId);
  if (madeBy?.moduleId !== version.moduleId) {
    throw new FathomError('INVALID_ARGUMENT', `${id} was made by another module.`, { path });
  }
  return artifact;
}

/** Runs the checks and throws all that they find together. */
export async function together<T extends readonly unknown[]>(
  ...checks: { readonly [K in keyof T]: Promise<T[K]> }
): Promise<T> {
  const results = await Promise.allSettled(checks);
  const errors: FathomError[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    const { reason } = result;
    if (reason instanceof InvalidInputError) errors.push(...reason.errors);
    else if (reason instanceof FathomError) errors.push(reason);
    else throw reason;
  }
  if (errors.length > 0) throw new InvalidInputError(errors);
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : null,
  ) as unknown as T;
}

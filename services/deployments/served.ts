import type { Actor } from '../../domain/actor.ts';
import { FathomError } from '../../domain/errors.ts';
import type { ModuleVersion } from '../../domain/module.ts';
import type { Artifact } from '../../domain/training-run.ts';
import type { Surroundings } from '../surroundings.ts';
import { idOf, visible } from '../visible.ts';

/** What of the catalogue is needed here. */
export interface ModuleVersions {
  /** Rejects with BAD_ID or NOT_FOUND at `path`. */
  resolveVersion(actor: Actor, id: string, path: readonly string[]): Promise<ModuleVersion>;
}

/** What a revision serves: a module version, with a trained artifact or with the weights it ships. */
export interface Served {
  readonly version: ModuleVersion;
  readonly artifact: Artifact | null;
}

/** Resolves exactly one of the two ids; an artifact brings the module version that made it. */
export async function resolveServed(
  at: Surroundings,
  modules: ModuleVersions,
  actor: Actor,
  given: { readonly moduleVersionId: string | null; readonly artifactId: string | null },
): Promise<Served> {
  const { moduleVersionId, artifactId } = given;
  if ((moduleVersionId === null) === (artifactId === null)) {
    throw new FathomError(
      'INVALID_ARGUMENT',
      'Give exactly one of `moduleVersionId` and `artifactId`: an artifact knows its module version.',
      { path: [moduleVersionId === null ? 'moduleVersionId' : 'artifactId'] },
    );
  }
  if (artifactId !== null) return ofArtifact(at, actor, artifactId);
  const path = ['moduleVersionId'];
  const version = await modules.resolveVersion(actor, moduleVersionId ?? '', path);
  if (!version.pretrained) {
    throw new FathomError(
      'INVALID_ARGUMENT',
      'This module version ships no trained weights: train it with createTrainingRun, then deploy the MODEL artifact of the run (artifactId).',
      { path },
    );
  }
  return { version, artifact: null };
}

async function ofArtifact(at: Surroundings, actor: Actor, text: string): Promise<Served> {
  const path = ['artifactId'];
  const id = idOf('Artifact', text, path);
  const artifact = visible(actor, await at.store.artifacts.get(id), 'Artifact', id, path);
  if (artifact.kind !== 'MODEL') {
    throw new FathomError(
      'INVALID_ARGUMENT',
      `${id} is a ${artifact.kind}; only a MODEL artifact can be served.`,
      { path },
    );
  }
  // What made an artifact that one may see is not hidden: the lineage names it anyway.
  const version = await at.store.moduleVersions.get(artifact.lineage.moduleVersionId);
  if (version === null) throw new Error(`The module version that made ${id} is gone.`);
  return { version, artifact };
}

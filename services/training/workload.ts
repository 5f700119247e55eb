import type { InputFile, JobWorkload } from '../../backends/contract/workload.ts';
import type { Artifact, Attempt, TrainingRun } from '../../domain/training-run.ts';
import type { Module, ModuleVersion } from '../../domain/module.ts';
import type { JsonObject } from '../../domain/json.ts';

/** The run as a backend is given it: data and description in a folder, results expected under `out/`. */
export function workloadOf(
  run: Pick<
    TrainingRun,
    'id' | 'name' | 'owner' | 'arguments' | 'seed' | 'resources' | 'traceparent'
  >,
  attempt: Pick<Attempt, 'number'>,
  module: Pick<Module, 'slug'>,
  version: Pick<ModuleVersion, 'source'>,
  data: { readonly description: JsonObject; readonly files: readonly InputFile[] },
  checkpoint: Artifact | null,
): JobWorkload {
  const resume = checkpoint === null ? [] : checkpointFiles(checkpoint);
  const description = {
    module: module.slug,
    arguments: run.arguments,
    seed: run.seed,
    data: data.description,
    resume: checkpoint === null ? null : resumeFolder,
  };
  return {
    title: run.name,
    program: {
      kind: 'MODULE',
      module: { slug: module.slug, source: version.source },
      operation: 'train',
    },
    environment: {
      FATHOM_RUN_ID: run.id,
      FATHOM_ATTEMPT: String(attempt.number),
      // As it was stored, so that a submit that is repeated says the same.
      ...(run.traceparent == null ? {} : { TRACEPARENT: run.traceparent }),
    },
    secrets: {},
    inputs: [
      { path: 'workload.json', content: { kind: 'TEXT', text: JSON.stringify(description) } },
      ...data.files,
      ...resume,
    ],
    resources: run.resources,
    labels: { run: run.id, attempt: String(attempt.number), owner: run.owner },
  };
}

const resumeFolder = 'resume';

function checkpointFiles(checkpoint: Artifact): readonly InputFile[] {
  return checkpoint.files.map((file) => ({
    path: `${resumeFolder}/${file.path}`,
    content: { kind: 'BLOB', sha256: file.sha256, bytes: file.bytes, url: null },
  }));
}

import type { Backend } from '../../backends/contract/backend.ts';
import type { ServiceWorkload } from '../../backends/contract/workload.ts';
import type { Deployment, Revision } from '../../domain/deployment.ts';
import type { Module } from '../../domain/module.ts';
import { sourceFor } from '../sites/fit.ts';
import type { Served } from './served.ts';

const artifactFolder = 'artifact';

/** A revision as a backend is given it: servers of the module, each with the trained artifact or none. */
export function serviceWorkloadOf(
  deployment: Pick<Deployment, 'id' | 'name' | 'owner' | 'replicas' | 'resources'>,
  revision: Pick<Revision, 'id' | 'number'>,
  module: Pick<Module, 'slug'>,
  { version, artifact }: Served,
  backend: Pick<Backend, 'capabilities'>,
): ServiceWorkload {
  return {
    title: `${deployment.name} · revision ${revision.number}`,
    program: {
      kind: 'MODULE',
      module: {
        slug: module.slug,
        source: sourceFor(version.source, backend.capabilities) ?? version.source,
      },
      operation: 'serve',
    },
    environment: { FATHOM_DEPLOYMENT_ID: deployment.id, FATHOM_REVISION: String(revision.number) },
    secrets: {},
    inputs: (artifact?.files ?? []).map((file) => ({
      path: `${artifactFolder}/${file.path}`,
      content: { kind: 'BLOB', sha256: file.sha256, bytes: file.bytes, url: null },
    })),
    resources: deployment.resources,
    labels: { deployment: deployment.id, revision: revision.id, owner: deployment.owner },
    replicas: deployment.replicas,
    artifactFolder: artifact === null ? null : artifactFolder,
  };
}

import type { Deployment, Endpoint, Revision } from '../../domain/deployment.ts';
import { childPages } from '../child-pages.ts';
import type { Batch } from '../context.ts';

export const deploymentById: Batch<string, Deployment | null> = {
  load: (ids, { actor, services }) => services.deployments.getMany(actor, ids),
};

export const revisionById: Batch<string, Revision | null> = {
  load: (ids, { actor, services }) => services.deployments.revisions(actor, ids),
};

export const endpointById: Batch<string, Endpoint | null> = {
  load: (ids, { actor, services }) => services.deployments.endpoints(actor, ids),
};

export const revisionsOfDeployment = childPages<Revision>({
  pages: ({ services }, parents, page) => services.deployments.revisionsOf(parents, page),
  counts: ({ services }, parents) => services.deployments.revisionCounts(parents),
});

export const deploymentsOf = {
  moduleVersionId: deploymentsBy('moduleVersionId'),
  artifactId: deploymentsBy('artifactId'),
} as const;

function deploymentsBy(column: 'moduleVersionId' | 'artifactId') {
  return childPages<Deployment>({
    pages: ({ actor, services }, parents, page) =>
      services.deployments.pageEach(actor, column, parents, page),
    counts: ({ actor, services }, parents) =>
      services.deployments.countEach(actor, column, parents),
  });
}

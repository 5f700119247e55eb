import type { PageRequest } from '../../domain/page.ts';
import type { Artifact, Attempt, TrainingRun } from '../../domain/training-run.ts';
import { connection } from '../connection.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import type { Batch, GraphContext } from '../context.ts';

export const runById: Batch<string, TrainingRun | null> = {
  load: (ids, { actor, services }) => services.trainingRuns.getMany(actor, ids),
};

export const artifactById: Batch<string, Artifact | null> = {
  load: (ids, { actor, services }) => services.trainingRuns.artifacts(actor, ids),
};

export const attemptById: Batch<string, Attempt | null> = {
  load: (ids, { actor, services }) => services.trainingRuns.attempts(actor, ids),
};

export const attemptsOfRun: Batch<string, readonly Attempt[]> = {
  load: async (runIds, { services }) => {
    const found = await services.trainingRuns.attemptsOf(runIds);
    return runIds.map((id) => found.get(id) ?? []);
  },
};

interface ChildKey {
  readonly parent: string;
  readonly page: PageRequest;
}

const childKey = ({ parent, page }: ChildKey) => `${parent} ${JSON.stringify(page)}`;

const artifactCount: Batch<string, number> = {
  load: async (ids, { actor, services }) => {
    const counts = await services.trainingRuns.artifactCounts(actor, ids);
    return ids.map((id) => counts.get(id) ?? 0);
  },
};

export const artifactsOfRun: Batch<ChildKey, Connection<Artifact>> = {
  cacheKey: childKey,
  load: (keys, context) =>
    pagesEach(
      keys,
      (parents, page) => context.services.trainingRuns.artifactsOf(context.actor, parents, page),
      (parent) => context.load(artifactCount, parent),
    ),
};

const runCounts = {
  moduleVersionId: countBatch('moduleVersionId'),
  datasetVersionId: countBatch('datasetVersionId'),
} as const;

export const runsOf = {
  moduleVersionId: runBatch('moduleVersionId'),
  datasetVersionId: runBatch('datasetVersionId'),
} as const;

function countBatch(column: 'moduleVersionId' | 'datasetVersionId'): Batch<string, number> {
  return {
    load: async (ids, { actor, services }) => {
      const counts = await services.trainingRuns.countEach(actor, column, ids);
      return ids.map((id) => counts.get(id) ?? 0);
    },
  };
}

function runBatch(
  column: 'moduleVersionId' | 'datasetVersionId',
): Batch<ChildKey, Connection<TrainingRun>> {
  return {
    cacheKey: childKey,
    load: (keys, context: GraphContext) =>
      pagesEach(
        keys,
        (parents, page) =>
          context.services.trainingRuns.pageEach(context.actor, column, parents, page),
        (parent) => context.load(runCounts[column], parent),
      ),
  };
}

/** One call for each distinct page request, whatever the number of parents. */
async function pagesEach<T>(
  keys: readonly ChildKey[],
  load: (
    parents: readonly string[],
    page: PageRequest,
  ) => Promise<ReadonlyMap<string, Parameters<typeof connection<T>>[0]>>,
  count: (parent: string) => Promise<number>,
): Promise<readonly Connection<T>[]> {
  const groups = Map.groupBy(keys, (key) => JSON.stringify(key.page));
  const pages = new Map<string, Connection<T>>();
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const page = group[0]?.page ?? {};
      const found = await load(
        group.map((key) => key.parent),
        page,
      );
      for (const key of group) {
        const items = found.get(key.parent) ?? {
          items: [],
          hasNextPage: false,
          hasPreviousPage: false,
        };
        pages.set(
          childKey(key),
          connection(items, () => count(key.parent)),
        );
      }
    }),
  );
  return keys.map((key) => pages.get(childKey(key)) as Connection<T>);
}

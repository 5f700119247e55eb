import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { limits } from '../../../gateway/limits.ts';
import { createContext } from '../../../resolvers/context.ts';
import { errorMapper } from '../../../server/errors.ts';
import { buildSubgraphs } from '../../../server/graph.ts';
import { type Graphs, graphsOf, type Mode, type Sample } from '../gateway/differential.ts';
import {
  clientOperations,
  type CorpusOperation,
  corpusOperations,
  rootFieldsOfTheApi,
} from './corpus.ts';
import { type Seeded, seededInstallation } from './seeded.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

/** What is another thing each time it is asked for, whoever answers. */
const volatile: readonly (readonly [RegExp, string])[] = [
  [/"checkedAt":"[^"]*"/g, '"checkedAt":"…"'],
  // A signed link stays the same for a quarter of an hour, which may end between two answers.
  [/\?token=[\w.-]+/g, '?token=…'],
];
/** And of one prediction, which is made anew by each call. */
const ofAPrediction: readonly (readonly [RegExp, string])[] = [
  [/"id":"pred_[^"]*"/g, '"id":"…"'],
  [/"(moduleMs|totalMs)":\d+/g, '"$1":0'],
];

const corpus = await corpusOperations();
const client = await clientOperations();

describe('the five subgraphs, merged, planned in process and planned remotely', () => {
  let seeded: Seeded;
  let graphs: Graphs;

  beforeAll(async () => {
    seeded = await seededInstallation();
    const { services } = seeded.installation;
    graphs = await graphsOf({
      subgraphs: buildSubgraphs(),
      contextFor: (incoming) => createContext(localOwner, incoming.requestId, services),
      errorFor: errorMapper((level, message, details) => {
        throw new Error(`${level}: ${message} ${JSON.stringify(details)}`);
      }),
    });
  });
  afterAll(async () => {
    await graphs.close();
    await seeded.close();
  });

  it('are asked for every field of Query, Mutation and Subscription', async () => {
    const asked = new Set(corpus.flatMap(({ rootFields }) => rootFields));
    expect((await rootFieldsOfTheApi()).filter((field) => !asked.has(field))).toEqual([]);
    expect(corpus.length).toBeGreaterThan(40);
  });

  it.each(corpus)('give the same bytes for $name', async (operation) => {
    const sample = { ...operation, variables: pick(operation.variables, seeded.values) };
    const answers = await answersTo(sample, operation.root === 'Query', operation.rootFields);
    expect(answers.filter(([, bytes]) => bytes !== answers[0]?.[1])).toEqual([]);
    expect(answers[0]?.[1]).not.toMatch(/INTERNAL|^refused/u);
  });

  it('are asked by each operation as often as calls.txt says', async () => {
    const lines: string[] = [];
    for (const operation of [...corpus, ...client].filter(({ root }) => root === 'Query')) {
      const picked = pick(operation.variables, seeded.values);
      const variables = corpus.includes(operation)
        ? picked
        : { ...variablesOf(operation, seeded.values) };
      graphs.calls();
      await graphs.answerOf('planned remotely', { ...operation, variables });
      lines.push(`${operation.name}: ${graphs.calls().join(' ')}`);
    }
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('calls.txt');
  });

  it.each(client)('give the same bytes for $name of the generated client', async (operation) => {
    const variables = { ...variablesOf(operation, seeded.values) };
    const sample = { name: operation.name, query: operation.query, variables };
    const answers = await answersTo(sample, operation.root === 'Query', operation.rootFields);
    expect(answers.filter(([, bytes]) => bytes !== answers[0]?.[1])).toEqual([]);
    // It was really answered: neither refused whole nor empty.
    expect(answers[0]?.[1]).toMatch(/^\{"data":\{/u);
  });

  /** By mode; of a query also of its compiled form. */
  async function answersTo(
    sample: Sample,
    isQuery: boolean,
    rootFields: readonly string[],
  ): Promise<readonly (readonly [Mode, string])[]> {
    const answers: [Mode, string][] = [];
    const isPrediction = rootFields.includes('Mutation.predict');
    const replaced = isPrediction ? [...volatile, ...ofAPrediction] : volatile;
    for (const mode of graphs.executors.keys()) {
      const runs = isQuery && mode === 'merged' ? limits.runsBeforeCompiling + 2 : 1;
      for (let run = 1; run <= runs; run += 1) {
        const bytes = await graphs.answerOf(mode, sample);
        answers.push([mode, replaced.reduce((text, [what, by]) => text.replace(what, by), bytes)]);
      }
    }
    return answers;
  }
});

function pick(names: readonly string[], values: Seeded['values']): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => name in values).map((name) => [name, values[name]]),
  );
}

/** The client's operations name their variables for their place in the API, so each is told what they stand for. */
function variablesOf({ name }: CorpusOperation, values: Seeded['values']): Record<string, unknown> {
  const features = values['features'];
  // So little that no plan warns of a machine that is busy with other tests.
  const small = { resources: { cpus: 0.1, memoryMiB: 64 } };
  const all: Readonly<Record<string, Record<string, unknown>>> = {
    SearchCatalogue: { search: 'classifier', facets: ['TASK'], first: 2 },
    Module: { slug: 'tabular-classifier' },
    Datasets: { first: 2 },
    Dataset: { id: values['datasetId'] },
    DatasetVersion: { id: values['datasetVersionId'] },
    CreateDataset: { input: { name: 'by-the-client', idempotencyKey: 'client-1' } },
    CreateUploads: {
      input: {
        datasetId: values['ownDatasetId'],
        idempotencyKey: 'client-2',
        files: [{ path: 'd.csv', bytes: 1, sha256: '0'.repeat(64) }],
      },
    },
    Upload: { id: values['uploadId'] },
    CreateDatasetVersion: { input: { datasetId: values['ownDatasetId'], format: 'FILES' } },
    CreateDeployment: {
      input: {
        name: 'client',
        artifactId: values['artifactId'],
        idempotencyKey: 'client-3',
      },
    },
    PlanDeployment: { input: { name: 'client', artifactId: values['artifactId'], ...small } },
    UpdateDeployment: { input: { id: values['deploymentId'], expectedVersion: 9999 } },
    DeleteDeployment: { input: { id: values['goneDeploymentId'] } },
    Deployment: { id: values['deploymentId'] },
    Deployments: { first: 3 },
    DeploymentEvents: { id: values['goneDeploymentId'] },
    Predict: { input: { deploymentId: values['deploymentId'], arguments: { features } } },
    CreateTrainingRun: {
      input: {
        moduleVersionId: values['moduleVersionId'],
        datasetVersionId: values['datasetVersionId'],
        idempotencyKey: 'client-4',
      },
    },
    PlanTrainingRun: {
      input: {
        moduleVersionId: values['moduleVersionId'],
        datasetVersionId: values['datasetVersionId'],
        seed: 5,
        ...small,
      },
    },
    CreateSweep: {
      input: {
        moduleVersionId: values['moduleVersionId'],
        datasetVersionId: values['datasetVersionId'],
        strategy: 'GRID',
        parameters: [{ argument: 'epochs', values: [1, 2] }],
        objective: { metric: 'testAccuracy', goal: 'MAXIMIZE' },
        idempotencyKey: 'client-5',
      },
    },
    CancelSweep: { input: { id: values['sweepId'] } },
    Sweep: { id: values['sweepId'] },
    Sweeps: { first: 2, orderBy: { field: 'NUMBER', direction: 'ASC' } },
    SweepEvents: { id: values['sweepId'] },
    CancelTrainingRun: { input: { id: values['runId'] } },
    TrainingRun: { id: values['runId'] },
    TrainingRuns: { first: 2, orderBy: { field: 'NUMBER', direction: 'ASC' } },
    TrainingRunLogPage: { id: values['runId'], first: 5 },
    Artifact: { id: values['artifactId'] },
    Backends: {},
    TrainingRunEvents: { id: values['runId'] },
    TrainingRunLog: { id: values['runId'] },
    TrainingRunMetrics: { id: values['runId'] },
  };
  const found = all[name];
  if (found === undefined) throw new Error(`Say here with which variables ${name} is asked.`);
  return found;
}

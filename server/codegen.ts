// `npm run codegen`: everything that is derived from the code, written into the repository.
import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'graphql';
import { format, resolveConfig } from 'prettier';
import { writeDerived } from '../codegen/derived-files.ts';
import { errorClasses } from '../codegen/error-classes.ts';
import { sortedSdl } from '../codegen/sorted-sdl.ts';
import {
  errorsTable,
  limitsTable,
  statesTable,
  waitingTable,
  withTables,
} from '../codegen/tables.ts';
import { typedDocuments } from '../codegen/typed-documents.ts';
import { uploadStates } from '../domain/dataset.ts';
import { deploymentStates, endpointStates } from '../domain/deployment.ts';
import { sweepStates } from '../domain/sweep.ts';
import { sweepLimits } from '../domain/sweep-parameters.ts';
import { attemptStates, trainingRunStates } from '../domain/training-run.ts';
import { compose } from '../gateway/composition.ts';
import { limits } from '../gateway/limits.ts';
import { datasetLimits } from '../services/datasets/limits.ts';
import { predictLimits } from '../services/inference/predict-request.ts';
import { dataPlaneLimits } from './data-plane/data-plane.ts';
import { buildSubgraphs } from './graph.ts';

const root = resolve(import.meta.dirname, '..');
const snapshots = 'schema/snapshots';
const generated = 'codegen/client/generated';

const start = performance.now();
const subgraphs = buildSubgraphs();
const { supergraphSdl, publicSdl, hints } = compose(subgraphs);
if (hints.length > 0) {
  throw new Error(`The subgraphs disagree:\n${hints.map((hint) => `  ${hint}`).join('\n')}`);
}
const files = new Map([
  ...schemas(),
  ...(await typedDocuments({
    schema: publicSdl,
    operations: join(root, 'codegen/operations/*.graphql'),
    folder: `${generated}/`,
  })),
  ...(await classes()),
  ...(await docs()),
]);
const touched = await writeDerived(root, files, [snapshots, generated]);
for (const path of touched) console.log(path);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`codegen: ${files.size} files, ${touched.length} changed, ${seconds} s`);

/** SDL of each subgraph, of the supergraph and of the public API. */
function schemas(): ReadonlyMap<string, string> {
  return new Map([
    ...subgraphs.map(
      ({ name, typeDefs }) => [`${snapshots}/${name}.graphql`, sortedSdl(typeDefs)] as const,
    ),
    [`${snapshots}/supergraph.graphql`, sortedSdl(parse(supergraphSdl))],
    [`${snapshots}/api.graphql`, sortedSdl(parse(publicSdl))],
  ]);
}

async function classes(): Promise<ReadonlyMap<string, string>> {
  const path = `${generated}/error-classes.ts`;
  return new Map([[path, await formatted(path, errorClasses())]]);
}

async function docs(): Promise<ReadonlyMap<string, string>> {
  const source = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
  const pages = {
    'docs/errors.md': { errors: errorsTable() },
    'docs/reference/states.md': {
      trainingRun: statesTable(trainingRunStates),
      attempt: statesTable(attemptStates),
      sweep: statesTable(sweepStates),
      deployment: statesTable(deploymentStates),
      endpoint: statesTable(endpointStates),
      upload: statesTable(uploadStates),
      waiting: waitingTable(),
    },
    'docs/reference/limits.md': {
      edge: limitsTable(limits, await source('gateway/limits.ts')),
      datasets: limitsTable(datasetLimits, await source('services/datasets/limits.ts')),
      sweeps: limitsTable(sweepLimits, await source('domain/sweep-parameters.ts')),
      dataPlane: limitsTable(dataPlaneLimits, await source('server/data-plane/data-plane.ts')),
      predict: limitsTable(predictLimits, await source('services/inference/predict-request.ts')),
    },
  };
  const entries = Object.entries(pages).map(async ([path, tables]) => {
    const text = withTables(await source(path), tables);
    return [path, await formatted(path, text)] as const;
  });
  return new Map(await Promise.all(entries));
}

/** As `npm run format` would, or the check would find a difference in what nobody wrote. */
async function formatted(path: string, text: string): Promise<string> {
  const filepath = join(root, path);
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}

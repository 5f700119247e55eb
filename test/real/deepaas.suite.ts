import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../codegen/client/client.ts';
import { accepted } from '../../codegen/client/errors.ts';
import {
  CreateDeploymentDocument,
  CreateTrainingRunDocument,
  DeploymentEventsDocument,
  PredictDocument,
  TrainingRunDocument,
} from '../../codegen/client/generated/graphql.ts';
import * as iris from '../../modules/data/iris.ts';
import { startServer } from '../../server/demo/server-process.ts';
import { moduleServerContract } from '../contract/module-server.contract.ts';
import { contractDemo, startDeepaas } from '../contract/module-server-deepaas-process.ts';
import { startModuleServer } from '../contract/module-process.ts';
import { bring, moduleVersionOf } from '../e2e/thread/installation.ts';
import { countUp, follow, statesOf } from '../e2e/thread/run-streams.ts';
import { stockDeepaas } from './deepaas-stock.ts';
import { PythonEnvironment } from './python-environment.ts';
import { RealSlurm } from './slurm.ts';

const root = resolve(import.meta.dirname, '../..');
const flower = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };
const resources = { cpus: 0.5, memoryMiB: 1500 };

let environment: PythonEnvironment;

beforeAll(async () => {
  environment = await PythonEnvironment.create();
  console.log(environment.versions);
}, 600_000);
afterAll(() => environment.remove());

describe('deepaas itself', () => {
  moduleServerContract(
    'contract_demo by deepaas-run',
    () => startDeepaas(environment.deepaasRun, contractDemo.model),
    contractDemo,
  );
});

describe('a module in Python by our runtime', () => {
  moduleServerContract('iris_sklearn', () => startModuleServer(environment.module), {
    model: 'iris_sklearn',
    predict: texts(flower),
    invalid: { arguments: { petalWidth: 'wide' }, field: 'petalWidth' },
    upload: null,
    train: { epochs: '3' },
    maxBody: null,
    maySilence: true,
  });
});

stockDeepaas(() => environment.deepaasRun);

test('a module in Python ends with its runtime, however that ended, and takes its workers with it', async () => {
  const main = join(root, 'modules/runtime/main.ts');
  const args = [main, 'serve', '--module', environment.module];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('"type":"listening"')) break;
  }
  expect(processesOf(environment.folder).length).toBeGreaterThan(1);
  child.kill('SIGKILL');
  await expect.poll(() => processesOf(environment.folder), { timeout: 10_000 }).toEqual([]);
});

describe('a module in Python through the graph', { timeout: 180_000 }, () => {
  let slurm: RealSlurm | string;
  let client: Client;
  /** Of what was started, the last one first. */
  const atEnd: (() => unknown)[] = [];

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-deepaas-'));
    atEnd.unshift(() => rm(folder, { recursive: true, force: true }));
    const started = await RealSlurm.start().catch((error: Error) => error.message);
    slurm = started;
    if (typeof started === 'string') console.log(`Without Slurm: ${started}`);
    else atEnd.unshift(() => started.stop());
    const config = join(folder, 'fathom.config.json');
    const backends = [
      { name: 'local', type: 'local' },
      ...(typeof started === 'string' ? [] : [hpc(started)]),
    ];
    await writeFile(config, JSON.stringify({ backends }));
    const server = await startServer({
      root,
      stateFolder: join(folder, 'state'),
      port: 0,
      environment: {
        ...process.env,
        FATHOM_SEED: 'off',
        FATHOM_CONFIG: config,
        FATHOM_MODULES: environment.catalogue,
      },
    });
    atEnd.unshift(() => server.stop());
    client = createClient({ url: `${server.url}/graphql` });
    atEnd.unshift(() => client.close());
  }, 120_000);
  afterAll(async () => {
    for (const end of atEnd) await end();
  }, 60_000);

  const trainOn = async (backend: string): Promise<string> => {
    const moduleVersionId = await moduleVersionOf(client, 'iris-sklearn');
    const data = await bring(client, `flowers-for-${backend}`, 'CSV', await iris.files());
    const input = {
      moduleVersionId,
      datasetVersionId: data.id,
      seed: 3,
      arguments: { epochs: 8 },
      backend,
      resources,
    };
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, { input });
    const { id } = accepted(createTrainingRun, 'trainingRun');
    const { events, metrics, log } = await follow(client, id);
    const { trainingRun } = await client.run(TrainingRunDocument, { id });
    expect(trainingRun?.outcome).toMatchObject({ code: 'OK', exitCode: 0 });
    expect(statesOf(events).at(-1)).toBe('SUCCEEDED');
    const losses = metrics.filter(({ name }) => name === 'trainLoss');
    expect(losses.map(({ epoch }) => epoch)).toEqual(countUp(losses));
    expect(losses).toHaveLength(8);
    expect(log.map(({ text }) => text).join('\n')).toContain('Starting DEEPaaS');
    const accuracy = trainingRun?.metrics.find(({ name }) => name === 'testAccuracy')?.value;
    expect(accuracy).toBeGreaterThan(0.8);
    const model = trainingRun?.artifacts.nodes.find(({ kind }) => kind === 'MODEL');
    return model?.id ?? '';
  };

  const deploy = async (artifactId: string, name: string): Promise<string> => {
    const input = { name, artifactId, backend: 'local', resources };
    const { createDeployment } = await client.run(CreateDeploymentDocument, { input });
    const { id } = accepted(createDeployment, 'deployment');
    for await (const { deploymentEvents } of client.subscribe(DeploymentEventsDocument, { id })) {
      const { change } = deploymentEvents;
      if (change.__typename !== 'EndpointChanged') continue;
      if (change.to === 'FAILED') throw new Error(change.reason ?? 'it failed');
      if (change.to === 'WARM') break;
    }
    return id;
  };

  test('it is trained on local, told of as it goes, and its model is served warm', async () => {
    const artifactId = await trainOn('local');
    const deploymentId = await deploy(artifactId, 'flowers');
    const input = { deploymentId, arguments: flower };
    const { predict } = await client.run(PredictDocument, { input });
    const { output } = accepted(predict, 'prediction');
    expect(output).toMatchObject({ labels: ['setosa', 'versicolor', 'virginica'] });
  });

  test('it is trained on a real Slurm, and its model is served on local', async (context) => {
    if (typeof slurm === 'string') return context.skip(slurm);
    const deploymentId = await deploy(await trainOn('hpc'), 'flowers-from-slurm');
    const input = { deploymentId, arguments: flower };
    const { predict } = await client.run(PredictDocument, { input });
    expect(accepted(predict, 'prediction').output).toMatchObject({ labels: expect.any(Array) });
  });

  test('an argument that the module does not take is refused before anything runs', async () => {
    const moduleVersionId = await moduleVersionOf(client, 'iris-sklearn');
    const data = await bring(client, 'refused', 'CSV', await iris.files());
    const input = { moduleVersionId, datasetVersionId: data.id, arguments: { epochs: 0 } };
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, { input });
    expect(createTrainingRun.userErrors).toMatchObject([
      { code: 'INVALID_ARGUMENT', message: 'epochs must be at least 1; you gave 0.' },
    ]);
  });
});

/** What runs with the Python of that environment. */
function processesOf(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      return false;
    }
  });
}

function hpc(slurm: RealSlurm): object {
  return {
    name: 'hpc',
    type: 'slurm',
    settings: {
      transport: {
        kind: 'rest',
        url: slurm.restUrl,
        user: 'root',
        credentials: { keyFile: slurm.keyFile },
      },
      sharedFolder: `${slurm.folder}/shared`,
      runtime: [process.execPath, join(root, 'modules/runtime/main.ts')],
      pollMs: 200,
    },
  };
}

function texts(values: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

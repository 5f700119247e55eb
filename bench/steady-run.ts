import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './graph.ts';

const startsWithinMs = 60_000;
const endsWithinMs = 30_000;

/** A module that does nothing but print a progress line at a steady rate until it is told to stop. */
const moduleSource = `export const module = {
  name: 'steady',
  version: '1.0.0',
  predictArguments: {},
  trainArguments: {
    lines: { type: 'integer', description: 'How many lines.', default: 10, minimum: 1, maximum: 100000 },
    everyMs: { type: 'integer', description: 'Time between two.', default: 1000, minimum: 1, maximum: 60000 },
  },
  sample: null,
  weights: null,
  predictsWithoutWeights: false,
  load: () => Promise.reject(new Error('It cannot predict.')),
  async train({ values, report }) {
    report.phase('RUNNING');
    for (let line = 1; line <= values.lines; line++) {
      report.progress(line, values.lines, 'batch');
      await new Promise((resolve) => setTimeout(resolve, values.everyMs));
    }
    return { metrics: {}, labels: [] };
  },
};
`;

const metadata = {
  title: 'Steady',
  summary: 'Prints a line of progress at a steady rate.',
  description: ['Made for measuring.'],
  keywords: ['trainable'],
  license: 'Apache-2.0',
  date_creation: '2026-01-01',
  sources: {
    dockerfile_repo: 'https://fathom.example/modules/steady',
    docker_registry_repo: 'fathom/steady',
    code: 'https://fathom.example/modules/steady',
  },
};

/** Makes a folder of modules with the steady one in it; answers its path. */
export async function steadyModules(folder: string): Promise<string> {
  const modules = join(folder, 'steady-modules');
  const own = join(modules, 'steady');
  await mkdir(own, { recursive: true });
  await writeFile(join(own, 'module.ts'), moduleSource);
  await writeFile(join(own, 'metadata.json'), JSON.stringify(metadata));
  await writeFile(join(own, 'package.json'), JSON.stringify({ type: 'module' }));
  return modules;
}

export interface SteadyRun {
  readonly id: string;
  /** Cancels it and waits until it has ended. */
  end(): Promise<void>;
}

/** What a run of it is asked for with. */
export interface SteadyInput {
  readonly moduleVersionId: string | undefined;
  readonly datasetVersionId: string | undefined;
  readonly arguments: { readonly lines: number; readonly everyMs: number };
}

export async function steadyInput(url: string, everyMs: number): Promise<SteadyInput> {
  const found = await ask<{
    modules: { nodes: readonly { latestVersion: { id: string } }[] };
    datasets: { nodes: readonly { latestVersion: { id: string } | null }[] };
  }>(
    url,
    `{ modules(first: 1, search: "steady") { nodes { latestVersion { id } } }
       datasets(first: 1, filter: { search: "iris" }) { nodes { latestVersion { id } } } }`,
  );
  return {
    moduleVersionId: found.modules.nodes[0]?.latestVersion.id,
    datasetVersionId: found.datasets.nodes[0]?.latestVersion?.id,
    arguments: { lines: 100_000, everyMs },
  };
}

/** Answers the id of the run that was accepted. */
export async function createRun(url: string, input: object): Promise<string> {
  const { createTrainingRun } = await ask<{
    createTrainingRun: { trainingRun: { id: string } | null; userErrors: readonly unknown[] };
  }>(
    url,
    `mutation Start($input: CreateTrainingRunInput!) {
      createTrainingRun(input: $input) { trainingRun { id } userErrors { code message path } }
    }`,
    { input },
  );
  const { trainingRun, userErrors } = createTrainingRun;
  if (trainingRun === null) throw new Error(`not accepted: ${JSON.stringify(userErrors)}`);
  return trainingRun.id;
}

/** Starts a run that prints a line every `everyMs`, and waits for its first ones. */
export async function startSteadyRun(url: string, everyMs: number): Promise<SteadyRun> {
  const id = await createRun(url, await steadyInput(url, everyMs));
  const end = async () => {
    await ask(
      url,
      'mutation Cancel($input: CancelTrainingRunInput!) { cancelTrainingRun(input: $input) { userErrors { message } } }',
      { input: { id } },
    );
    await until(url, id, ({ finishedAt }) => finishedAt !== null, endsWithinMs);
  };
  try {
    await until(url, id, ({ progress }) => (progress?.done ?? 0) >= 2, startsWithinMs);
  } catch (error) {
    await end();
    throw error;
  }
  return { id, end };
}

interface Look {
  readonly state: string;
  readonly progress: { readonly done: number } | null;
  readonly finishedAt: string | null;
}

async function until(
  url: string,
  id: string,
  isDone: (look: Look) => boolean,
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const { trainingRun } = await ask<{ trainingRun: Look | null }>(
      url,
      'query Look($id: ID!) { trainingRun(id: $id) { state progress { done } finishedAt } }',
      { id },
    );
    if (trainingRun !== null && isDone(trainingRun)) return;
    if (trainingRun?.finishedAt != null || Date.now() > deadline) {
      throw new Error(`the run stands at ${JSON.stringify(trainingRun)}`);
    }
    await delay(100);
  }
}

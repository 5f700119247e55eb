// `npm run demo`: from the catalogue to a prediction, against a server of its own in a temporary folder.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '../../codegen/client/client.ts';
import * as digits from '../../modules/data/digits.ts';
import * as fashion from '../../modules/data/fashion.ts';
import { knownDataset, uploadDataset } from './bring-data.ts';
import { findModule } from './find-module.ts';
import { Screen } from './screen.ts';
import { predictAll, serve } from './serve.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import type { Stage } from './stage.ts';
import { percentile, rounded, Tally } from './tally.ts';
import { train, trainAndCancel } from './train.ts';

const longestEndMs = 15_000;
/** Small enough that everything that runs together fits on one core; more is taken when it is free. */
const resources = { cpus: 0.4 };
const screen = new Screen(process.stdout);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => interrupted.abort(new Error(`Interrupted by ${signal}.`)));
}
process.exitCode = await main().then(
  (result) => {
    console.log(JSON.stringify(result));
    return 0;
  },
  (error: unknown) => {
    screen.line('');
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return interrupted.signal.aborted ? 130 : 1;
  },
);

async function main(): Promise<object> {
  const { signal } = interrupted;
  const folder = await mkdtemp(join(tmpdir(), 'fathom-demo-'));
  const ends: ((limit: AbortSignal) => Promise<void>)[] = [];
  let server: ServerProcess | undefined;
  let client: Client | undefined;
  try {
    screen.line(`A server of its own, with its state in ${folder}`);
    server = await startServer({
      root: projectRoot(),
      stateFolder: join(folder, 'state'),
      port: 0,
      environment: process.env,
    });
    signal.throwIfAborted();
    void server.ended.then(() => interrupted.abort(new Error('The server ended.')));
    screen.line(`  ready at ${server.url}/graphql`);
    client = createClient({ url: `${server.url}/graphql` });
    const tally = new Tally();
    const atEnd: Stage['atEnd'] = (work) => ends.push(work);
    return await thread({ client, screen, tally, signal, atEnd });
  } finally {
    // The servers of modules outlive the server of the graph: that is their purpose, and not the demo's.
    const limit = AbortSignal.timeout(longestEndMs);
    await Promise.allSettled(ends.map((work) => work(limit)));
    client?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function thread(stage: Stage): Promise<object> {
  const { tally } = stage;
  screen.heading('1. Find a module');
  const { title, versionId: moduleVersionId } = await findModule(stage);

  screen.heading('2. Bring data: handwritten digits, as a new data set');
  const datasetVersionId = await uploadDataset(stage, 'demo-digits', await digits.files());

  screen.heading(`3. Train: ${title}, sixteen epochs`);
  const input = { moduleVersionId, datasetVersionId, seed: 7, resources };
  const trained = await train(stage, {
    ...input,
    arguments: { epochs: 16 },
    idempotencyKey: 'demo digits',
  });

  screen.heading('4. A second run, cancelled under way');
  await trainAndCancel(stage, {
    ...input,
    arguments: { epochs: 500 },
    idempotencyKey: 'demo cancelled',
  });

  screen.heading('5. Serve the trained model');
  const deploymentId = await serve(stage, 'demo-digits', trained.artifactId);

  screen.heading('6. Predict a hundred images that it has never seen');
  const { accuracy, latencies } = await predictAll(stage, deploymentId, await digits.heldOut(100));
  const figures = {
    firstPredictMs: rounded(latencies[0] ?? 0, 2),
    p50PredictMs: rounded(percentile(latencies, 0.5), 2),
    p99PredictMs: rounded(percentile(latencies, 0.99), 2),
  };
  screen.line(
    `  ${rounded(accuracy * 100, 1)} % right; first ${figures.firstPredictMs} ms, ` +
      `half within ${figures.p50PredictMs} ms, 99 of 100 within ${figures.p99PredictMs} ms`,
  );

  screen.heading('7. The same module on other data: clothing');
  const clothing = await train(stage, {
    moduleVersionId,
    datasetVersionId: await knownDataset(stage, fashion.name),
    seed: 7,
    resources,
    arguments: { epochs: 4 },
    idempotencyKey: 'demo fashion',
  });
  const second = await serve(stage, 'demo-fashion', clothing.artifactId);
  const seen = await predictAll(stage, second, await fashion.heldOut(20));
  screen.line(`  ${Math.round(seen.accuracy * 20)} of 20 right`);

  screen.heading(`${tally.events} events over all subscriptions, ${tally.gaps} gaps`);
  return {
    testAccuracy: rounded(trained.testAccuracy, 4),
    heldOutAccuracy: rounded(accuracy, 4),
    fashionTestAccuracy: rounded(clothing.testAccuracy, 4),
    ...figures,
    events: tally.events,
    gaps: tally.gaps,
  };
}

/** From the source or from the bundle: where the launcher lies. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'server', 'launch.mjs'))) {
    if (folder === dirname(folder)) throw new Error('The launcher of the server is not there.');
    folder = dirname(folder);
  }
  return folder;
}

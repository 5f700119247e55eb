import type { Client } from '../../codegen/client/client.ts';
import { accepted } from '../../codegen/client/errors.ts';
import {
  ArtifactDocument,
  CancelTrainingRunDocument,
  CreateTrainingRunDocument,
  type CreateTrainingRunInput,
  TrainingRunDocument,
  TrainingRunEventsDocument,
  TrainingRunLogDocument,
  TrainingRunMetricsDocument,
} from '../../codegen/client/generated/graphql.ts';
import { rounded } from './tally.ts';
import { found, type Stage } from './stage.ts';

export interface Trained {
  readonly artifactId: string;
  readonly testAccuracy: number;
}

/** Trains to the end, a line for each epoch as it comes, and says what came of it. */
export async function train(stage: Stage, input: CreateTrainingRunInput): Promise<Trained> {
  const { client, screen, signal } = stage;
  const id = await accept(stage, input);
  await Promise.all([watchEvents(stage, id), watchEpochs(stage, id), watchLog(stage, id)]);
  const { trainingRun } = await client.run(TrainingRunDocument, { id }, { signal });
  const run = found(trainingRun, 'The run is no longer there.');
  if (run.state !== 'SUCCEEDED') {
    throw new Error(`The run ended as ${run.state}: ${run.outcome?.message ?? 'no reason given'}`);
  }
  const model = found(
    run.artifacts.nodes.find(({ kind }) => kind === 'MODEL'),
    'The run succeeded and left no model.',
  );
  const { artifact } = await client.run(ArtifactDocument, { id: model.id }, { signal });
  const { lineage } = found(artifact, 'The model is not there.');
  const accuracy = run.metrics.find(({ name }) => name === 'testAccuracy')?.value;
  const testAccuracy = found(accuracy, 'The run reports no accuracy on the test examples.');
  screen.line(
    `  model of ${model.bytes.toLocaleString('en')} bytes, sha256 ${model.digest.slice(0, 12)}…, ` +
      `from ${lineage.moduleVersion.module.slug} ${lineage.moduleVersion.name}, ` +
      `${lineage.datasetVersion.dataset.name} v${lineage.datasetVersion.number}, seed ${lineage.seed}`,
  );
  screen.line(`  accuracy on the test examples: ${rounded(testAccuracy, 4)}`);
  return { artifactId: model.id, testAccuracy };
}

/** Starts a run, cancels it as soon as it has reported an epoch, and sees it end. */
export async function trainAndCancel(stage: Stage, input: CreateTrainingRunInput): Promise<void> {
  const { client, screen, tally, signal } = stage;
  const id = await accept(stage, input);
  const metrics = client.subscribe(TrainingRunMetricsDocument, { id }, { signal });
  for await (const { trainingRunMetrics: point } of metrics) {
    tally.see(`metrics ${id}`, point.offset);
    break;
  }
  const { cancelTrainingRun } = await client.run(
    CancelTrainingRunDocument,
    { input: { id } },
    { signal },
  );
  accepted(cancelTrainingRun, 'trainingRun');
  screen.line('  an epoch was reported: cancel');
  const last = await watchEvents(stage, id);
  if (last !== 'CANCELLED') throw new Error(`The cancelled run ended as ${last}.`);
}

async function accept(
  { client, screen, signal, atEnd }: Stage,
  input: CreateTrainingRunInput,
): Promise<string> {
  const { createTrainingRun } = await client.run(CreateTrainingRunDocument, { input }, { signal });
  const { id, number } = accepted(createTrainingRun, 'trainingRun');
  screen.line(`  run ${number} accepted: ${id}`);
  atEnd((limit) => endRun(client, id, limit));
  return id;
}

/** A run that has ended is answered as it is, and its stream completes at once. */
async function endRun(client: Client, id: string, signal: AbortSignal): Promise<void> {
  await client.run(CancelTrainingRunDocument, { input: { id } }, { signal });
  const events = client.subscribe(TrainingRunEventsDocument, { id }, { signal });
  for (let next = await events.next(); next.done !== true; next = await events.next());
}

/** Prints states; returns the last one. */
async function watchEvents({ client, screen, tally, signal }: Stage, id: string): Promise<string> {
  let state = 'QUEUED';
  let since: number | null = null;
  for await (const { trainingRunEvents: event } of client.subscribe(
    TrainingRunEventsDocument,
    { id },
    { signal },
  )) {
    tally.see(`events ${id}`, event.sequence);
    const { change } = event;
    const at = Date.parse(event.at);
    since ??= at;
    if (change.__typename === 'TrainingRunStateChanged') {
      state = change.to;
      const why = change.outcome?.message ?? change.reason;
      const seconds = ((at - since) / 1000).toFixed(1);
      screen.line(`  ${seconds.padStart(5)} s  ${state}${why === null ? '' : ` (${why})`}`);
    } else if (change.__typename === 'TrainingRunProgressed') {
      const { done, total, unit } = change.progress;
      screen.bar(done / total, `${unit} ${done}/${total}`);
    } else if (change.__typename === 'TrainingRunWaitingChanged' && change.waiting !== null) {
      screen.bar(0, change.waiting.message);
    }
  }
  return state;
}

/** A line for each epoch as soon as its loss and accuracy are there. */
async function watchEpochs({ client, screen, tally, signal }: Stage, id: string): Promise<void> {
  const epochs = new Map<number, { loss?: number; accuracy?: number }>();
  for await (const { trainingRunMetrics: point } of client.subscribe(
    TrainingRunMetricsDocument,
    { id },
    { signal },
  )) {
    tally.see(`metrics ${id}`, point.offset);
    const { name, value, epoch } = point;
    if (epoch === null || (name !== 'loss' && name !== 'accuracy')) continue;
    const values = { ...epochs.get(epoch), [name]: value };
    epochs.set(epoch, values);
    if (values.loss === undefined || values.accuracy === undefined) continue;
    const [loss, accuracy] = [values.loss.toFixed(4), values.accuracy.toFixed(4)];
    screen.line(
      `           epoch ${String(epoch).padStart(2)}  loss ${loss}  accuracy ${accuracy}`,
    );
  }
}

/** Nothing is printed of it; that every line comes once is part of what the demo shows. */
async function watchLog({ client, tally, signal }: Stage, id: string): Promise<void> {
  for await (const { trainingRunLog: line } of client.subscribe(
    TrainingRunLogDocument,
    { id },
    { signal },
  )) {
    tally.see(`log ${id}`, line.offset);
  }
}

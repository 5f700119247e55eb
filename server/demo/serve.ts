import { accepted } from '../../codegen/client/errors.ts';
import {
  CreateDeploymentDocument,
  DeleteDeploymentDocument,
  DeploymentEventsDocument,
  PredictDocument,
} from '../../codegen/client/generated/graphql.ts';
import { isJsonObject, type Json } from '../../codegen/client/json.ts';
import type { Client } from '../../codegen/client/client.ts';
import type { Stage } from './stage.ts';

/** Of each endpoint: two of them and a run fit on one core. */
const resources = { cpus: 0.25 };

/** Deploys an artifact, prints its way, and returns the deployment's id when it is WARM. */
export async function serve(stage: Stage, name: string, artifactId: string): Promise<string> {
  const { client, screen, tally, signal } = stage;
  const { createDeployment } = await client.run(
    CreateDeploymentDocument,
    { input: { name, artifactId, resources, idempotencyKey: `deployment ${name}` } },
    { signal },
  );
  const { id } = accepted(createDeployment, 'deployment');
  stage.atEnd((limit) => remove(client, id, limit));
  let since: number | null = null;
  for await (const { deploymentEvents: event } of client.subscribe(
    DeploymentEventsDocument,
    { id },
    { signal },
  )) {
    tally.see(`events ${id}`, event.sequence);
    const at = Date.parse(event.at);
    since ??= at;
    const { change } = event;
    if (change.__typename === 'EndpointWaitingChanged' && change.waiting !== null) {
      screen.bar(0, change.waiting.message);
    }
    if (change.__typename !== 'EndpointChanged') continue;
    const proof =
      change.warmth === null ? '' : ` (sample answered in ${change.warmth.latencyMs} ms)`;
    screen.line(`  ${((at - since) / 1000).toFixed(1).padStart(5)} s  ${change.to}${proof}`);
    if (change.to === 'FAILED') {
      throw new Error(`The endpoint failed: ${change.reason ?? 'no reason given'}`);
    }
    if (change.to === 'WARM') return id;
  }
  throw new Error('The deployment ended before it was warm.');
}

export interface Example {
  readonly label: string;
  readonly png: Uint8Array;
}

export interface Predictions {
  /** Share of the images whose label was found. */
  readonly accuracy: number;
  /** Milliseconds of each call as its caller saw them, in order. */
  readonly latencies: readonly number[];
}

/** Asks for one image after another, as a file. */
export async function predictAll(
  { client, screen, signal }: Stage,
  deploymentId: string,
  examples: readonly Example[],
): Promise<Predictions> {
  const latencies: number[] = [];
  let right = 0;
  for (const [index, { label, png }] of examples.entries()) {
    const base64 = Buffer.from(png).toString('base64');
    const files = [{ argument: 'image', base64, fileName: 'image.png', mediaType: 'image/png' }];
    const start = performance.now();
    const { predict } = await client.run(
      PredictDocument,
      { input: { deploymentId, arguments: { topK: 1 }, files } },
      { signal },
    );
    latencies.push(performance.now() - start);
    const { output } = accepted(predict, 'prediction');
    if (firstLabel(output) === label) right += 1;
    screen.bar((index + 1) / examples.length, `image ${index + 1}/${examples.length}`);
  }
  return { accuracy: right / examples.length, latencies };
}

/** Ends a deployment and waits until its processes are gone. */
async function remove(client: Client, id: string, signal: AbortSignal): Promise<void> {
  const { deleteDeployment } = await client.run(
    DeleteDeploymentDocument,
    { input: { id } },
    { signal },
  );
  accepted(deleteDeployment, 'deployment');
  // The stream of a deleted deployment completes; whatever it still tells is of no interest here.
  const events = client.subscribe(DeploymentEventsDocument, { id }, { signal });
  for (let next = await events.next(); next.done !== true; next = await events.next());
}

function firstLabel(output: Json | null): string | null {
  if (!isJsonObject(output)) return null;
  const labels = output['labels'];
  return Array.isArray(labels) && typeof labels[0] === 'string' ? labels[0] : null;
}

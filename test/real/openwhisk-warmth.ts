import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../codegen/client/client.ts';
import { accepted } from '../../codegen/client/errors.ts';
import {
  CreateDeploymentDocument,
  DeploymentDocument,
  DeploymentEventsDocument,
  PredictDocument,
} from '../../codegen/client/generated/graphql.ts';
import { moduleVersionOf } from '../e2e/thread/installation.ts';
import { FunctionInstallation, slug } from '../e2e/functions/installation.ts';
import { asPlatform, realPlatform } from './openwhisk.ts';

const features = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };
/** The standard is 10 minutes: nobody waits for that in a test. */
const mostSeconds = 120;

/**
 * A deployment that nobody calls keeps its container, on a platform that removes unused ones after OW_IDLE_SECONDS
 * (`whisk.container-proxy.timeouts.idle-container`).
 */
export function keptWarm(): void {
  const idle = Number(process.env['OW_IDLE_SECONDS'] ?? Infinity);
  const why = `OW_IDLE_SECONDS is not at most ${mostSeconds}: it would take too long to see one go`;

  describe('a deployment that nobody calls', { timeout: 420_000 }, () => {
    let installation: FunctionInstallation;
    let client: Client;
    beforeAll(async () => {
      if (idle > mostSeconds) return;
      installation = await FunctionInstallation.create(() => realPlatform({ idleSeconds: idle }));
      client = installation.client();
    }, 180_000);
    afterAll(() => installation?.remove(), 60_000);

    test('keeps its container by calls of its own, while one without them loses it', async ({
      skip,
    }) => {
      if (idle > mostSeconds) return skip(why);
      const before = await installation.platform.actions();
      const moduleVersionId = await moduleVersionOf(client, slug);
      const resources = { memoryMiB: 512 };
      const input = { name: 'kept', moduleVersionId, backend: 'openwhisk', resources };
      const { createDeployment } = await client.run(CreateDeploymentDocument, { input });
      const { id } = accepted(createDeployment, 'deployment');
      await untilWarm(client, id);
      const predict = async () => {
        const call = { deploymentId: id, arguments: { features, topK: 1 } };
        const { predict: said } = await client.run(PredictDocument, { input: call });
        return accepted(said, 'prediction').coldStart;
      };
      // The container that proved it is free when its log was collected.
      await expect.poll(predict, { timeout: 60_000 }).toBe(false);
      const [name = ''] = (await installation.platform.actions()).filter(
        (one) => !before.includes(one),
      );
      const forgotten = await Forgotten.open(installation.platform.image);
      await expect.poll(() => forgotten.isCold(), { timeout: 60_000 }).toBe(false);
      const since = Date.now();
      await new Promise((next) => setTimeout(next, idle * 1500));
      expect(await callsOf(name, since)).toBeGreaterThanOrEqual(2);
      expect(await predict()).toBe(false);
      expect(await forgotten.isCold()).toBe(true);
      const { deployment } = await client.run(DeploymentDocument, { id });
      expect(deployment?.endpoint).toMatchObject({ state: 'WARM', failure: null });
      await forgotten.remove();
    });
  });
}

async function untilWarm(client: Client, id: string): Promise<void> {
  for await (const { deploymentEvents } of client.subscribe(DeploymentEventsDocument, { id })) {
    const { change } = deploymentEvents;
    if (change.__typename !== 'EndpointChanged') continue;
    if (change.to === 'FAILED') throw new Error(`Its endpoint failed: ${change.reason}`);
    if (change.to === 'WARM') return;
  }
}

/** An action of the same image that is called by nobody but this test. */
class Forgotten {
  readonly #name = `forgotten-${process.pid}`;

  static async open(image: string): Promise<Forgotten> {
    const forgotten = new Forgotten();
    const exec = { kind: 'blackbox', image };
    const limits = { memory: 512 };
    await said('PUT', `actions/${forgotten.#name}`, { exec, limits });
    return forgotten;
  }

  async isCold(): Promise<boolean> {
    const path = `actions/${this.#name}?blocking=true`;
    const { annotations } = (await said('POST', path, {})) as {
      readonly annotations: readonly { readonly key: string }[];
    };
    return annotations.some(({ key }) => key === 'initTime');
  }

  async remove(): Promise<void> {
    await said('DELETE', `actions/${this.#name}`);
  }
}

async function callsOf(name: string, since: number): Promise<number> {
  const path = `activations?name=${name}&since=${since}&limit=200`;
  return ((await said('GET', path)) as readonly unknown[]).length;
}

async function said(method: string, path: string, body?: object): Promise<unknown> {
  const { url, key } = asPlatform();
  const answer = await fetch(`${url}/api/v1/namespaces/_/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(key).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.json();
}

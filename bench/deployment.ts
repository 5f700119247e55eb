import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './graph.ts';

const warmWithinMs = 120_000;
const goneWithinMs = 30_000;

export interface Deployed {
  readonly id: string;
  /** Ends its servers, which would outlive the server that started them. */
  remove(): Promise<void>;
}

/** Deploys the module as it is and waits until it is WARM. */
export async function deploy(url: string, slug: string): Promise<Deployed> {
  const { modules } = await ask<{
    modules: { nodes: readonly { slug: string; latestVersion: { id: string } }[] };
  }>(url, '{ modules(first: 100) { nodes { slug latestVersion { id } } } }');
  const moduleVersionId = modules.nodes.find((one) => one.slug === slug)?.latestVersion.id;
  const { createDeployment } = await ask<{
    createDeployment: { deployment: { id: string } | null; userErrors: readonly unknown[] };
  }>(
    url,
    `mutation Deploy($input: CreateDeploymentInput!) {
      createDeployment(input: $input) { deployment { id } userErrors { code message path } }
    }`,
    { input: { name: `bench-${slug}`, moduleVersionId } },
  );
  const { deployment, userErrors } = createDeployment;
  if (deployment === null) throw new Error(`not deployed: ${JSON.stringify(userErrors)}`);
  const { id } = deployment;
  const remove = async () => {
    await ask(
      url,
      'mutation Remove($input: DeleteDeploymentInput!) { deleteDeployment(input: $input) { userErrors { message } } }',
      { input: { id } },
    );
    await until(url, id, ({ state }) => state === 'DELETED', goneWithinMs);
  };
  try {
    await until(url, id, ({ endpoint }) => endpoint?.state === 'WARM', warmWithinMs);
  } catch (error) {
    await remove();
    throw error;
  }
  return { id, remove };
}

interface Look {
  readonly state: string;
  readonly endpoint: { readonly state: string; readonly failure: string | null } | null;
}

async function until(
  url: string,
  id: string,
  isDone: (look: Look) => boolean,
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const { deployment } = await ask<{ deployment: Look | null }>(
      url,
      'query Look($id: ID!) { deployment(id: $id) { state endpoint { state failure } } }',
      { id },
    );
    if (deployment !== null && isDone(deployment)) return;
    if (deployment?.endpoint?.state === 'FAILED' || Date.now() > deadline) {
      throw new Error(`the deployment stands at ${JSON.stringify(deployment)}`);
    }
    await delay(100);
  }
}

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { newId } from '../../../domain/ids.ts';
import { createRequest, isDeleted, patient, ServingSite } from './serving-site.ts';

let site: ServingSite;

beforeAll(async () => {
  site = await ServingSite.create();
});

afterAll(async () => {
  await site.destroy();
});

const answering = (text: string) =>
  `note('pids', String(process.pid)); await serve({ predict: () => ({ label: 'yes', from: ${JSON.stringify(text)} }) });`;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function pidsOf(moduleVersionId: string): Promise<readonly number[]> {
  const version = await site.at.store.moduleVersions.get(moduleVersionId);
  if (version?.source.kind !== 'FOLDER') throw new Error('The module is no folder.');
  return (await readFile(`${version.source.path}/.pids`, 'utf8')).trim().split('\n').map(Number);
}

test.concurrent(
  'a deployment streams each state up to WARM with the proof, then predicts',
  async ({ expect }) => {
    const deployment = await site.deploy(`await serve({});`, { replicas: 2 });
    const warm = await site.reaches(deployment.id, 'WARM');
    const course = ['COLD', 'PLACED', 'LOADING', 'PROBING', 'WARM'];
    expect(await site.states(deployment.id)).toEqual(course);
    expect(warm).toMatchObject({ readyReplicas: 2, waiting: null, failure: null });
    expect(warm.warmth?.warmUpMs).toBeGreaterThanOrEqual(warm.warmth?.latencyMs ?? Infinity);
    const after = await site.deployment(deployment.id);
    expect(after.activeRevisionId).toBe(after.latestRevisionId);
    expect(await site.predict(deployment.id, { x: 2 })).toEqual({ label: 'yes', x: 2 });
  },
);

test.concurrent('deleting ends it, says so once, and leaves no server', async ({ expect }) => {
  const deployment = await site.deploy(answering('it'), { replicas: 2 });
  const warm = await site.reaches(deployment.id, 'WARM');
  const pids = await pidsOf(deployment.moduleVersionId);
  expect(pids.filter(isAlive)).toHaveLength(2);
  await site.deployments.delete(localOwner, deployment.id);
  const events = await site.until(deployment.id, ({ change }) => isDeleted(change));
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  expect((await site.states(deployment.id)).slice(-2)).toEqual(['COOLING', 'COLD']);
  expect((await site.endpoint(warm.id)).handle).toBeNull();
  expect(pids.filter(isAlive)).toEqual([]);
  expect((await site.deployments.delete(localOwner, deployment.id)).state).toBe('DELETED');
  await expect(site.predict(deployment.id)).rejects.toMatchObject({ code: 'WRONG_STATE' });
});

test.concurrent(
  'an update under constant load fails no call and ends on the new revision',
  async ({ expect }) => {
    const deployment = await site.deploy(answering('old'), { replicas: 2 });
    const old = await site.reaches(deployment.id, 'WARM');
    const failures: unknown[] = [];
    const answers: unknown[] = [];
    const stop = new AbortController();
    const callers = Array.from({ length: 8 }, async () => {
      while (!stop.signal.aborted) {
        await site.predict(deployment.id).then(
          (output) => answers.push((output as { from: string }).from),
          (error: unknown) => failures.push(error),
        );
      }
    });
    const next = await site.module(answering('new'));
    await site.update(deployment.id, { moduleVersionId: next.id });
    await site.reaches(deployment.id, 'WARM', 2);
    await site.reaches(deployment.id, 'COLD', 3);
    stop.abort();
    await Promise.all(callers);
    expect(failures).toEqual([]);
    const turn = answers.indexOf('new');
    expect(turn).toBeGreaterThan(0);
    expect(answers.at(-1)).toBe('new');
    const after = await site.deployment(deployment.id);
    expect(after.activeRevisionId).toBe(after.latestRevisionId);
    expect(after.moduleVersionId).toBe(next.id);
    expect(await site.endpoint(old.id)).toMatchObject({ state: 'COLD', handle: null });
  },
);

test.concurrent(
  'a call under way when its revision is replaced is answered by the old one',
  async ({ expect }) => {
    const slow = `await serve({ predict: async (a) => { if (!a.probe) await sleep(2000); return { label: 'yes', from: 'old' }; } });`;
    const deployment = await site.deploy(slow);
    await site.reaches(deployment.id, 'WARM');
    const next = await site.module(answering('new'));
    await site.update(deployment.id, { moduleVersionId: next.id });
    const call = site.predict(deployment.id);
    await site.reaches(deployment.id, 'WARM', 2);
    expect(await site.predict(deployment.id)).toMatchObject({ from: 'new' });
    expect(await call).toMatchObject({ from: 'old' });
  },
);

test.concurrent(
  'a revision that fails leaves the one before answering, and says so',
  async ({ expect }) => {
    const deployment = await site.deploy(answering('good'));
    await site.reaches(deployment.id, 'WARM');
    const bad = await site.module(`await serve({ predict: () => ({ label: 'no' }) });`);
    await site.update(deployment.id, { moduleVersionId: bad.id });
    const failed = await site.reaches(deployment.id, 'FAILED');
    expect(failed.failure).toMatch(/expects label "yes".*"no".*goes on answering/s);
    const after = await site.deployment(deployment.id);
    expect(after.activeRevisionId).not.toBe(after.latestRevisionId);
    expect(after.moduleVersionId).toBe(deployment.moduleVersionId);
    expect(await site.predict(deployment.id)).toMatchObject({ from: 'good' });
    await expect.poll(async () => (await site.endpoint(failed.id)).handle, patient).toBeNull();
    const states = await site.states(deployment.id, failed.id);
    expect(states).not.toContain('WARM');
  },
);

test.concurrent(
  'a revision superseded while it loads is taken away without ever answering',
  async ({ expect }) => {
    const deployment = await site.deploy(answering('first'));
    await site.reaches(deployment.id, 'WARM');
    const stuck = await site.module(`await serve({ load: () => sleep(60_000) });`);
    await site.update(deployment.id, { moduleVersionId: stuck.id });
    const loading = await site.reaches(deployment.id, 'LOADING', 2);
    const third = await site.module(answering('third'));
    await site.update(deployment.id, { moduleVersionId: third.id });
    await site.reaches(deployment.id, 'WARM', 2);
    expect(await site.predict(deployment.id)).toMatchObject({ from: 'third' });
    await expect.poll(async () => (await site.endpoint(loading.id)).state, patient).toBe('COLD');
  },
);

test.concurrent(
  'more and fewer servers: those kept are not restarted, new ones are proven first',
  async ({ expect }) => {
    const script = `note('pids', String(process.pid)); await serve({ predict: () => ({ label: 'yes', pid: process.pid }) });`;
    const deployment = await site.deploy(script);
    const warm = await site.reaches(deployment.id, 'WARM');
    const [first] = await pidsOf(deployment.moduleVersionId);
    await site.update(deployment.id, { replicas: 3 });
    await expect.poll(async () => (await site.endpoint(warm.id)).readyReplicas, patient).toBe(3);
    expect(isAlive(first ?? 0)).toBe(true);
    expect((await site.endpoint(warm.id)).state).toBe('WARM');
    await site.update(deployment.id, { replicas: 1 });
    await expect.poll(async () => (await site.endpoint(warm.id)).readyReplicas, patient).toBe(1);
    const pids = await pidsOf(deployment.moduleVersionId);
    await expect.poll(() => pids.filter(isAlive), patient).toHaveLength(1);
    expect(await site.predict(deployment.id)).toMatchObject({ label: 'yes' });
    expect((await site.states(deployment.id)).filter((state) => state === 'WARM')).toHaveLength(1);
  },
);

test.concurrent(
  'a trained artifact is placed beside the server, and its own sample proves it',
  async ({ expect }) => {
    const model = await site.at.blobs.put(new TextEncoder().encode('weights'));
    // The module version's sample expects `yes`; the artifact's model says `cat`, as its own sample declares.
    const version = await site.module(
      `const weights = readFileSync(join(artifact, 'model.bin'), 'utf8');
     await serve({ sample: { arguments: { probe: 1 }, expect: { label: 'cat' } }, predict: () => ({ labels: ['cat', 'dog'], weights }) });`,
      { pretrained: false },
    );
    const artifact = await insertArtifact(version.id, model, 'MODEL');
    const deployment = await site.deployments.create(localOwner, {
      ...createRequest,
      artifactId: artifact,
    });
    expect(deployment).toMatchObject({ moduleVersionId: version.id, artifactId: artifact });
    await site.reaches(deployment.id, 'WARM');
    expect(await site.predict(deployment.id)).toMatchObject({ weights: 'weights' });
  },
);

async function insertArtifact(
  moduleVersionId: string,
  { sha256, bytes }: { readonly sha256: string; readonly bytes: number },
  kind: 'MODEL' | 'CHECKPOINT',
): Promise<string> {
  const now = Date.now();
  const id = newId('Artifact', now, Math.random);
  const artifact = {
    id,
    version: 1,
    owner: 'local',
    visibility: 'PRIVATE',
    runId: newId('TrainingRun', now, Math.random),
    attemptId: newId('Attempt', now, Math.random),
    kind,
    name: 'model',
    epoch: null,
    files: [{ path: 'model.bin', bytes, sha256 }],
    bytes,
    digest: sha256,
    lineage: {
      moduleVersionId,
      datasetVersionId: newId('DatasetVersion', now, Math.random),
      splitId: newId('Split', now, Math.random),
      arguments: {},
      seed: 1,
    },
    metrics: {},
    createdAt: now,
  };
  await site.at.store.transaction((tx) => tx.artifacts.insert(artifact as never));
  return id;
}

test.concurrent('only a MODEL artifact is served', async ({ expect }) => {
  const version = await site.module(`await serve({});`);
  const blob = await site.at.blobs.put(new TextEncoder().encode('half'));
  const artifactId = await insertArtifact(version.id, blob, 'CHECKPOINT');
  await expect(
    site.deployments.create(localOwner, { ...createRequest, artifactId }),
  ).rejects.toMatchObject({ errors: [{ code: 'INVALID_ARGUMENT', inputPath: ['artifactId'] }] });
});

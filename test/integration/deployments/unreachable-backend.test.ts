import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { ServiceRunner } from '../../../backends/contract/service-runner.ts';
import { localOwner } from '../../../domain/actor.ts';
import { isDeleted, patient, ServingSite } from './serving-site.ts';

let site: ServingSite;

beforeAll(async () => {
  site = await ServingSite.create();
});

afterAll(async () => {
  await site.destroy();
});

const gone = () => new BackendError('Unavailable', 'test', 'The line is dead.');

/** Puts `method` of the services in place of the real one; returns what puts it back. */
function instead<M extends keyof ServiceRunner>(
  method: M,
  make: (real: ServiceRunner[M]) => ServiceRunner[M],
): () => void {
  const { services } = site.backend;
  if (services === null) throw new Error('The backend runs no services.');
  const real = services[method].bind(services) as ServiceRunner[M];
  Object.assign(services, { [method]: make(real) });
  return () => Object.assign(services, { [method]: real });
}

test('a start whose answer was lost is found again and not repeated', async () => {
  let answers = 0;
  const restore = instead('deploy', (real) => async (workload, options) => {
    const handle = await real(workload, options);
    answers += 1;
    if (answers === 1) throw gone();
    return handle;
  });
  const deployment = await site.deploy(`note('pids', String(process.pid)); await serve({});`);
  const warm = await site.reaches(deployment.id, 'WARM');
  restore();
  const version = await site.at.store.moduleVersions.get(deployment.moduleVersionId);
  const folder = version?.source.kind === 'FOLDER' ? version.source.path : '';
  expect(answers).toBeGreaterThan(1);
  expect((await readFile(`${folder}/.pids`, 'utf8')).trim().split('\n')).toHaveLength(1);
  expect(warm.restarts).toBe(0);
  const events = await site.at.store.events.read(deployment.id, 0, 100);
  expect(events.map(({ event }) => 'waiting' in event && event.waiting?.code)).toContain(
    'BACKEND_UNREACHABLE',
  );
});

test('a start refused for good is FAILED with the backend’s words', async () => {
  const restore = instead('deploy', () => () => {
    throw new BackendError('Rejected', 'deploy', 'No room for such things.');
  });
  const deployment = await site.deploy(`await serve({});`);
  const failed = await site.reaches(deployment.id, 'FAILED');
  restore();
  expect(failed.failure).toContain('No room for such things.');
});

test('losing sight of a backend is no state: it stays WARM, answers, and says what we cannot see', async () => {
  const deployment = await site.deploy(`await serve({});`);
  const warm = await site.reaches(deployment.id, 'WARM');
  const restore = instead('status', () => () => Promise.reject(gone()));
  await expect
    .poll(async () => (await site.endpoint(warm.id)).waiting?.code, patient)
    .toBe('BACKEND_UNREACHABLE');
  const unseen = await site.endpoint(warm.id);
  expect(unseen.state).toBe('WARM');
  expect(unseen.waiting?.nextAttemptAt).not.toBeNull();
  expect(await site.predict(deployment.id)).toEqual({ label: 'yes' });
  restore();
  await expect.poll(async () => (await site.endpoint(warm.id)).waiting, patient).toBeNull();
  expect((await site.states(deployment.id)).filter((state) => state === 'WARM')).toHaveLength(1);
});

test('a service that vanished from its backend is started again, and proven again', async () => {
  const deployment = await site.deploy(`await serve({});`);
  const warm = await site.reaches(deployment.id, 'WARM');
  await site.backend.release(warm.handle as never);
  const again = await site.reaches(deployment.id, 'WARM', 2);
  expect(again.provenReplicas).not.toEqual(warm.provenReplicas);
  expect(await site.predict(deployment.id)).toEqual({ label: 'yes' });
});

test('a deletion waits for a backend that cannot be reached, and says so', async () => {
  const deployment = await site.deploy(`await serve({});`);
  const warm = await site.reaches(deployment.id, 'WARM');
  const release = site.backend.release.bind(site.backend);
  Object.assign(site.backend, { release: () => Promise.reject(gone()) });
  await site.deployments.delete(localOwner, deployment.id);
  await expect
    .poll(async () => (await site.endpoint(warm.id)).waiting?.code, patient)
    .toBe('BACKEND_UNREACHABLE');
  expect(await site.endpoint(warm.id)).toMatchObject({ state: 'COOLING' });
  expect((await site.deployment(deployment.id)).state).toBe('DELETING');
  Object.assign(site.backend, { release });
  await site.until(deployment.id, ({ change }) => isDeleted(change));
});

test('after a restart of the platform the same servers answer, unasked and unrestarted', async () => {
  const script = `note('pids', String(process.pid)); await serve({ predict: (a) => { if (a.probe) note('probes', 'x'); return { label: 'yes', pid: process.pid }; } });`;
  const deployment = await site.deploy(script, { replicas: 2 });
  const warm = await site.reaches(deployment.id, 'WARM');
  const version = await site.at.store.moduleVersions.get(deployment.moduleVersionId);
  const folder = version?.source.kind === 'FOLDER' ? version.source.path : '';
  const pids = async () =>
    (await readFile(`${folder}/.pids`, 'utf8')).trim().split('\n').map(Number);
  const before = await pids();
  await site.reopen();
  expect(before).toContain(((await site.predict(deployment.id)) as { pid: number }).pid);
  const after = await site.endpoint(warm.id);
  expect(after).toMatchObject({ state: 'WARM', readyReplicas: 2, restarts: 0 });
  expect(after.provenReplicas).toEqual(warm.provenReplicas);
  expect(await pids()).toEqual(before);
});

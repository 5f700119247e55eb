import { afterEach, describe, expect, test } from 'vitest';
import { BackendError, type BackendErrorKind } from '../../../backends/contract/error.ts';
import { localOwner } from '../../../domain/actor.ts';
import type { Deployment } from '../../../domain/deployment.ts';
import { MemoryFunctions } from '../../fakes/memory-functions.ts';
import { isDeleted, patient, ServingSite } from './serving-site.ts';

const open: { site: ServingSite; away: MemoryFunctions }[] = [];

afterEach(async () => {
  for (const { site, away } of open.splice(0)) {
    away.failure = () => null;
    await site.destroy();
  }
});

/** Two backends of functions: what happens to one of them is nothing to the other. */
async function start() {
  const [away, here] = [new MemoryFunctions('away'), new MemoryFunctions('here')];
  const functions = { statusEveryMs: 20 };
  const site = await ServingSite.create({ others: [away, here], functions });
  open.push({ site, away });
  return { site, away, here };
}

const image = { source: { kind: 'IMAGE', image: 'scripted:1.0.0' } } as const;

const deploy = (site: ServingSite, { name }: MemoryFunctions): Promise<Deployment> =>
  site.deploy('', { backend: name }, image);

const fails = (kind: BackendErrorKind, message: string) => (operation: string) =>
  new BackendError(kind, operation, message);

const unreachable = fails('Unavailable', 'connect EHOSTUNREACH 10.0.0.1:443');

/** The waiting of its one endpoint, when that is as wanted. */
const untilEndpoint = (site: ServingSite, id: string, wanted: object) =>
  expect.poll(() => site.endpoint(id), patient).toMatchObject(wanted);

const endpointOf = async (site: ServingSite, deployment: Deployment): Promise<string> => {
  const all = await site.at.store.endpoints.list({}, 100);
  return all.find((each) => each.deploymentId === deployment.id)?.id ?? '';
};

const states = (site: ServingSite, { id }: Deployment, state: string) =>
  site.states(id).then((all) => all.filter((each) => each === state).length);

describe('a backend of functions that cannot be reached', () => {
  test('costs an endpoint nothing: it stays WARM and says why, since when, and when we try next; others do not notice', async () => {
    const { site, away, here } = await start();
    const [one, other] = [await deploy(site, away), await deploy(site, here)];
    const warm = await site.reaches(one.id, 'WARM');
    const elsewhere = await site.reaches(other.id, 'WARM');
    away.failure = unreachable;
    await untilEndpoint(site, warm.id, {
      state: 'WARM',
      waiting: {
        code: 'BACKEND_UNREACHABLE',
        message: 'away: connect EHOSTUNREACH 10.0.0.1:443',
        raw: 'Unavailable in status',
      },
    });
    const { waiting } = await site.endpoint(warm.id);
    expect(waiting?.nextAttemptAt).toBeGreaterThan(waiting?.since ?? Infinity);
    await expect
      .poll(async () => (await site.endpoint(warm.id)).waiting?.nextAttemptAt, patient)
      .toBeGreaterThan(waiting?.nextAttemptAt ?? Infinity);
    expect((await site.endpoint(warm.id)).waiting?.since).toBe(waiting?.since);
    await expect(site.predict(one.id)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    expect(await site.predict(other.id)).toEqual({ label: 'yes' });
    expect(await site.endpoint(elsewhere.id)).toMatchObject({ state: 'WARM', waiting: null });
    away.failure = () => null;
    await untilEndpoint(site, warm.id, { state: 'WARM', waiting: null });
    expect(await site.predict(one.id)).toEqual({ label: 'yes' });
    expect(await states(site, one, 'WARM')).toBe(1);
    expect(away.calls.filter((each) => each === 'deploy')).toHaveLength(1);
  });

  test('before it took a function: it is handed over when the backend is back', async () => {
    const { site, away } = await start();
    away.failure = unreachable;
    const deployment = await deploy(site, away);
    await expect
      .poll(() => endpointOf(site, deployment).then((id) => site.endpoint(id)), patient)
      .toMatchObject({ state: 'PLACED', waiting: { code: 'BACKEND_UNREACHABLE' } });
    away.failure = () => null;
    expect((await site.reaches(deployment.id, 'WARM')).setbacks).toBe(0);
    expect(away.deployed.size).toBe(1);
  });

  test('while containers load: it goes on loading, and that counts as no failure of the module', async () => {
    const { site, away } = await start();
    away.failure = (operation) => (operation === 'warm' ? unreachable(operation) : null);
    const deployment = await deploy(site, away);
    const { id } = await site.reaches(deployment.id, 'LOADING');
    await untilEndpoint(site, id, {
      state: 'LOADING',
      setbacks: 0,
      waiting: { code: 'BACKEND_UNREACHABLE' },
    });
    away.failure = () => null;
    expect((await site.reaches(deployment.id, 'WARM')).setbacks).toBe(0);
  });

  test('while it is deleted: the deletion waits, says so, and is done when the backend is back', async () => {
    const { site, away } = await start();
    const deployment = await deploy(site, away);
    const warm = await site.reaches(deployment.id, 'WARM');
    away.failure = unreachable;
    await site.deployments.delete(localOwner, deployment.id);
    await untilEndpoint(site, warm.id, {
      state: 'COOLING',
      waiting: { code: 'BACKEND_UNREACHABLE' },
    });
    away.failure = () => null;
    await site.until(deployment.id, ({ change }) => isDeleted(change));
    expect(away.deployed.size).toBe(0);
  });
});

describe('a backend of functions', () => {
  test('whose key is refused says that, and the endpoint keeps its state', async () => {
    const { site, away } = await start();
    const deployment = await deploy(site, away);
    const warm = await site.reaches(deployment.id, 'WARM');
    away.failure = fails('Unauthorized', 'The supplied authentication is invalid.');
    await untilEndpoint(site, warm.id, {
      state: 'WARM',
      waiting: {
        code: 'AUTHENTICATION',
        message: 'away: The supplied authentication is invalid.',
      },
    });
    away.failure = () => null;
    await untilEndpoint(site, warm.id, { state: 'WARM', waiting: null });
  });

  test('that was started again and has forgotten everything is given its functions anew, and they are proven anew', async () => {
    const { site, away } = await start();
    const deployment = await deploy(site, away);
    const warm = await site.reaches(deployment.id, 'WARM');
    away.deployed.clear();
    away.revision = 'r2';
    away.warmed = 0;
    const again = await site.reaches(deployment.id, 'WARM', 2);
    expect(again.provenReplicas).not.toEqual(warm.provenReplicas);
    expect(await site.predict(deployment.id)).toEqual({ label: 'yes' });
    expect(away.calls.filter((each) => each === 'deploy')).toHaveLength(2);
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import { localOwner } from '../../../domain/actor.ts';
import type { Deployment } from '../../../domain/deployment.ts';
import type { CreateDeployment } from '../../../services/deployments/requests.ts';
import { MemoryFunctions, noLimits } from '../../fakes/memory-functions.ts';
import { patient, predictRequest, ServingSite } from './serving-site.ts';

const open: ServingSite[] = [];

afterEach(async () => {
  for (const site of open.splice(0)) await site.destroy();
});

async function start(timings: object = {}) {
  const faas = new MemoryFunctions('faas');
  const functions = { statusEveryMs: 20, ...timings };
  const site = await ServingSite.create({ others: [faas], functions });
  open.push(site);
  return { site, faas };
}

const image = { source: { kind: 'IMAGE', image: 'scripted:1.0.0' } } as const;

function deploy(site: ServingSite, more: Partial<CreateDeployment> = {}): Promise<Deployment> {
  return site.deploy('', more, image);
}

const call = (site: ServingSite, id: string, more: object = {}) =>
  site.predictions.predict(localOwner, { ...predictRequest, deploymentId: id, ...more });

describe('a deployment on functions', () => {
  test('is chosen for a module that is an image, and refused one that is a folder', async () => {
    const { site } = await start();
    const chosen = await deploy(site);
    expect(chosen.backend).toBe('faas');
    const folder = await site.deploy(`await serve({});`);
    expect(folder.backend).toBe('local');
    await expect(site.deploy(`await serve({});`, { backend: 'faas' })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('Choose a backend that can: local.') as string,
    });
  });

  test('is WARM when its containers have loaded and the sample was answered, not before', async () => {
    const { site, faas } = await start();
    const loaded = Promise.withResolvers<void>();
    faas.loading = () => loaded.promise;
    const { id } = await deploy(site, { replicas: 2 });
    const loading = await site.reaches(id, 'LOADING');
    await expect
      .poll(async () => (await site.endpoint(loading.id)).waiting?.message, patient)
      .toContain('2 containers load');
    expect(faas.calls).toEqual(['deploy', 'warm 2']);
    loaded.resolve();
    const warm = await site.reaches(id, 'WARM');
    expect(warm).toMatchObject({ readyReplicas: 2, nativeState: 'active', restarts: 0 });
    expect(await site.states(id)).toEqual(['COLD', 'PLACED', 'LOADING', 'PROBING', 'WARM']);
    expect(faas.calls.slice(2).toSorted()).toEqual([
      'GET /v2/models/',
      'GET /v2/models/',
      'POST /v2/models/scripted/predict/',
      'POST /v2/models/scripted/predict/',
    ]);
  });

  test('tells of a prediction whether it met a cold start, and where its time went', async () => {
    const { site, faas } = await start();
    const { id } = await deploy(site);
    await site.reaches(id, 'WARM');
    const { prediction, output } = await call(site, id);
    expect(output).toEqual({ label: 'yes' });
    expect(prediction).toMatchObject({ coldStart: false, waitMs: 2, initMs: null });
    faas.warmed = 0;
    expect((await call(site, id)).prediction).toMatchObject({
      coldStart: true,
      waitMs: 40,
      initMs: 700,
    });
    const [stored] = await site.predictions.getMany(localOwner, [prediction.id]);
    expect(stored).toMatchObject({ coldStart: false, waitMs: 2 });
  });

  test('answers also when the backend’s own patience ended, by its ticket', async () => {
    const { site, faas } = await start();
    const { id } = await deploy(site);
    await site.reaches(id, 'WARM');
    faas.instead = () => Promise.resolve({ kind: 'TICKET', ticket: 'a1', since: 0 });
    let asked = 0;
    faas.outcome = () => {
      asked += 1;
      if (asked === 1) throw new BackendError('Unavailable', 'result', 'Not now.');
      return asked < 3 ? null : faas.answer({ predictions: { label: 'late' } }, { cold: true });
    };
    const { prediction, output } = await call(site, id);
    expect(output).toEqual({ label: 'late' });
    expect(prediction.coldStart).toBe(true);
    expect(asked).toBe(3);
    faas.outcome = () => ({ kind: 'LOST', message: 'a1 is not known after 300 s.' });
    await expect(call(site, id)).rejects.toMatchObject({
      code: 'MODULE_FAILED',
      message: 'a1 is not known after 300 s.',
    });
    faas.outcome = () => null;
    await expect(call(site, id, { deadlineMs: 250 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
  });

  test('that is throttled says when to come again, and stays WARM', async () => {
    const { site, faas } = await start();
    const { id } = await deploy(site);
    const warm = await site.reaches(id, 'WARM');
    faas.instead = () =>
      Promise.reject(
        new BackendError('RateLimited', 'invoke', '60 a minute.', { retryAfterMs: 7_000 }),
      );
    await expect(call(site, id)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      retryAfterMs: 7_000,
    });
    expect((await site.endpoint(warm.id)).state).toBe('WARM');
  });

  test('being throttled while it is proven is waited out, and counts for nothing', async () => {
    const { site, faas } = await start();
    faas.instead = () =>
      Promise.reject(
        new BackendError('RateLimited', 'invoke', '60 a minute.', { retryAfterMs: 1 }),
      );
    const { id } = await deploy(site);
    const events = await site.until(
      id,
      ({ change }) =>
        change.type === 'deployment.waitingChanged' &&
        change.waiting !== null &&
        change.waiting.code === 'RATE_LIMITED',
    );
    expect(events.length).toBeGreaterThan(0);
    faas.instead = () => null;
    expect((await site.reaches(id, 'WARM')).setbacks).toBe(0);
  });

  test('refuses a call that is too large before anything is sent', async () => {
    const { site, faas } = await start();
    faas.limits = { ...noLimits, requestBytes: 200 };
    const { id } = await deploy(site);
    await site.reaches(id, 'WARM');
    const before = faas.calls.length;
    await expect(call(site, id, { arguments: { text: 'x'.repeat(300) } })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      inputPath: ['arguments'],
      message: expect.stringContaining('faas takes at most 200') as string,
    });
    expect(faas.calls.slice(before).filter((each) => each.startsWith('POST'))).toEqual([]);
    expect((await call(site, id)).output).toEqual({ label: 'yes' });
  });

  test('is called again, unasked, before unused containers would go', async () => {
    const { site, faas } = await start({ shortestKeepMs: 10 });
    faas.limits = { ...noLimits, idleMs: 100 };
    const { id } = await deploy(site, { replicas: 2 });
    await site.reaches(id, 'WARM');
    const rounds = () => faas.calls.filter((each) => each === 'warm 2').length;
    await expect.poll(rounds, patient).toBeGreaterThan(3);
    expect(await site.states(id)).toEqual(['COLD', 'PLACED', 'LOADING', 'PROBING', 'WARM']);
  });

  test('is called and proven anew after somebody updated the function', async () => {
    const { site, faas } = await start();
    const { id } = await deploy(site);
    const warm = await site.reaches(id, 'WARM');
    const before = faas.calls.length;
    faas.revision = 'r2';
    faas.warmed = 0;
    const again = await site.reaches(id, 'WARM', 2);
    expect(again.provenReplicas).not.toEqual(warm.provenReplicas);
    expect(faas.calls.slice(before)).toEqual([
      'warm 1',
      'GET /v2/models/',
      'POST /v2/models/scripted/predict/',
    ]);
  });

  test('is FAILED with the reason when its sample is answered wrongly', async () => {
    const { site, faas } = await start();
    faas.label = 'no';
    const { id } = await deploy(site);
    const failed = await site.reaches(id, 'FAILED');
    expect(failed.failure).toContain('The sample expects label "yes"; the answer was "no".');
    await expect.poll(() => faas.deployed.size, patient).toBe(0);
  });

  test('goes on being WARM over a restart of the platform, and is called again at once', async () => {
    const { site, faas } = await start();
    const { id } = await deploy(site);
    const warm = await site.reaches(id, 'WARM');
    const before = faas.calls.length;
    await site.reopen();
    expect((await call(site, id)).output).toEqual({ label: 'yes' });
    await expect.poll(() => faas.calls.slice(before), patient).toContain('warm 1');
    expect((await site.endpoint(warm.id)).provenReplicas).toEqual(warm.provenReplicas);
    expect((await site.states(id)).filter((state) => state === 'WARM')).toHaveLength(1);
  });

  test('out of reach keeps its state, says so, and is taken up again', async () => {
    const { site, faas } = await start();
    const { id } = await deploy(site);
    const warm = await site.reaches(id, 'WARM');
    const real = faas.functions.status.bind(faas.functions);
    faas.functions.status = () =>
      Promise.reject(new BackendError('Unavailable', 'status', 'No route.'));
    await expect
      .poll(async () => (await site.endpoint(warm.id)).waiting?.code, patient)
      .toBe('BACKEND_UNREACHABLE');
    expect((await call(site, id)).output).toEqual({ label: 'yes' });
    faas.functions.status = real;
    await expect.poll(async () => (await site.endpoint(warm.id)).waiting, patient).toBeNull();
    expect((await site.endpoint(warm.id)).state).toBe('WARM');
  });
});

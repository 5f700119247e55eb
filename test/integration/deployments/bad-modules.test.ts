import { afterAll, beforeAll, test } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { isDeleted, patient, ServingSite } from './serving-site.ts';

let site: ServingSite;

beforeAll(async () => {
  site = await ServingSite.create({
    settings: { patienceMs: 100 },
    timings: { tries: 3 },
  });
});

afterAll(async () => {
  await site.destroy();
});

test.concurrent.for([
  [
    'crashes while it loads',
    `console.error('no such weights'); process.exit(3);`,
    /no such weights/,
  ],
  [
    'answers the sample with something that is not JSON',
    `await serve({ predict: (a, { answer }) => answer(200, '<html>hello</html>', 'text/html') });`,
    /not JSON: <html>hello/,
  ],
  [
    'answers the sample with an error',
    `await serve({ predict: () => { throw new Error('matrix is singular'); } });`,
    /500.*matrix is singular/s,
  ],
  [
    'answers the sample wrongly',
    `await serve({ predict: () => ({ labels: ['no', 'yes'] }) });`,
    /expects label "yes"; the answer was "no"/,
  ],
  ['serves another model', `await serve({ name: 'deepaas-test' });`, /deepaas-test, not scripted/],
  [
    'refuses its own sample',
    `await serve({ predict: () => { throw unprocessable({ probe: ['Not a valid string.'] }); } });`,
    /refused its own sample: probe: Not a valid string/,
  ],
] as const)(
  'a module that %s ends in FAILED with the reason, and was never WARM',
  async ([, script, why], { expect }) => {
    const deployment = await site.deploy(script);
    const failed = await site.reaches(deployment.id, 'FAILED');
    expect(failed.failure).toMatch(why);
    expect(failed).toMatchObject({ waiting: null, warmth: null, readyReplicas: 0 });
    expect(await site.states(deployment.id)).not.toContain('WARM');
    await expect.poll(async () => (await site.endpoint(failed.id)).handle, patient).toBeNull();
    await expect(site.predict(deployment.id)).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringMatching(why) as string,
    });
  },
);

// A limit of its own: a loaded machine needs longer than this for a module that does load.
test.concurrent('a module that hangs while it loads is FAILED at the limit', async ({ expect }) => {
  const hasty = await ServingSite.create({
    settings: { loadTimeoutSeconds: 1.5 },
    timings: { tries: 3 },
  });
  try {
    const deployment = await hasty.deploy(`await serve({ load: () => sleep(60_000) });`);
    const failed = await hasty.reaches(deployment.id, 'FAILED');
    expect(failed.failure).toContain('not ready after 1.5 s');
    expect(await hasty.states(deployment.id)).not.toContain('WARM');
  } finally {
    await hasty.destroy();
  }
});

test.concurrent(
  'a module that never answers the sample is given up after so many tries',
  async ({ expect }) => {
    const hasty = await ServingSite.create({ timings: { tries: 2, probeDeadlineMs: 200 } });
    try {
      const deployment = await hasty.deploy(`await serve({ predict: () => sleep(60_000) });`);
      const failed = await hasty.reaches(deployment.id, 'FAILED');
      expect(failed.failure).toContain('2 times in a row: The deadline passed');
      expect(await hasty.states(deployment.id)).not.toContain('WARM');
    } finally {
      await hasty.destroy();
    }
  },
);

test.concurrent('a module without a sample is never called warm', async ({ expect }) => {
  const deployment = await site.deploy(`await serve({});`, {}, { sample: null });
  expect((await site.reaches(deployment.id, 'FAILED')).failure).toContain('no sample request');
});

test.concurrent('a failed try is told with the time of the next one', async ({ expect }) => {
  const deployment = await site.deploy(`await serve({ predict: () => ({ label: 'no' }) });`);
  const events = await site.until(
    deployment.id,
    ({ change }) =>
      change.type === 'deployment.waitingChanged' && change.waiting?.code === 'BACKING_OFF',
  );
  const [{ event, at } = { event: null, at: 0 }] = events.slice(-1);
  expect(event).toMatchObject({
    waiting: { message: expect.stringContaining('try 1 of 3') as string },
  });
  const next = event?.type === 'deployment.waitingChanged' ? event.waiting?.nextAttemptAt : null;
  expect(next).toBeGreaterThan(at);
});

test.concurrent(
  'a call that kills its server is MODULE_FAILED; the other server answers meanwhile',
  async ({ expect }) => {
    const deployment = await site.deploy(
      `await serve({ predict: (a) => { if (a.die) process.exit(9); return { label: 'yes', pid: process.pid }; } });`,
      { replicas: 3 },
    );
    const warm = await site.reaches(deployment.id, 'WARM');
    const deadly = site.predict(deployment.id, { die: true }, { deadlineMs: 5_000 });
    await expect(deadly).rejects.toMatchObject({ code: 'MODULE_FAILED' });
    expect(await site.predict(deployment.id)).toMatchObject({ label: 'yes' });
    await expect.poll(async () => (await site.endpoint(warm.id)).restarts, patient).toBe(2);
    await expect.poll(async () => (await site.endpoint(warm.id)).readyReplicas, patient).toBe(3);
    const after = await site.endpoint(warm.id);
    expect(after.state).toBe('WARM');
    expect(after.provenReplicas).not.toEqual(warm.provenReplicas);
  },
);

test.concurrent(
  'a call that hangs ends at its deadline; the other server answers meanwhile',
  async ({ expect }) => {
    const deployment = await site.deploy(
      `await serve({ predict: async (a) => { if (a.hang) await sleep(60_000); return { label: 'yes' }; } });`,
      { replicas: 2 },
    );
    const warm = await site.reaches(deployment.id, 'WARM');
    const hanging = expect(
      site.predict(deployment.id, { hang: true }, { deadlineMs: 300 }),
    ).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const others = Array.from({ length: 5 }, () => site.predict(deployment.id));
    expect(await Promise.all(others)).toHaveLength(5);
    await hanging;
    expect(await site.predict(deployment.id)).toMatchObject({ label: 'yes' });
    await expect.poll(async () => (await site.endpoint(warm.id)).restarts, patient).toBe(1);
    await expect.poll(async () => (await site.endpoint(warm.id)).readyReplicas, patient).toBe(2);
  },
);

test.concurrent(
  'no call goes to a server that replaced another and fails the sample',
  async ({ expect }) => {
    // The first server asked to dies; whatever starts after a death answers wrongly.
    const deployment = await site.deploy(
      `const bad = noted('deaths') !== '';
     await serve({ predict: (a) => {
       if (a.die && noted('deaths') === '') { note('deaths', 'x'); process.exit(1); }
       return { label: bad ? 'no' : 'yes' };
     } });`,
      { replicas: 2 },
    );
    const warm = await site.reaches(deployment.id, 'WARM');
    expect(await site.predict(deployment.id, { die: true })).toEqual({ label: 'yes' });
    const label = async () => ((await site.predict(deployment.id)) as { label: string }).label;
    await expect
      .poll(async () => (await site.endpoint(warm.id)).waiting?.message, patient)
      .toContain('failed the sample request');
    const labels = await Promise.all(Array.from({ length: 20 }, label));
    expect(new Set(labels)).toEqual(new Set(['yes']));
    expect(await site.endpoint(warm.id)).toMatchObject({ state: 'WARM', readyReplicas: 1 });
  },
);

test.concurrent(
  'an endpoint that lost all servers says so, and is warm again only after a new proof',
  async ({ expect }) => {
    const deployment = await site.deploy(
      `await serve({ predict: (a) => { if (a.die) process.exit(1); return { label: 'yes' }; } });`,
    );
    const warm = await site.reaches(deployment.id, 'WARM');
    await site.predict(deployment.id, { die: true }).catch(() => null);
    const again = await site.reaches(deployment.id, 'WARM', 2);
    expect(again.provenReplicas).not.toEqual(warm.provenReplicas);
    expect(await site.states(deployment.id)).toEqual(
      expect.arrayContaining(['WARM', 'LOADING', 'PROBING', 'WARM']),
    );
    expect(await site.predict(deployment.id)).toEqual({ label: 'yes' });
  },
);

test.concurrent('deleting while it loads leaves nothing behind', async ({ expect }) => {
  const deployment = await site.deploy(`await serve({ load: () => sleep(60_000) });`);
  const { id } = await site.reaches(deployment.id, 'LOADING');
  await site.deployments.delete(localOwner, deployment.id);
  await site.until(deployment.id, ({ change }) => isDeleted(change));
  expect(await site.endpoint(id)).toMatchObject({ state: 'COLD', handle: null });
  expect(await site.states(deployment.id)).not.toContain('PROBING');
});

test.concurrent('deleting at once, before anything was placed, ends it too', async ({ expect }) => {
  const deployment = await site.deploy(`await serve({});`);
  await site.deployments.delete(localOwner, deployment.id);
  await site.until(deployment.id, ({ change }) => isDeleted(change));
  expect((await site.deployment(deployment.id)).state).toBe('DELETED');
});

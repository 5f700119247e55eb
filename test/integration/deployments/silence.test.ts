import { afterAll, beforeAll, test } from 'vitest';
import { patient, ServingSite } from './serving-site.ts';

let site: ServingSite;

beforeAll(async () => {
  site = await ServingSite.create({ timings: { reproveAfterMs: 150, tries: 2 } });
});

afterAll(async () => {
  await site.destroy();
});

test.concurrent(
  'after a long silence warmth is proven again, with a new time',
  async ({ expect }) => {
    const deployment = await site.deploy(`await serve({});`);
    const warm = await site.reaches(deployment.id, 'WARM');
    await expect
      .poll(async () => (await site.endpoint(warm.id)).warmth?.probedAt, patient)
      .toBeGreaterThan(warm.warmth?.probedAt ?? Infinity);
    expect((await site.endpoint(warm.id)).warmth?.warmUpMs).toBe(warm.warmth?.warmUpMs);
  },
);

test.concurrent(
  'an endpoint that turned bad in silence is not called warm any longer',
  async ({ expect }) => {
    const deployment = await site.deploy(
      `let asked = 0; await serve({ predict: () => ({ label: asked++ === 0 ? 'yes' : 'no' }) });`,
    );
    await site.reaches(deployment.id, 'WARM');
    const failed = await site.reaches(deployment.id, 'FAILED');
    expect(failed.failure).toContain('expects label "yes"');
    const states = await site.states(deployment.id);
    expect(states.slice(states.indexOf('WARM'))).toEqual(['WARM', 'PROBING', 'FAILED']);
  },
);

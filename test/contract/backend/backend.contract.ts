import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import { noCapabilities } from '../../../backends/contract/backend.ts';
import type { NativeRequest, Wanted } from '../../../backends/contract/native-request.ts';
import type { Handle, JobWorkload } from '../../../backends/contract/workload.ts';
import { backendDefinitions } from '../../../backends/registry.ts';
import type { BackendTarget, BackendUnderTest } from './under-test.ts';
import { job, kindOf, newKey, service } from './under-test.ts';

/**
 * The promises of `Backend` itself, whatever it runs; the suites of the facets have the others. What a backend does not
 * have is null or false, and answers Unsupported.
 */
export function backendContract(target: BackendTarget): void {
  describe(`backend: ${target.name}`, () => {
    let under: BackendUnderTest;
    beforeAll(async () => {
      under = await target.create();
    });
    afterAll(() => under?.destroy());

    const wantedJob = (more: Partial<JobWorkload> = {}): Wanted => ({
      kind: 'JOB',
      workload: job(under.shell('echo here'), more),
    });
    const wantedService = (more: Partial<JobWorkload> = {}): Wanted => ({
      kind: 'SERVICE',
      workload: service(under.server(), more),
    });
    const wanted = (more: Partial<JobWorkload> = {}): Wanted =>
      under.jobs === null ? wantedService(more) : wantedJob(more);

    test('says what it is, and what it can, as frozen data', () => {
      const { name, type, capabilities } = under.backend;
      expect(name).not.toBe('');
      expect(backendDefinitions.map((one): string => one.type)).toContain(type);
      expect(Object.isFrozen(capabilities)).toBe(true);
      expect(Object.keys(capabilities).toSorted()).toEqual(Object.keys(noCapabilities).toSorted());
      for (const value of Object.values(capabilities)) expect(value).toBeTypeOf('boolean');
      expect(capabilities.gpus || !capabilities.gpuModels).toBe(true);
    });

    test('offers what this suite says, at least one thing', () => {
      const { jobs, services, functions } = under.backend;
      expect(jobs === null).toBe(under.jobs === null);
      expect(services === null).toBe(under.services === null);
      expect([jobs, services, functions].some((facet) => facet !== null)).toBe(true);
    });

    test('the dry run of what it does not offer is Unsupported', async () => {
      const { jobs, services, functions } = under.backend;
      const refused: Wanted[] = [];
      if (jobs === null) refused.push(wantedJob());
      if (services === null && functions === null) refused.push(wantedService());
      const kinds = refused.map((one) => kindOf(() => under.backend.plan(one, newKey())));
      expect(await Promise.all(kinds)).toEqual(refused.map(() => 'Unsupported'));
    });

    test('the dry run says what would be sent, the same each time, and tells no secret', async () => {
      const key = newKey();
      const secrets = { TOKEN: `pl4n-${process.pid}` };
      const asked = wanted({ secrets, environment: { SHOWN: 'shown in the plan' } });
      const before = await under.backend.plan(asked, key);
      const text = JSON.stringify(before);
      expect(text).toContain('shown in the plan');
      expect(text).not.toContain(secrets.TOKEN);
      expect(text).not.toContain(Buffer.from(secrets.TOKEN).toString('base64'));
      for (const { title, mediaType, text: body } of before) {
        expect(title).not.toBe('');
        expect(mediaType).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/);
        expect(() => parsed({ title, mediaType, text: body })).not.toThrow();
      }
      expect(before.length).toBeGreaterThan(0);
      expect(await under.backend.plan(asked, key)).toEqual(before);
      expect(await under.backend.plan(asked, newKey())).not.toEqual(before);
      expect(await under.listing()).not.toContain('shown in the plan');
    });

    test('the dry run refuses what would be refused', async () => {
      const malformed = wanted({ environment: { 'A=B': 'x' } });
      expect(await kindOf(() => under.backend.plan(malformed, newKey()))).toBe('Rejected');
    });

    test('the dry run of what the site has not is Unsupported', async ({ skip }) => {
      if (under.backend.capabilities.severalNodes) skip();
      const { resources } = wanted().workload;
      const spread = wanted({ resources: { ...resources, nodes: 2 } });
      expect(await kindOf(() => under.backend.plan(spread, newKey()))).toBe('Unsupported');
    });

    test('health is a sentence, and its figures are figures', async () => {
      await untilReachable(under.backend);
      const { message, checkedAt, capacity } = await under.backend.health();
      expect(message).toMatch(/\w+ .*\.$/s);
      expect(checkedAt).toBeGreaterThan(0);
      const { gpus = [], ...figures } = capacity ?? {};
      for (const figure of Object.values(figures)) expect(figure).toBeGreaterThanOrEqual(0);
      for (const { model, memoryMiB } of gpus) {
        expect(model).not.toBe('');
        expect(memoryMiB).toBeGreaterThanOrEqual(0);
      }
    });

    test('release of what is not there is no error, as often as it is asked', async () => {
      const { name } = under.backend;
      const handles: Handle[] = [
        { backend: name, version: 1, native: {} },
        { backend: name, version: 1, native: { kind: 'JOB', name: '../..', id: '1; true' } },
        { backend: name, version: 1, native: { kind: 'SERVICE', name: 'none', id: '0' } },
        { backend: 'another', version: 1, native: { kind: 'JOB', name: 'none', id: '1' } },
      ];
      for (const handle of [...handles, ...handles]) {
        expect(await under.backend.release(handle)).toBeUndefined();
      }
    });

    test('an instance that is closed rejects everything, and costs the other nothing', async () => {
      const other: Backend = await under.again();
      await untilReachable(other);
      await Promise.all([other.close(), other.close()]);
      await other.close();
      const handle: Handle = { backend: other.name, version: 1, native: {} };
      expect(await kindOf(() => other.plan(wanted(), newKey()))).toBe('Closed');
      expect(await kindOf(() => other.release(handle))).toBe('Closed');
      expect(await other.health()).toMatchObject({ reachable: false, capacity: null });
      await untilReachable(under.backend);
    });
  });
}

/** Health gives up after 2 s, which a machine with other work may need for one look. */
async function untilReachable(backend: Backend): Promise<void> {
  const isReachable = async (): Promise<boolean> => (await backend.health()).reachable;
  await expect.poll(isReachable, { timeout: 20_000 }).toBe(true);
}

function parsed({ mediaType, text }: NativeRequest): unknown {
  return mediaType.endsWith('json') ? JSON.parse(text) : text;
}

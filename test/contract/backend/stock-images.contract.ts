import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stockServer, stockTraining } from './stock-images.ts';
import type { BackendUnderTest, JobsUnderTest, ServicesUnderTest } from './under-test.ts';
import {
  assertJobs,
  assertServices,
  newKey,
  printed,
  soon,
  submit,
  textOf,
  untilEnded,
  untilPrinted,
} from './under-test.ts';

/** The promises about images that have DEEPaaS and nothing of ours. */
export function stockImagesContract(target: {
  readonly name: string;
  readonly create: () => Promise<BackendUnderTest>;
  /** Whether the cluster ends what uses more memory than it asked for. */
  readonly limitsMemory: boolean;
}): void {
  describe(`images that have DEEPaaS alone: ${target.name}`, { timeout: 120_000 }, () => {
    let under: JobsUnderTest & ServicesUnderTest;
    beforeAll(async () => {
      const made = await target.create();
      assertJobs(made);
      assertServices(made);
      under = made;
    });
    afterAll(() => under?.destroy());

    test('it says that it is set up for them', () => {
      expect(under.backend.capabilities.deepaasImages).toBe(true);
    });

    test('one is trained: lines of the module, its numbers, its model', async () => {
      const handle = await submit(under.jobs, stockTraining('learn'));
      const status = await untilEnded(under.jobs, handle, patience());
      expect(status.exit).toMatchObject({ cause: 'EXITED', code: 0 });
      const lines = await printed(under.jobs, handle);
      const text = lines.map((line) => line.text).join('\n');
      expect(text).toContain('asked for the training 1');
      expect(text).toContain('{"type":"metrics","epoch":1,"step":1,"values":{"loss":1}}');
      expect(text).not.toContain('/v2/models/');
      const outputs = await under.jobs.outputs(handle);
      expect(JSON.parse(await textOf(outputs, 'output.json'))).toMatchObject({
        metrics: { loss: 0.5 },
        artifacts: [{ name: 'model', path: 'out/model' }],
      });
      expect(await textOf(outputs, 'model/weights')).toBe('learned');
      await under.backend.release(handle);
    });

    test.each([
      ['refuse', 2, 'Not a valid choice'],
      ['fail', 1, 'matrix is singular'],
      ['die', 1, 'in the middle of the training with exit code 9'],
    ])('a training that fails (%s) tells its own code and words', async (how, code, words) => {
      const handle = await submit(under.jobs, stockTraining(how));
      const { exit } = await untilEnded(under.jobs, handle, patience());
      expect(exit).toMatchObject({ cause: 'EXITED', code });
      expect(exit?.message).toContain(words);
      await under.backend.release(handle);
    });

    test.runIf(target.limitsMemory)('more memory than was asked for is told as that', async () => {
      const resources = { cpus: 1, memoryMiB: 200, gpus: null, timeLimitSeconds: 100 };
      const handle = await submit(under.jobs, stockTraining('grow', { resources }));
      const { exit } = await untilEnded(under.jobs, handle, patience());
      expect(exit?.cause).toBe('OUT_OF_MEMORY');
      await under.backend.release(handle);
    });

    test('one that runs is in use as it asked; cancelled it ends, with its server', async () => {
      const resources = { cpus: 0.5, memoryMiB: 300, gpus: null, timeLimitSeconds: 100 };
      const handle = await submit(under.jobs, stockTraining('hang', { resources }));
      await untilPrinted(under.jobs, handle, '"metrics"', patience());
      const { capacity } = await under.backend.health();
      expect(capacity?.cpusInUse).toBeGreaterThanOrEqual(0.5);
      expect(capacity?.memoryInUseMiB).toBeGreaterThanOrEqual(300);
      await under.jobs.cancel(handle);
      expect((await untilEnded(under.jobs, handle, patience())).exit?.cause).toBe('CANCELLED');
      await under.backend.release(handle);
    });

    test('one is served by its own command, with the artifact that was brought before', async () => {
      const key = newKey();
      const handle = await under.services.deploy(stockServer('oaks'), { key, signal: soon() });
      for await (const { phase, failure } of under.services.watch(handle, patience())) {
        expect(failure).toBeNull();
        if (phase === 'READY') break;
      }
      const request = {
        method: 'POST',
        path: '/v2/models/stand_in/predict/',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from('{}'),
        replica: null,
      } as const;
      const deadline = Date.now() + 20_000;
      const { body } = await under.services.invoke(handle, request, { deadline });
      expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({
        predictions: { labels: ['oaks'] },
      });
      await under.backend.release(handle);
    });
  });
}

/** Three programs of Node start one after the other. */
function patience(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

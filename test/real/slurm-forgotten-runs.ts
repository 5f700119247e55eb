import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../backends/contract/backend.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import { createBackend } from '../../backends/registry.ts';
import { localOwner } from '../../domain/actor.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import type { SlurmSite } from '../contract/backend/slurm-under-test.ts';
import { nativeText } from '../contract/backend/under-test.ts';
import { TrainingSite } from '../integration/training/site.ts';
import { untilForgotten } from './slurm-forgetting.ts';
import type { RealSlurm } from './slurm.ts';

const patient = { timeout: 120_000, interval: 200 };

/** Goes on when it is let go, and leaves a model. */
const script = `
import { existsSync } from 'node:fs';
console.log('up');
while (!existsSync(join(work, 'go'))) await sleep(100);
leave('model/weights.bin', 'the weights');
leave('output.json', JSON.stringify({ metrics: { loss: 0.5 }, artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model' }] }));
`;

/** Whole runs whose job ended and was forgotten while nobody looked, and whose record is lost. */
export function accountedRunsEnd(
  started: () => RealSlurm,
  slurmSite: (slurm: RealSlurm) => SlurmSite,
): void {
  describe('training runs', () => {
    let site: TrainingSite;
    let folder = '';
    const backends: Backend[] = [];
    beforeAll(async () => {
      folder = await mkdtemp(join(started().folder, 'shared/fathom-runs-'));
      site = await TrainingSite.create();
    });
    afterAll(async () => {
      await site.destroy();
      for (const backend of backends) await backend.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    });

    async function add(name: string, more: object): Promise<Backend> {
      const sharedFolder = join(folder, name);
      const stateFolder = join(folder, `${name}-state`);
      for (const path of [sharedFolder, stateFolder]) await mkdir(path);
      const { transport, settings } = slurmSite(started());
      const runtime = [process.execPath, join(site.folder, 'runtime.mjs')];
      const quick = { stopGraceSeconds: 1, visibilitySeconds: 1, accountingLagSeconds: 60 };
      const all = { transport, sharedFolder, runtime, ...quick, ...settings, ...more };
      const backend = await createBackend('slurm', name, all, {
        now: () => Date.now(),
        random: () => Math.random(),
        stateFolder,
        deliveries: null,
        log: () => undefined,
        placeBlob: (sha256, path) => site.at.blobs.place(sha256, path),
      });
      backends.push(backend);
      site.others.push(backend);
      return backend;
    }

    async function now(run: TrainingRun): Promise<TrainingRun> {
      const found = await site.runs.getBy(localOwner, { id: run.id, number: null });
      if (found === null) throw new Error('the run is gone');
      return found;
    }

    /** As when an installation is away for a while: the job ends meanwhile, and scratch is purged of its record. */
    async function endUnseen(run: TrainingRun, backend: Backend): Promise<void> {
      await site.printed(run, 'up');
      await expect.poll(async () => (await now(run)).state, patient).toBe('RUNNING');
      const attempts = (await site.runs.attemptsOf([run.id])).get(run.id);
      const handle = attempts?.[0]?.handle as unknown as Handle;
      site.others.splice(site.others.indexOf(backend), 1);
      const said = async () => (await now(run)).waiting?.message;
      await expect.poll(said, patient).toContain('is not configured any more');
      const place = join(folder, backend.name, 'jobs', nativeText(handle, 'name'));
      writeFileSync(join(place, 'work/go'), '');
      await expect.poll(() => existsSync(join(place, 'exit.json')), patient).toBe(true);
      await untilForgotten(started(), [handle]);
      await rm(join(place, 'exit.json'));
      expect(readdirSync(place)).not.toContain('end.json');
    }

    test('one that Slurm forgot while its accounting was away keeps its state and says why, then succeeds', async () => {
      const slurm = started();
      const backend = await add('hpc', {});
      const run = await site.start(script, { backend: 'hpc' });
      await site.printed(run, 'up');
      await slurm.stopAccounting();
      try {
        await endUnseen(run, backend);
        site.others.push(backend);
        const isTold = async () => (await now(run)).waiting;
        await expect.poll(isTold, patient).toMatchObject({
          code: 'BACKEND_REFUSING',
          message: expect.stringContaining('its accounting does not answer') as string,
          nextAttemptAt: expect.any(Number) as number,
        });
        expect((await now(run)).state).toBe('RUNNING');
      } finally {
        await slurm.startAccounting();
      }
      const ended = await site.ended(run);
      expect(ended).toMatchObject({ state: 'SUCCEEDED', metrics: { loss: 0.5 } });
      const artifacts = await site.at.store.artifacts.list({ where: { runId: run.id } }, 10);
      expect(artifacts).toMatchObject([{ name: 'model', kind: 'MODEL' }]);
    });

    test('without an accounting the same run is LOST, with evidence', async () => {
      const backend = await add('blind', { accounting: 'off' });
      const run = await site.start(script, { backend: 'blind' });
      await endUnseen(run, backend);
      site.others.push(backend);
      const ended = await site.ended(run);
      expect(ended.state).toBe('LOST');
      expect(ended.outcome?.message).toContain('its folder holds no end');
    });
  });
}

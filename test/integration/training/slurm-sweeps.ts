import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import { createBackend } from '../../../backends/registry.ts';
import { localOwner } from '../../../domain/actor.ts';
import type { Sweep } from '../../../domain/sweep.ts';
import type { TrainingRun } from '../../../domain/training-run.ts';
import type { SlurmSite } from '../../contract/backend/slurm-under-test.ts';
import { request, TrainingSite } from './site.ts';

const patient = { timeout: 90_000, interval: 100 };

/** The best is the fourth: its metric is the least. */
const script = `
console.log('from ' + Date.now());
await sleep(workload.arguments.epochs > 100 ? 120_000 : 700);
const loss = Math.abs(workload.arguments.epochs - 4);
console.log('to ' + Date.now());
leave('output.json', JSON.stringify({ metrics: { loss }, artifacts: [] }));
`;

/** `open` gives a Slurm and a folder that its jobs can reach. */
export function slurmRunsSweeps(
  name: string,
  open: () => Promise<{ readonly slurm: SlurmSite; readonly parent: string }>,
): void {
  describe(`sweeps on ${name}`, { timeout: 180_000 }, () => {
    let site: TrainingSite;
    let slurm: SlurmSite;
    let backend: Backend;
    let folder = '';

    beforeAll(async () => {
      const opened = await open();
      slurm = opened.slurm;
      folder = await mkdtemp(join(opened.parent, 'fathom-sweeps-'));
      site = await TrainingSite.create();
      backend = await openBackend();
      site.others.push(backend);
    });
    afterAll(async () => {
      await site.destroy();
      await backend.close();
      await slurm.destroy();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    });

    test('six runs are one array of which two run at the same time, and one of them is the best', async () => {
      const goOn = await slurm.close();
      const sweep = await start({ epochs: [1, 2, 3, 4, 5, 6], atOnce: 2 });
      await expect.poll(async () => (await nativeIds(sweep)).length, patient).toBe(6);
      const arrays = await Promise.all((await nativeIds(sweep)).map((id) => slurm.arrayOf(id)));
      expect(arrays[0]).not.toBeNull();
      expect(new Set(arrays).size).toBe(1);
      expect(await now(sweep)).toMatchObject({ state: 'RUNNING', arrayOn: 'hpc', underWay: 6 });
      await goOn();
      await expect
        .poll(() => now(sweep), patient)
        .toMatchObject({
          state: 'SUCCEEDED',
          ended: { SUCCEEDED: 6 },
          best: { number: 4, value: 0 },
          underWay: 0,
        });
      expect(await mostAtOnce(sweep)).toBeLessThanOrEqual(2);
      const attempts = await site.runs.attemptsOf((await runs(sweep)).map(({ id }) => id));
      expect([...attempts.values()].map((each) => each.length)).toEqual([1, 1, 1, 1, 1, 1]);
    });

    test('a cancel ends those that run and those that wait in the array', async () => {
      // None of them ends by itself.
      const sweep = await start({ epochs: [101, 102, 103], atOnce: 1 });
      await expect.poll(async () => (await nativeIds(sweep)).length, patient).toBe(3);
      const states = async () => (await runs(sweep)).map(({ state }) => state);
      await expect.poll(states, patient).toContain('RUNNING');
      await site.sweeps.cancel(localOwner, sweep.id);
      await expect
        .poll(() => now(sweep), patient)
        .toMatchObject({ state: 'CANCELLED', ended: { CANCELLED: 3 }, underWay: 0 });
    });

    function openBackend(): Promise<Backend> {
      const settings = {
        transport: slurm.transport,
        sharedFolder: join(folder, 'shared'),
        runtime: [process.execPath, join(site.folder, 'runtime.mjs')],
        stopGraceSeconds: 1,
        visibilitySeconds: 1,
        pollMs: 100,
        ...slurm.settings,
      };
      const stateFolder = join(folder, 'state');
      return Promise.all([mkdir(stateFolder), mkdir(settings.sharedFolder)]).then(() =>
        createBackend('slurm', 'hpc', settings, {
          now: () => Date.now(),
          random: () => Math.random(),
          stateFolder,
          deliveries: null,
          log: () => undefined,
          placeBlob: (sha256, path) => site.at.blobs.place(sha256, path),
        }),
      );
    }

    async function start(wish: {
      readonly epochs: readonly number[];
      readonly atOnce: number;
    }): Promise<Sweep> {
      const [version, data] = [await site.module(script), await site.data()];
      return site.sweeps.create(localOwner, {
        ...request,
        moduleVersionId: version.id,
        datasetVersionId: data.id,
        backend: 'hpc',
        space: {
          strategy: 'GRID',
          parameters: [{ argument: 'epochs', values: wish.epochs, range: null }],
          trials: null,
        },
        objective: { metric: 'loss', goal: 'MINIMIZE' },
        atOnce: wish.atOnce,
      });
    }

    async function now(sweep: Sweep): Promise<Sweep | null> {
      return site.sweeps.getBy(localOwner, { id: sweep.id, number: null });
    }

    async function runs(sweep: Sweep): Promise<readonly TrainingRun[]> {
      const page = (await site.sweeps.runsOf([sweep.id], { first: 100 })).get(sweep.id);
      return page?.items.map(({ node }) => node) ?? [];
    }

    /** Of the runs that Slurm has, as it calls them. */
    async function nativeIds(sweep: Sweep): Promise<readonly string[]> {
      const ids = (await runs(sweep)).map(({ id }) => id);
      const attempts = [...(await site.runs.attemptsOf(ids)).values()].flat();
      return attempts.flatMap(({ handle }) => {
        const native = handle?.['native'] as { readonly id?: string } | undefined;
        return native?.id === undefined ? [] : [native.id];
      });
    }

    /** From what the runs printed when they began and ended. */
    async function mostAtOnce(sweep: Sweep): Promise<number> {
      const pages = (await runs(sweep)).map((run) => site.runs.logPage(run, 0, 100));
      const spans = (await Promise.all(pages)).map(({ lines }) => {
        const at = (word: string): number =>
          Number(lines.find(({ text }) => text.startsWith(`${word} `))?.text.split(' ')[1]);
        return { from: at('from'), to: at('to') };
      });
      expect(spans.every(({ from, to }) => from < to)).toBe(true);
      const goingAt = (moment: number): number =>
        spans.filter(({ from, to }) => from <= moment && moment < to).length;
      return Math.max(...spans.map(({ from }) => goingAt(from)));
    }
  });
}

// One installation's worth of services over a backend of paper: queues runs, drains them and prints what it cost.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Actor, localOwner } from '../domain/actor.ts';
import { newId } from '../domain/ids.ts';
import { untraced } from '../domain/traces.ts';
import { Datasets } from '../services/datasets/datasets.ts';
import { folderDigest } from '../services/modules/catalogue-folders.ts';
import { Reconciler } from '../services/reconciler/reconciler.ts';
import type { Surroundings } from '../services/surroundings.ts';
import { ReleaseLook } from '../services/training/release-look.ts';
import { RunLook } from '../services/training/run-look.ts';
import { TrainingRuns } from '../services/training/training-runs.ts';
import { WorkloadSource } from '../services/training/workload-source.ts';
import { openFileBlobStore } from '../storage/files/blob-store.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { moduleAt, versionAt } from './catalogue.ts';
import { PaperBackend } from './paper-backend.ts';

const [count = 0, slots = 0, jobMs = 0] = process.argv.slice(2).map(Number);
const ambient = { now: () => Date.now(), random: () => Math.random() };
const folder = await mkdtemp(join(tmpdir(), 'fathom-drain-'));
const store = await openEmbeddedStore({ folder: join(folder, 'state'), ambient });
const blobs = await openFileBlobStore({ folder: join(folder, 'blobs') });
const backend = new PaperBackend(slots, jobMs);
const at: Surroundings = {
  store,
  blobs,
  ambient,
  traces: untraced,
  log: (level, message, details) => {
    if (level === 'error') console.error(message, details);
  },
  links: { upload: (id) => id, blob: (sha256) => sha256, resolve: () => null },
  backends: { get: () => backend, all: () => [backend] },
};

const datasets = new Datasets(at);
const dataset = await datasets.seedDataset({
  name: 'numbers',
  title: 'Numbers',
  description: '',
  licence: null,
  format: 'CSV',
  target: 'kind',
  files: async () => [
    { path: 'numbers.csv', bytes: Buffer.from(`size,kind\n${'1,odd\n2,even\n'.repeat(10)}`) },
  ],
});
const version = await moduleOnDisk();
const modules = { resolveVersion: async (_actor: Actor) => version };
const runs = new TrainingRuns(at, modules, datasets);

const queued = await cost(async () => {
  for (let number = 0; number < count; number++) {
    await runs.create(localOwner, {
      name: null,
      moduleVersionId: version.id,
      datasetVersionId: dataset.latestVersionId ?? '',
      splitId: null,
      arguments: {},
      seed: null,
      resources: {},
      backend: null,
      resumeFrom: null,
      idempotencyKey: `run ${number}`,
    });
  }
});
const looks = [new RunLook(at, new WorkloadSource(at)), new ReleaseLook(at)];
const reconciler = new Reconciler(at, looks, 'bench');
const kinds = looks.map(({ kind }) => kind);
const drained = await cost(async () => {
  reconciler.start();
  // Looked at by the queue, which is empty when every run has ended and was released.
  while ((await store.work.nextDue(kinds)) !== null) await delay(50);
});
await reconciler.stop();
const succeeded = await store.trainingRuns.count({ where: { state: 'SUCCEEDED' } });
if (succeeded !== count) throw new Error(`${succeeded} of ${count} runs succeeded`);
const rssMiB = Math.round(process.memoryUsage().rss / 2 ** 20);
console.log(JSON.stringify({ queued, drained, looks: backend.looks / count, rssMiB }));
await store.close();
await rm(folder, { recursive: true, force: true });
process.exit(0);

/** Milliseconds a run. */
async function cost(
  work: () => Promise<void>,
): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: (performance.now() - start) / count, cpuMs: (user + system) / 1000 / count };
}

async function moduleOnDisk(): Promise<ReturnType<typeof versionAt>> {
  const path = join(folder, 'module');
  await mkdir(path);
  await writeFile(join(path, 'module.ts'), 'export const module = {};\n');
  const now = ambient.now();
  const moduleId = newId('Module', now, ambient.random);
  const id = newId('ModuleVersion', now, ambient.random);
  const made = {
    ...versionAt(moduleId, id, now),
    source: { kind: 'FOLDER', path },
    digest: await folderDigest(path),
    trainSchema: { type: 'object', additionalProperties: false, properties: {} },
  } as const;
  await store.transaction(async (tx) => {
    await tx.modules.insert(moduleAt(0, moduleId, id, now));
    await tx.moduleVersions.insert(made);
  });
  return made;
}

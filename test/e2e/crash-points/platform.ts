import 'reflect-metadata';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { localOwner } from '../../../domain/actor.ts';
import { newId } from '../../../domain/ids.ts';
import { defaultResources } from '../../../domain/resources.ts';
import { isTerminal } from '../../../domain/state.ts';
import { untraced } from '../../../domain/traces.ts';
import { type TrainingRun, trainingRunStates } from '../../../domain/training-run.ts';
import { Datasets } from '../../../services/datasets/datasets.ts';
import { Reconciler } from '../../../services/reconciler/reconciler.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import { SweepLook } from '../../../services/sweeps/sweep-look.ts';
import { Sweeps } from '../../../services/sweeps/sweeps.ts';
import { ReleaseLook } from '../../../services/training/release-look.ts';
import { RunLook } from '../../../services/training/run-look.ts';
import { TrainingRuns } from '../../../services/training/training-runs.ts';
import { WorkloadSource } from '../../../services/training/workload-source.ts';
import { openFileBlobStore } from '../../../storage/files/blob-store.ts';
import type { Store, Transaction, TransactionHints } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { ledgerBackend, ledgerOf } from './ledger-backend.ts';
import { toldOfSweep, type ToldOfSweep } from './sweep-scenario.ts';

/** A program: accepts a run or a sweep under one idempotency key, brings it to its end, and kills itself at step CRASH_AT. */
export interface Order {
  readonly folder: string;
  readonly scenario: 'success' | 'cancel' | 'sweep' | 'array';
}

export interface Told {
  readonly runId: string;
  readonly sameAnswer: boolean;
  readonly nativeJobs: number;
  readonly attempts: number;
  readonly states: readonly string[];
  readonly sequences: readonly number[];
  readonly artifacts: readonly string[];
  readonly metricSteps: readonly number[];
  readonly logLines: readonly string[];
  readonly steps: number;
}

const traits = {
  success: { length: 'LONG', arrays: false },
  cancel: { length: 'ENDLESS', arrays: false },
  sweep: { length: 'SHORT', arrays: false },
  array: { length: 'SHORT', arrays: true },
} as const;

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const crashAt = Number(process.env['CRASH_AT'] ?? 0);
let steps = 0;
process.stdout.write(`${JSON.stringify(await run())}\n`);
process.exit(0);

function step(what: string): void {
  steps++;
  if (steps !== crashAt) return;
  process.stderr.write(what);
  process.kill(process.pid, 'SIGKILL');
}

async function run(): Promise<Told | ToldOfSweep> {
  const ambient = { now: () => Date.now(), random: () => Math.random() };
  const native = join(order.folder, 'native');
  mkdirSync(native, { recursive: true });
  const store = await openEmbeddedStore({ folder: join(order.folder, 'state'), ambient });
  const blobs = await openFileBlobStore({ folder: join(order.folder, 'blobs') });
  const backend = ledgerBackend(native, traits[order.scenario], step);
  const at: Surroundings = {
    store: watched(store),
    blobs,
    ambient,
    traces: untraced,
    log: () => undefined,
    links: { upload: (id) => id, blob: (sha256) => sha256, resolve: () => null },
    backends: { get: (name) => (name === 'ledger' ? backend : null), all: () => [backend] },
  };
  const datasets = new Datasets({ ...at, store });
  const modules = {
    async resolveVersion(_actor: unknown, id: string) {
      const version = await store.moduleVersions.get(id);
      if (version === null) throw new Error(`no module version ${id}`);
      return version;
    },
  };
  const runs = new TrainingRuns(at, modules, datasets);
  const reconciler = new Reconciler(
    at,
    [new RunLook(at, new WorkloadSource(at)), new ReleaseLook(at), new SweepLook(at)],
    `${process.pid}`,
  );
  const { moduleVersionId, datasetVersionId } = await given(store, datasets);
  // As a server does that finds nobody else at work.
  await store.work.recall();
  reconciler.start();
  if (order.scenario === 'sweep' || order.scenario === 'array') {
    const sweeps = new Sweeps(at, modules, datasets);
    const told = await toldOfSweep(store, sweeps, { moduleVersionId, datasetVersionId });
    await reconciler.stop();
    await store.close();
    return { ...told, native: ledgerOf(native) };
  }
  const accept = (): Promise<TrainingRun> =>
    runs.create(localOwner, {
      name: null,
      moduleVersionId,
      datasetVersionId,
      splitId: null,
      arguments: {},
      seed: 7,
      resources: {},
      backend: null,
      resumeFrom: null,
      idempotencyKey: 'once',
    });
  const accepted = await accept();
  if (order.scenario === 'cancel') {
    await until(store, accepted.id, (run) => run.state === 'RUNNING');
    step('before the cancel is accepted');
    await runs.cancel(localOwner, accepted.id);
    step('after the cancel was accepted');
  }
  const ended = await until(store, accepted.id, () => false);
  const again = await accept();
  await reconciler.stop();
  const events = await store.events.read(accepted.id, 0, 1_000);
  const told = {
    runId: accepted.id,
    sameAnswer: again.id === accepted.id && again.number === accepted.number,
    nativeJobs: ledgerOf(native).jobs,
    attempts: (await store.attempts.list({}, 100)).length,
    states: events.flatMap(({ event }) =>
      event.type === 'trainingRun.stateChanged' ? [event.to] : [],
    ),
    sequences: events.map(({ sequence }) => sequence),
    artifacts: (await store.artifacts.list({}, 100)).map(({ kind, name }) => `${kind} ${name}`),
    metricSteps: (await runs.metricPoints(ended, 0, 100)).map(({ value }) => value.step),
    logLines: (await runs.logPage(ended, 0, 100)).lines.map(({ text }) => text),
    steps,
  };
  await blobs.close();
  await store.close();
  return told;
}

/** Every transaction and every word with the queue is a step before it and a step after it. */
function watched(store: Store): Store {
  const around = <A extends unknown[], R>(what: string, call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      step(`before ${what}`);
      const result = await call(...args);
      step(`after ${what}`);
      return result;
    };
  };
  const { work } = store;
  return {
    ...store,
    transaction: <T>(given_: (tx: Transaction) => Promise<T>, hints?: TransactionHints) =>
      around('a transaction', () => store.transaction(given_, hints))(),
    work: {
      recall: () => work.recall(),
      changed: (kinds, signal) => work.changed(kinds, signal),
      nextDue: (kinds) => work.nextDue(kinds),
      renew: (lease, to) => work.renew(lease, to),
      enqueue: around('an enqueue', (kind, key, dueAt) => work.enqueue(kind, key, dueAt)),
      // Looked at ever so often without a find: then it changes nothing.
      async claim(request) {
        const leases = await work.claim(request);
        if (leases.length > 0) step('after a claim');
        return leases;
      },
      release: around('a release', (lease, dueAt) => work.release(lease, dueAt)),
      releaseAll: around('a release', (leases, dueAt) => work.releaseAll(leases, dueAt)),
      keys: (kind, after, limit) => work.keys(kind, after, limit),
      size: (kind) => work.size(kind),
    },
  };
}

async function until(
  store: Store,
  id: string,
  isSo: (run: TrainingRun) => boolean,
): Promise<TrainingRun> {
  for (;;) {
    const now = await store.trainingRuns.get(id);
    if (now !== null && (isSo(now) || isTerminal(trainingRunStates, now.state))) return now;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A module and data, made at the first start. */
async function given(store: Store, datasets: Datasets) {
  const [known] = await store.moduleVersions.list({}, 1);
  const text = 'size,kind\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n10,b\n';
  const dataset = await datasets.seedDataset({
    name: 'numbers',
    title: 'Numbers',
    description: '',
    licence: null,
    format: 'CSV',
    target: 'kind',
    files: () => Promise.resolve([{ path: 'n.csv', bytes: new TextEncoder().encode(text) }]),
  });
  const datasetVersionId = dataset.latestVersionId ?? '';
  if (known !== undefined) return { moduleVersionId: known.id, datasetVersionId };
  const now = Date.now();
  const id = newId('Module', now, Math.random);
  const moduleVersionId = newId('ModuleVersion', now, Math.random);
  await store.transaction(async (tx) => {
    await tx.modules.insert({
      id,
      version: 1,
      owner: 'system',
      visibility: 'PUBLIC',
      slug: 'ledger-module',
      title: 'A module',
      summary: '',
      description: '',
      licence: null,
      tags: [],
      tasks: [],
      categories: [],
      libraries: [],
      dataTypes: [],
      links: [],
      doi: null,
      metadataFormat: 'AI4OS_V2',
      metadataVersion: null,
      metadata: {},
      findings: [],
      trainable: true,
      latestVersionId: moduleVersionId,
      createdAt: now,
      updatedAt: now,
    });
    await tx.moduleVersions.insert({
      id: moduleVersionId,
      version: 1,
      moduleId: id,
      name: '1.0.0',
      source: { kind: 'IMAGE', image: 'registry.example/module:1' },
      digest: 'sha256:none',
      document: {},
      trainSchema: { type: 'object', additionalProperties: false, properties: { n: {} } },
      predictSchema: { type: 'object' },
      sample: null,
      pretrained: false,
      resources: { training: defaultResources, inference: defaultResources },
      createdAt: now,
    } as never);
  });
  return { moduleVersionId, datasetVersionId };
}

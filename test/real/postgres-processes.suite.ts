import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../codegen/client/client.ts';
import { accepted } from '../../codegen/client/errors.ts';
import {
  CreateTrainingRunDocument,
  TrainingRunDocument,
} from '../../codegen/client/generated/graphql.ts';
import * as iris from '../../modules/data/iris.ts';
import { ProcessGroup } from '../e2e/processes/process-group.ts';
import { bring, moduleVersionOf } from '../e2e/thread/installation.ts';
import { countUp, follow, statesOf, type Told } from '../e2e/thread/run-streams.ts';
import { openPostgresServer, type PostgresServer } from './postgres-server.ts';

// A loaded machine may take long for all of it; what is tested is order, not time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const wholeRun = [
  'QUEUED',
  'PLACED',
  'SUBMITTED',
  'PENDING',
  'PREPARING',
  'RUNNING',
  'EVALUATING',
  'SUCCEEDED',
];

describe('a gateway, subgraphs and two workers on one PostgreSQL', () => {
  let server: PostgresServer;
  let group: ProcessGroup;
  let client: Client;
  let moduleVersionId = '';
  let datasetVersionId = '';

  beforeAll(async () => {
    server = await openPostgresServer();
    group = await ProcessGroup.create({ DATABASE_URL: await server.schema() });
    // The first one has the processes of the local backend, so it is known whom to kill.
    await group.worker();
    await Promise.all([group.worker('second-worker'), group.allSubgraphs()]);
    client = group.client(await group.gateway());
    moduleVersionId = await moduleVersionOf(client, 'tabular-classifier');
    datasetVersionId = (await bring(client, 'flowers', 'CSV', await iris.files())).id;
  });
  afterAll(async () => {
    await group.remove();
    await server.stop();
  });

  const train = async (epochs: number, seed: number, key?: string): Promise<string> => {
    const idempotency = key === undefined ? {} : { idempotencyKey: key };
    const input = {
      moduleVersionId,
      datasetVersionId,
      seed,
      arguments: { epochs },
      ...idempotency,
    };
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, { input });
    return accepted(createTrainingRun, 'trainingRun').id;
  };

  test('both workers have work to do at once, and nothing lies in a file', async () => {
    expect(await group.health('worker')).toMatchObject({ status: 'ok', onDuty: true });
    expect(await group.health('second-worker')).toMatchObject({ status: 'ok', onDuty: true });
    expect(await readdir(group.stateFolder)).not.toContain('fathom.db');
  });

  test('one key from fifty callers is one run', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, () => train(3, 1, 'one-key')));
    expect(new Set(ids).size).toBe(1);
    expectWhole(await follow(client, ids[0] ?? ''), 3);
  });

  test('a worker killed while runs are under way loses none of them and starts none twice', async () => {
    const started = new Set<string>();
    const folder = join(group.stateFolder, 'backends', 'local', 'jobs');
    // The run before this one is cleared away meanwhile.
    const before = await readdir(folder);
    const looking = watch(folder, (_change, name) => started.add(name ?? ''));
    const epochs = [60, 90, 120, 150, 180, 210];
    const ids = await Promise.all(epochs.map((count, seed) => train(count, seed)));
    const { promise: underWay, resolve: isUnderWay } = Promise.withResolvers<void>();
    const watched = ids.map((id) =>
      follow(client, id, ({ epoch }) => {
        if (epoch === 10) isUnderWay();
      }),
    );
    await underWay;
    await group.kill('worker');
    for (const [at, told] of (await Promise.all(watched)).entries()) {
      expectWhole(told, epochs[at] ?? 0);
    }
    for (const id of ids) {
      const { trainingRun } = await client.run(TrainingRunDocument, { id });
      expect(trainingRun?.attempts).toMatchObject([{ number: 1, state: 'SUCCEEDED' }]);
    }
    looking.close();
    expect([...started].filter((name) => !before.includes(name))).toHaveLength(ids.length);
    await group.worker();
  });

  test('a database that crashes and comes back has lost nothing that was acknowledged', async ({
    skip,
  }) => {
    if (server.control === null) return skip('The server is somebody else’s.');
    const id = await train(300, 9);
    const { promise: underWay, resolve: isUnderWay } = Promise.withResolvers<void>();
    const watched = follow(client, id, ({ epoch }) => {
      if (epoch === 20) isUnderWay();
    });
    await underWay;
    await server.control.kill();
    await group.untilHealth('worker', ({ status }) => status === 'failing');
    // Nothing is sent to whoever cannot answer; a gateway sends on what it is asked, and is well.
    expect(await ready()).toEqual([503, 503, 503]);
    expect(await group.health('gateway')).toMatchObject({ status: 'ok' });
    const away = client.run(TrainingRunDocument, { id });
    await expect(away).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await server.control.start();
    await group.untilHealth('worker', ({ status }) => status === 'ok');
    expect(await ready()).toEqual([200, 200, 200]);
    expectWhole(await watched, 300);
    const { trainingRun } = await client.run(TrainingRunDocument, { id });
    expect(trainingRun?.attempts).toMatchObject([{ number: 1, state: 'SUCCEEDED' }]);
  });

  /** Of the gateway, a subgraph and a worker. */
  async function ready(): Promise<readonly number[]> {
    const all = ['gateway', 'training', 'worker'].map(
      async (name) => (await fetch(new URL('/readyz', group.at(name)))).status,
    );
    return Promise.all(all);
  }

  /** Every event, metric point and log line once, in order, to the end. */
  function expectWhole(told: Told, epochs: number): void {
    expect(told.events.map(({ sequence }) => sequence)).toEqual(countUp(told.events));
    expect(statesOf(told.events)).toEqual(wholeRun);
    expect(told.metrics.map(({ offset }) => offset)).toEqual(countUp(told.metrics));
    expect(told.log.map(({ offset }) => offset)).toEqual(countUp(told.log));
    const losses = told.metrics.filter(({ name }) => name === 'loss');
    expect(losses.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: epochs }, (_, epoch) => epoch + 1),
    );
  }
});

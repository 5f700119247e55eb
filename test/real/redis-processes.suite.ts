import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../codegen/client/client.ts';
import { accepted } from '../../codegen/client/errors.ts';
import {
  CreateTrainingRunDocument,
  TrainingRunDocument,
} from '../../codegen/client/generated/graphql.ts';
import * as iris from '../../modules/data/iris.ts';
import { ProcessGroup, subgraphs } from '../e2e/processes/process-group.ts';
import { bring, moduleVersionOf } from '../e2e/thread/installation.ts';
import { countUp, follow, statesOf } from '../e2e/thread/run-streams.ts';
import { openPostgresServer, type PostgresServer } from './postgres-server.ts';
import { RedisServer } from './redis-server.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 });

const leaseMs = 30_000;
const away = 'Redis cannot be reached; events of other processes are looked for instead.';

describe('two gateways, five subgraphs and two workers on one PostgreSQL and one Redis', () => {
  let database: PostgresServer;
  let redis: RedisServer;
  let group: ProcessGroup;
  let here: Client;
  let there: Client;
  let moduleVersionId = '';
  let datasetVersionId = '';

  beforeAll(async () => {
    [database, redis] = await Promise.all([openPostgresServer(), RedisServer.create()]);
    group = await ProcessGroup.create({
      DATABASE_URL: await database.schema(),
      REDIS_URL: redis.url,
    });
    await group.worker();
    await group.worker('second-worker');
    await Promise.all(subgraphs.map((name) => group.subgraph(name)));
    const [one, two] = await Promise.all([group.gateway(), group.gateway([], 'second-gateway')]);
    here = group.client(one);
    there = group.client(two);
    moduleVersionId = await moduleVersionOf(here, 'tabular-classifier');
    datasetVersionId = (await bring(here, 'flowers', 'CSV', await iris.files())).id;
  });
  afterAll(async () => {
    await group.remove();
    await Promise.all([database.stop(), redis.remove()]);
  });

  async function train(client: Client, epochs: number, seed: number): Promise<string> {
    const input = { moduleVersionId, datasetVersionId, seed, arguments: { epochs } };
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, { input });
    return accepted(createTrainingRun, 'trainingRun').id;
  }

  /** Every event and point once, in order, to a good end. */
  async function isWhole(client: Client, id: string, epochs: number): Promise<void> {
    const told = await follow(client, id);
    expect(told.events.map(({ sequence }) => sequence)).toEqual(countUp(told.events));
    expect(statesOf(told.events).at(-1)).toBe('SUCCEEDED');
    const losses = told.metrics.filter(({ name }) => name === 'loss');
    expect(losses.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: epochs }, (_, epoch) => epoch + 1),
    );
    const { trainingRun } = await client.run(TrainingRunDocument, { id });
    expect(trainingRun?.attempts).toMatchObject([{ number: 1, state: 'SUCCEEDED' }]);
  }

  test('what is begun through one gateway is followed through the other', async () => {
    expect(await group.health('training')).toMatchObject({ status: 'ok' });
    await isWhole(there, await train(here, 20, 1), 20);
  });

  test('Redis that goes away delays and loses nothing, is told in health, and is taken up again', async () => {
    const before = train(here, 60, 2);
    await redis.kill();
    const [id, during] = [await before, await train(there, 20, 3)];
    await Promise.all([isWhole(there, id, 60), isWhole(here, during, 20)]);
    await group.untilHealth('worker', ({ store }) => store === away);
    await redis.start();
    await group.untilHealth('worker', ({ store }) => store === null);
    await isWhole(there, await train(here, 20, 4), 20);
  });

  test.each(['training', 'gateway', 'second-worker'] as const)(
    '%s killed in the middle: its readers resume, and nothing is lost or doubled',
    async (victim) => {
      const id = await train(there, 80, 5);
      const whole = isWhole(victim === 'gateway' ? there : here, id, 80);
      await sleep(500);
      await group.kill(victim);
      if (victim === 'gateway') await group.gateway();
      else if (victim === 'training') await group.subgraph('training');
      else await group.worker('second-worker');
      await whole;
    },
  );

  test('a worker that stands still for longer than its lease and wakes up starts nothing twice', async () => {
    const id = await train(here, 60, 6);
    group.hold('worker', 'SIGSTOP');
    const later = await train(here, 20, 7);
    await sleep(leaseMs + 5_000);
    group.hold('worker', 'SIGCONT');
    await Promise.all([isWhole(here, id, 60), isWhole(there, later, 20)]);
  });
});

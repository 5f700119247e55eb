import { buildSchema, type GraphQLObjectType } from 'graphql';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noCapabilities } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import { localOwner } from '../../../domain/actor.ts';
import { MemoryJobs } from '../../fakes/memory-jobs.ts';
import { TrainingSite } from './site.ts';

let site: TrainingSite;

beforeAll(async () => {
  const gpus = [
    { index: 0, model: 'A100', memoryMiB: 40_960 },
    { index: 1, model: 'T4', memoryMiB: 15_360 },
    { index: 2, model: 'A100', memoryMiB: 40_960 },
  ];
  site = await TrainingSite.create({ cpus: 4, gpus });
});

afterAll(() => site.destroy());

const health = (name: string) => site.runs.sites.health(localOwner, name);

function add(name: string): MemoryJobs {
  const backend = new MemoryJobs(name);
  site.others.push(backend);
  return backend;
}

describe('the backends of an installation', () => {
  test('say what they are and what they can do, several of one type beside each other', () => {
    add('memory-a');
    add('memory-b');
    const all = site.runs.sites.all(localOwner);
    expect(all.map(({ name, type }) => [name, type])).toEqual([
      ['local', 'local'],
      ['memory-a', 'memory'],
      ['memory-b', 'memory'],
    ]);
    expect(all[0]).toMatchObject({
      runsJobs: true,
      runsServices: true,
      runsFunctions: false,
      capabilities: { gpus: true, images: false, severalNodes: false },
    });
    expect(all[1]).toMatchObject({ runsServices: false });
  });

  test('say in the graph every capability that there is', () => {
    const path = new URL('../../../schema/snapshots/api.graphql', import.meta.url);
    const type = buildSchema(readFileSync(path, 'utf8')).getType('BackendCapabilities');
    const fields = Object.keys((type as GraphQLObjectType).getFields());
    expect(fields.toSorted()).toEqual(Object.keys(noCapabilities).toSorted());
  });

  test('say which accelerators they have, and how many of each are free', async () => {
    const run = await site.start(`console.log('here'); await sleep(60_000);`, {
      resources: { gpus: { count: 1, model: 'a100', memoryMiB: null } },
    });
    await site.printed(run, 'here');
    const { reachable, capacity, unreachableSince } = await health('local');
    expect({ reachable, unreachableSince }).toEqual({ reachable: true, unreachableSince: null });
    expect(capacity?.accelerators).toEqual([
      { model: 'A100', memoryMiB: 40_960, count: 2, free: 1 },
      { model: 'T4', memoryMiB: 15_360, count: 1, free: 1 },
    ]);
    await site.runs.cancel(localOwner, run.id);
    await site.settled();
  });

  test('answer for themselves: one that hangs is told within two seconds and delays nobody', async () => {
    const slow = add('slow');
    let looks = 0;
    slow.healthy = () => {
      looks += 1;
      return new Promise(() => undefined);
    };
    let hasAnswered = false;
    const told = Promise.all([health('slow'), health('slow')]).finally(() => {
      hasAnswered = true;
    });
    expect((await health('memory-a')).reachable).toBe(true);
    expect(hasAnswered).toBe(false);
    for (const one of await told) {
      expect(one).toMatchObject({ reachable: false, capacity: null });
      expect(one.message).toBe('slow did not answer within two seconds.');
    }
    expect(looks).toBe(1);
  });

  test('say since when they cannot be reached, by what waits for them too, until they can', async () => {
    const away = add('away');
    const run = await site.start('', { backend: 'away' });
    await expect.poll(() => away.countOf('inspect')).toBeGreaterThan(0);
    away.failure = (operation) => new BackendError('Unavailable', operation, 'No route.');
    const now = () => site.runs.getBy(localOwner, { id: run.id, number: null });
    await expect.poll(async () => (await now())?.waiting?.code).toBe('BACKEND_UNREACHABLE');
    const since = (await now())?.waiting?.since;
    away.healthy = () => Promise.resolve({ reachable: false, message: 'No route.' });
    expect((await health('away')).unreachableSince).toBe(since);
    away.failure = () => null;
    await expect.poll(async () => (await now())?.waiting).toBeNull();
    expect((await health('away')).unreachableSince).toBe(since);
    away.healthy = () => Promise.resolve({});
    expect((await health('away')).unreachableSince).toBeNull();
    await site.runs.cancel(localOwner, run.id);
    await site.settled();
  });
});

import { expect, test } from 'vitest';
import type { Deployment, Endpoint } from '../../../../domain/deployment.ts';
import { isWanted } from '../../../../services/deployments/endpoint-look.ts';
import { EndpointRecord } from '../../../../services/deployments/endpoint-record.ts';
import type { Transaction } from '../../../../store/contract/store.ts';

const endpoint = {
  id: 'end_1',
  version: 3,
  deploymentId: 'dep_1',
  revisionId: 'rev_1',
  state: 'LOADING',
  stateSince: 5,
  readyReplicas: 0,
  provenReplicas: [] as string[],
  warmth: null,
  waiting: null,
} as unknown as Endpoint;

/** Only what a record writes, noted. */
async function saved(record: EndpointRecord) {
  const written: { updated: Endpoint | null; events: unknown[] } = { updated: null, events: [] };
  await record.save({
    endpoints: { update: async (entity: Endpoint) => void (written.updated = entity) },
    events: {
      append: async (_: string, _at: number, events: unknown[]) => void (written.events = events),
    },
  } as unknown as Transaction);
  return written;
}

test('a record in which nothing changed writes nothing', async () => {
  const record = new EndpointRecord(endpoint, 10);
  record.patch({ state: 'LOADING' });
  record.prove([]);
  record.wait(null);
  expect(record.move('COLD', 'stale')).toBe(false);
  expect(record.changed).toBe(false);
  expect(await saved(record)).toEqual({ updated: null, events: [] });
});

test('warmth is told with the state, in one event', async () => {
  const record = new EndpointRecord({ ...endpoint, state: 'PROBING' }, 10);
  record.prove(['a']);
  record.warm({ probedAt: 10, latencyMs: 2, warmUpMs: 5 }, 'proven');
  const { updated, events } = await saved(record);
  expect(updated).toMatchObject({ version: 4, updatedAt: 10, state: 'WARM', readyReplicas: 1 });
  expect(events).toMatchObject([
    { from: 'PROBING', to: 'WARM', readyReplicas: 1, warmth: { latencyMs: 2 } },
  ]);
});

test('a change of the servers that answer is told although the state stays', async () => {
  const record = new EndpointRecord({ ...endpoint, state: 'WARM', provenReplicas: ['a'] }, 10);
  record.prove(['a', 'b']);
  expect((await saved(record)).events).toMatchObject([
    { type: 'deployment.endpointChanged', from: 'WARM', to: 'WARM', readyReplicas: 2 },
  ]);
});

test('the same reason for waiting keeps its time and is told once', async () => {
  const reason = { code: 'STARTING', message: 'm', nextAttemptAt: null, raw: null } as const;
  const first = new EndpointRecord(endpoint, 10);
  first.wait(reason);
  const again = new EndpointRecord(first.endpoint, 20);
  again.wait(reason);
  expect(again.changed).toBe(false);
  again.wait({ ...reason, message: 'other words' });
  expect(again.endpoint.waiting?.since).toBe(10);
  expect((await saved(again)).events).toHaveLength(1);
});

test('wanted are the revision that answers and the newest one, while the deployment is active', () => {
  const deployment = {
    state: 'ACTIVE',
    activeRevisionId: 'r1',
    latestRevisionId: 'r3',
  } as Deployment;
  const wanted = ['r1', 'r2', 'r3'].map((id) => isWanted(deployment, { id: id as never }));
  expect(wanted).toEqual([true, false, true]);
  expect(isWanted({ ...deployment, state: 'DELETING' }, { id: 'r1' as never })).toBe(false);
});

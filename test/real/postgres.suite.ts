import { Client } from 'pg';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { openPostgresStore } from '../../store/postgres/postgres-store.ts';
import { describeStore } from '../contract/store.contract.ts';
import {
  expectState,
  recorded,
  recordedVersions,
  type StoreState,
} from '../contract/store-states/state.ts';
import { openPostgresServer } from './postgres-server.ts';

const server = await openPostgresServer();
afterAll(() => server.stop());

const ambient = { now: () => Date.now(), random: () => Math.random() };

describeStore({
  name: server.version.split(' ').slice(0, 2).join(' '),
  async open() {
    const url = await server.schema();
    let current = await openPostgresStore({ url, ambient });
    return {
      store: current,
      async reopen() {
        await current.close();
        current = await openPostgresStore({ url, ambient });
        return current;
      },
      destroy: () => current.close(),
    };
  },
});

it.each(await recordedVersions())(
  'a database of version %s is brought up to date with all that is in it',
  async (version) => {
    const url = await server.schema();
    const client = new Client(url);
    await client.connect();
    await client.query(await recorded(version, 'postgres.sql'));
    await client.end();
    const store = await openPostgresStore({ url, ambient });
    onTestFinished(() => store.close());
    await expectState(store, JSON.parse(await recorded(version, 'content.json')) as StoreState);
    expect(await store.health()).toMatchObject({ ok: true });
  },
);

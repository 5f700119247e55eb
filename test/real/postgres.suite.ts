import { afterAll } from 'vitest';
import { openPostgresStore } from '../../store/postgres/postgres-store.ts';
import { describeStore } from '../contract/store.contract.ts';
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

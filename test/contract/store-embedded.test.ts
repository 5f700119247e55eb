import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { describeStore } from './store.contract.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

describeEmbedded('SQLite', 'exclusive');
describeEmbedded('SQLite that others share', 'shared');

function describeEmbedded(name: string, access: 'exclusive' | 'shared'): void {
  describeStore({
    name,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'fathom-store-'));
      const first = await openEmbeddedStore({ folder, ambient, access });
      const other =
        access === 'shared' ? await openEmbeddedStore({ folder, ambient, access }) : null;
      let current = first;
      return {
        store: first,
        async reopen() {
          await current.close();
          current = await openEmbeddedStore({ folder, ambient, access });
          return current;
        },
        async destroy() {
          await current.close();
          await other?.close();
          await rm(folder, { recursive: true });
        },
      };
    },
  });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { describeStore } from './store.contract.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

describeStore({
  name: 'SQLite',
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-store-'));
    const first = await openEmbeddedStore({ folder, ambient });
    let current = first;
    return {
      store: first,
      async reopen() {
        await current.close();
        current = await openEmbeddedStore({ folder, ambient });
        return current;
      },
      async destroy() {
        await current.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

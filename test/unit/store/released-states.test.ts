import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import {
  expectState,
  recorded,
  recordedVersions,
  type StoreState,
} from '../../contract/store-states/state.ts';
import { ambient, temporaryFolder } from './folder.ts';

const versions = await recordedVersions();

it('there are released states', () => {
  expect(versions).toContain('0.1.0');
});

it.each(versions)(
  'a folder of version %s is brought up to date with all that is in it',
  async (version) => {
    const folder = await temporaryFolder();
    const database = new DatabaseSync(join(folder, 'fathom.db'));
    database.exec(await recorded(version, 'embedded.sql'));
    database.close();
    const store = await openEmbeddedStore({ folder, ambient });
    onTestFinished(() => store.close());
    await expectState(store, JSON.parse(await recorded(version, 'content.json')) as StoreState);
  },
);

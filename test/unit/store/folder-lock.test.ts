import { describe, expect, it, onTestFinished } from 'vitest';
import { StoreUnusableError } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { startStoreProcess } from './child.ts';
import { ambient, temporaryFolder } from './folder.ts';

describe('a folder that a store holds', () => {
  it('is refused to a second process, with the first one named', async () => {
    const folder = await temporaryFolder();
    const store = await openEmbeddedStore({ folder, ambient });
    onTestFinished(() => store.close());
    const second = startStoreProcess(folder, 'hold');
    onTestFinished(() => second.kill());
    expect(await second.ended()).toBe(3);
    expect(second.lines.join(' ')).toContain(`${folder} is in use by process ${process.pid}`);
    expect(await store.health()).toMatchObject({ ok: true });
  });

  it('is free at once when the process that held it was killed', async () => {
    const folder = await temporaryFolder();
    const holder = startStoreProcess(folder, 'hold');
    onTestFinished(() => holder.kill());
    await holder.printed(1);
    const refused = openEmbeddedStore({ folder, ambient });
    await expect(refused).rejects.toThrow(`process ${holder.pid}`);
    await holder.kill();
    const store = await openEmbeddedStore({ folder, ambient });
    await store.close();
  });

  it('is refused to a second store of the same process, and free after close', async () => {
    const folder = await temporaryFolder();
    const store = await openEmbeddedStore({ folder, ambient });
    const second = openEmbeddedStore({ folder, ambient });
    await expect(second).rejects.toMatchObject({ name: 'StoreUnusableError', reason: 'IN_USE' });
    await expect(openEmbeddedStore({ folder, ambient })).rejects.toBeInstanceOf(StoreUnusableError);
    await store.close();
    await (await openEmbeddedStore({ folder, ambient })).close();
  });
});

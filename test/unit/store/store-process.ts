/**
 * A second process for the tests, on the folder of its first argument, or on the PostgreSQL at that address. `hold` opens it and waits; `write` commits without
 * end, ten transactions at a time, and prints the id of each one that was acknowledged; `claim` leases work of the kind
 * `claim` one row at a time and prints the key and token of each.
 */
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { openPostgresStore } from '../../../store/postgres/postgres-store.ts';
import { dataset, id } from '../../contract/store-samples.ts';

const [folder = '', mode = '', prefix = '', access = ''] = process.argv.slice(2);
let clock = 0;
const ambient = { now: () => (clock += 1), random: () => 0.5 };

try {
  const store = folder.startsWith('postgres:')
    ? await openPostgresStore({ url: folder, ambient })
    : await openEmbeddedStore({
        folder,
        ambient,
        access: access === 'shared' ? 'shared' : 'exclusive',
      });
  console.log('open');
  if (mode === 'hold') setInterval(() => undefined, 60_000);
  else if (mode === 'claim') await claim();
  else await Promise.all(Array.from({ length: 10 }, (_, lane) => write(`${prefix}${lane}`)));

  async function claim(): Promise<never> {
    for (;;) {
      const leases = await store.work.claim({
        kinds: ['claim'],
        worker: prefix,
        now: ambient.now(),
        leaseMs: 1_000_000,
        limit: 1,
      });
      for (const { key, token } of leases) console.log(`lease ${key} ${token}`);
      if (leases.length === 0) await store.work.changed(['claim'], new AbortController().signal);
    }
  }

  async function write(lane: string): Promise<never> {
    for (let n = 0; ; n += 1) {
      const name = `${lane}-${n}`;
      const own = { ...dataset({ name }), id: `${id('Dataset')}${prefix}` as never };
      await store.transaction(async (tx) => {
        await tx.datasets.insert(own);
        await tx.events.append('run_1', await tx.nextNumber('events'), [
          { type: 'trainingRun.cancelRequested', by: name },
        ]);
        await tx.streams.append('log', [`${name} ${'x'.repeat(400)}`]);
        await tx.enqueue('crash', name, 1);
      });
      console.log(`done ${name}`);
    }
  }
} catch (error) {
  console.log(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown');
  process.exitCode = 3;
}

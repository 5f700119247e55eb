import type { Ambient } from '../domain/ambient.ts';
import type { Store } from '../store/contract/store.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import type { Config } from './config.ts';

/**
 * The file in the state folder, or PostgreSQL where the configuration names one. Rejects with StoreUnusableError when it
 * cannot be used; `access` is about the file: PostgreSQL is always shared.
 */
export async function openStore(
  config: Config,
  ambient: Ambient,
  access: 'exclusive' | 'shared',
): Promise<Store> {
  if (config.databaseUrl === null) {
    return openEmbeddedStore({ folder: config.stateFolder, ambient, access });
  }
  // Loaded only where it is used: the embedded installation starts without it.
  const { openPostgresStore } = await import('../store/postgres/postgres-store.ts');
  const { redisUrl } = config;
  if (redisUrl === null) return openPostgresStore({ url: config.databaseUrl, ambient });
  const { RedisNotices } = await import('../store/redis/redis-notices.ts');
  return openPostgresStore({
    url: config.databaseUrl,
    ambient,
    beside: (about) =>
      new RedisNotices({ url: redisUrl, elapsed: () => performance.now(), ...about }),
  });
}

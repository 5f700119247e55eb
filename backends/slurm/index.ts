import type { Backend, BackendHealth } from '../contract/backend.ts';
import { noCapabilities } from '../contract/backend.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import { defineBackend } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { Handle } from '../contract/workload.ts';
import { openClient } from './client.ts';
import type { SlurmSettings } from './config.ts';
import { parseSettings } from './config.ts';
import { siteHealth } from './health.ts';
import { SlurmJobs } from './jobs.ts';
import { planOf } from './plan.ts';
import { release } from './release.ts';
import { Site } from './site.ts';

const abandonedAfterMs = 3600_000;
const healthLimitMs = 2000;

/** Jobs of a Slurm cluster, over slurmrestd or the command line. Slurm may be unreachable when it is opened. */
export const slurm = defineBackend<SlurmSettings>({
  type: 'slurm',
  parse: parseSettings,
  create: async (name, settings, surroundings) => {
    const client = openClient(settings, surroundings);
    const site = new Site({ name, settings, surroundings, client });
    try {
      site.folders.prepare('create');
      const now = surroundings.now();
      await site.folders.sweep(now - abandonedAfterMs);
      await site.arrays.sweep(now - abandonedAfterMs, now);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      surroundings.log('warn', `${name}: ${reason}`);
    }
    return new SlurmBackend(site, surroundings);
  },
});

class SlurmBackend implements Backend {
  readonly name: string;
  readonly type = 'slurm';
  readonly capabilities;
  readonly jobs: SlurmJobs;
  /** A batch system runs no servers. */
  readonly services = null;
  readonly functions = null;
  readonly #site: Site;
  readonly #surroundings: BackendSurroundings;

  constructor(site: Site, surroundings: BackendSurroundings) {
    const { gpus, container, runtime, enforcesMemory } = site.settings;
    const isShared = site.deliveries === null;
    this.name = site.name;
    this.capabilities = Object.freeze({
      ...noCapabilities,
      gpus: gpus.length > 0,
      gpuModels: gpus.length > 0,
      cancelQueued: true,
      enforcesMemory,
      enforcesTimeLimit: true,
      images: container !== null,
      deepaasImages: container !== null && runtime.length > 0,
      processes: runtime.length > 0,
      severalNodes: isShared,
      arrays: isShared,
      separatesStreams: true,
    });
    this.jobs = new SlurmJobs(site);
    this.#site = site;
    this.#surroundings = surroundings;
  }

  async health(): Promise<BackendHealth> {
    const checkedAt = this.#surroundings.now();
    try {
      this.#site.assertOpen('health');
      this.#site.folders.prepare('health');
      const native = await Promise.race([this.#site.client.site(), tooLong()]);
      return siteHealth(native, this.#site.settings, checkedAt);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { reachable: false, message, checkedAt, capacity: null };
    }
  }

  plan(wanted: Wanted, key: string): Promise<readonly NativeRequest[]> {
    return planOf(this.#site, wanted, key);
  }

  release(handle: Handle): Promise<void> {
    return release(this.#site, handle);
  }

  async close(): Promise<void> {
    this.#site.close();
  }
}

function tooLong(): Promise<never> {
  return new Promise((_resolve, reject) => {
    const error = new BackendError('Unavailable', 'health', 'Slurm did not answer within 2 s.');
    setTimeout(() => reject(error), healthLimitMs).unref();
  });
}

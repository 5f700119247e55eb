import type { Backend, BackendHealth, Capabilities } from '../contract/backend.ts';
import { noCapabilities } from '../contract/backend.ts';
import { defineBackend } from '../contract/definition.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { Handle } from '../contract/workload.ts';
import type { NomadSettings } from './config.ts';
import { parseSettings } from './config.ts';
import { siteHealth } from './health.ts';
import { NomadJobs } from './jobs.ts';
import { planOf } from './plan.ts';
import { release } from './release.ts';
import { NomadServices } from './services.ts';
import { Site } from './site.ts';

/** Batch and service jobs in one namespace of a Nomad cluster, which may be unreachable when it is opened. */
export const nomad = defineBackend<NomadSettings>({
  type: 'nomad',
  parse: parseSettings,
  create: async (name, settings, surroundings) =>
    new NomadBackend(new Site(name, settings, surroundings)),
});

class NomadBackend implements Backend {
  readonly name: string;
  readonly type = 'nomad';
  readonly capabilities: Capabilities;
  readonly jobs: NomadJobs;
  readonly services: NomadServices;
  readonly functions = null;
  readonly #site: Site;

  constructor(site: Site) {
    const { deepaas, docker, gpu, processes, runtime } = site.settings;
    this.name = site.name;
    this.capabilities = Object.freeze({
      ...noCapabilities,
      gpus: gpu !== null,
      gpuModels: gpu !== null,
      cancelQueued: true,
      // `raw_exec` may end a program for its memory, and never says that it did.
      enforcesMemory: !processes,
      enforcesTimeLimit: true,
      images: docker !== null,
      deepaasImages: docker !== null && deepaas !== null,
      processes: processes && runtime.length > 0,
      selfHealing: true,
      separatesStreams: true,
    });
    this.jobs = new NomadJobs(site);
    this.services = new NomadServices(site);
    this.#site = site;
  }

  health(): Promise<BackendHealth> {
    return siteHealth(this.#site);
  }

  async plan(wanted: Wanted, key: string): Promise<readonly NativeRequest[]> {
    this.#site.assertOpen('plan');
    const { settings, surroundings } = this.#site;
    return planOf(wanted, key, settings, surroundings.deliveries !== null);
  }

  async release(handle: Handle): Promise<void> {
    await release(this.#site, handle);
    const { mark } = handle.native;
    if (typeof mark === 'string') this.services.forget(mark);
  }

  async close(): Promise<void> {
    this.#site.close();
  }
}

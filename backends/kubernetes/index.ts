import type { Backend, BackendHealth, Capabilities } from '../contract/backend.ts';
import { noCapabilities } from '../contract/backend.ts';
import { defineBackend } from '../contract/definition.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { Handle } from '../contract/workload.ts';
import type { KubernetesSettings } from './config.ts';
import { parseSettings } from './config.ts';
import { siteHealth } from './health.ts';
import { KubernetesJobs } from './jobs.ts';
import { planOf } from './plan.ts';
import { release } from './release.ts';
import { wraps } from './work-volumes.ts';
import { KubernetesServices } from './services.ts';
import { Site } from './site.ts';

/** Jobs and Deployments in one namespace of a cluster, which may be unreachable when it is opened. */
export const kubernetes = defineBackend<KubernetesSettings>({
  type: 'kubernetes',
  parse: parseSettings,
  create: async (name, settings, surroundings) =>
    new KubernetesBackend(new Site(name, settings, surroundings)),
});

class KubernetesBackend implements Backend {
  readonly name: string;
  readonly type = 'kubernetes';
  readonly capabilities: Capabilities;
  readonly jobs: KubernetesJobs;
  readonly services: KubernetesServices;
  readonly functions = null;
  readonly #site: Site;

  constructor(site: Site) {
    const hasGpus = site.settings.gpu !== null;
    this.name = site.name;
    this.capabilities = Object.freeze({
      ...noCapabilities,
      gpus: hasGpus,
      gpuModels: hasGpus,
      cancelQueued: true,
      enforcesMemory: true,
      enforcesTimeLimit: true,
      images: true,
      deepaasImages: site.settings.deepaas !== null,
      selfHealing: true,
      severalNodes: site.settings.launcher === null,
      separatesStreams: site.settings.splitLogStreams || wraps(site.settings, { kind: 'JOB' }),
    });
    this.jobs = new KubernetesJobs(site);
    this.services = new KubernetesServices(site);
    this.#site = site;
  }

  health(): Promise<BackendHealth> {
    return siteHealth(this.#site);
  }

  async plan(wanted: Wanted, key: string): Promise<readonly NativeRequest[]> {
    this.#site.assertOpen('plan');
    return planOf(wanted, key, this.#site.settings);
  }

  async release(handle: Handle): Promise<void> {
    await release(this.#site, handle);
    const { uid } = handle.native;
    if (typeof uid === 'string') this.services.forget(uid);
  }

  async close(): Promise<void> {
    this.#site.close();
  }
}

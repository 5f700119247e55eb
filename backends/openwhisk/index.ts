import type { Backend, BackendHealth, Capabilities } from '../contract/backend.ts';
import { noCapabilities } from '../contract/backend.ts';
import { defineBackend } from '../contract/definition.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { Handle } from '../contract/workload.ts';
import type { OpenWhiskSettings } from './config.ts';
import { parseSettings } from './config.ts';
import { OpenWhiskFunctions } from './functions.ts';
import { siteHealth } from './health.ts';
import { release } from './release.ts';
import { Site } from './site.ts';
import { planOf } from './translate.ts';

/** Actions in one namespace of OpenWhisk, which may be unreachable when it is opened. */
export const openwhisk = defineBackend<OpenWhiskSettings>({
  type: 'openwhisk',
  parse: parseSettings,
  create: async (name, settings, surroundings) =>
    new OpenWhiskBackend(new Site(name, settings, surroundings)),
});

class OpenWhiskBackend implements Backend {
  readonly name: string;
  readonly type = 'openwhisk';
  readonly capabilities: Capabilities;
  readonly jobs = null;
  readonly services = null;
  readonly functions: OpenWhiskFunctions;
  readonly #site: Site;

  constructor(site: Site) {
    this.name = site.name;
    this.capabilities = Object.freeze({
      ...noCapabilities,
      enforcesMemory: true,
      enforcesTimeLimit: true,
      images: true,
      selfHealing: true,
      separatesStreams: site.settings.splitLogStreams,
    });
    this.functions = new OpenWhiskFunctions(site);
    this.#site = site;
  }

  health(): Promise<BackendHealth> {
    return siteHealth(this.#site);
  }

  async plan(wanted: Wanted, key: string): Promise<readonly NativeRequest[]> {
    this.#site.assertOpen('plan');
    const { settings, surroundings } = this.#site;
    return planOf(wanted, key, settings, surroundings.deliveries);
  }

  async release(handle: Handle): Promise<void> {
    await release(this.#site, handle);
  }

  async close(): Promise<void> {
    this.#site.close();
  }
}

import { availableParallelism, totalmem } from 'node:os';
import { statfs } from 'node:fs/promises';
import type { Backend, BackendHealth } from '../contract/backend.ts';
import { noCapabilities } from '../contract/backend.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import { defineBackend } from '../contract/definition.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { Handle } from '../contract/workload.ts';
import type { Capacity } from './allocation.ts';
import { assertOffered } from './allocation.ts';
import { LocalClient } from './client.ts';
import type { LocalSettings } from './config.ts';
import { parseSettings } from './config.ts';
import type { GpuSurvey } from './gpus.ts';
import { surveyGpus } from './gpus.ts';
import { LocalJobs } from './jobs.ts';
import { planOf } from './plan.ts';
import { release } from './release.ts';
import { Scheduler } from './scheduler.ts';
import { LocalServices } from './services.ts';
import { Site } from './site.ts';

const abandonedAfterMs = 3600_000;

/** Real processes on this machine, supervised, which go on while the server is down. */
export const local = defineBackend<LocalSettings>({
  type: 'local',
  parse: parseSettings,
  create: async (name, settings, surroundings) => {
    const survey = await surveyOf(settings);
    const client = new LocalClient(surroundings.stateFolder, settings.supervisor);
    await client.sweep(surroundings.now() - abandonedAfterMs);
    const scheduler = new Scheduler(client, capacityOf(settings, survey), survey.raw, () =>
      surroundings.now(),
    );
    const site = new Site({ name, settings, surroundings, client, scheduler });
    site.rescan();
    void site.look();
    return new LocalBackend(site, surroundings);
  },
});

class LocalBackend implements Backend {
  readonly name: string;
  readonly type = 'local';
  readonly capabilities;
  readonly jobs: LocalJobs;
  readonly services: LocalServices;
  readonly functions = null;
  readonly #site: Site;
  readonly #surroundings: BackendSurroundings;

  constructor(site: Site, surroundings: BackendSurroundings) {
    const hasGpus = site.scheduler.capacity.gpus.length > 0;
    this.name = site.name;
    this.capabilities = Object.freeze({
      ...noCapabilities,
      gpus: hasGpus,
      gpuModels: hasGpus,
      cancelQueued: true,
      enforcesMemory: true,
      enforcesTimeLimit: true,
      processes: true,
      selfHealing: true,
      separatesStreams: true,
    });
    this.jobs = new LocalJobs(site);
    this.services = new LocalServices(site);
    this.#site = site;
    this.#surroundings = surroundings;
  }

  async health(): Promise<BackendHealth> {
    const { scheduler, closed } = this.#site;
    const checkedAt = this.#surroundings.now();
    if (closed) {
      return { reachable: false, message: `${this.name} is closed.`, checkedAt, capacity: null };
    }
    const space = await statfs(this.#surroundings.stateFolder).catch(() => null);
    const { capacity, held } = scheduler;
    const freeMiB = space === null ? null : Math.floor((space.bavail * space.bsize) / 1024 ** 2);
    return {
      reachable: space !== null,
      message: describe(capacity, scheduler.gpuEvidence, freeMiB),
      checkedAt,
      capacity: {
        ...capacity,
        gpus: capacity.gpus.map((gpu) => ({
          ...gpu,
          inUse: held.some(({ gpus }) => gpus.includes(gpu.index)),
        })),
        cpusInUse: held.reduce((sum, one) => sum + one.cpus, 0),
        memoryInUseMiB: held.reduce((sum, one) => sum + one.memoryMiB, 0),
        gpusInUse: held.reduce((sum, one) => sum + one.gpus.length, 0),
        queued: scheduler.jobs.filter((job) => !scheduler.isGranted(job)).length,
      },
    };
  }

  async plan(wanted: Wanted, key: string): Promise<readonly NativeRequest[]> {
    this.#site.assertOpen('plan');
    const { settings, client, scheduler } = this.#site;
    assertOffered(scheduler, wanted.workload.resources, 'plan');
    return planOf(wanted, key, settings, (kind, name) => client.workFolder(kind, name));
  }

  release(handle: Handle): Promise<void> {
    return release(this.#site, handle, { jobs: this.jobs, services: this.services });
  }

  async close(): Promise<void> {
    this.services.close();
    this.#site.close();
  }
}

async function surveyOf(settings: LocalSettings): Promise<GpuSurvey> {
  if (settings.gpus === 'detect') return surveyGpus(settings.nvidiaSmi);
  if (settings.gpus === 'none') return { gpus: [], raw: 'GPUs are switched off in the settings.' };
  return { gpus: settings.gpus, raw: 'GPUs are listed in the settings.' };
}

function capacityOf(settings: LocalSettings, survey: GpuSurvey): Capacity {
  return {
    cpus: settings.cpus === 'detect' ? availableParallelism() : settings.cpus,
    memoryMiB: settings.memoryMiB === 'detect' ? machineMemoryMiB() : settings.memoryMiB,
    gpus: survey.gpus,
  };
}

/** What this machine has, or the control group we run in allows. */
function machineMemoryMiB(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return Math.floor((constrained > 0 ? Math.min(constrained, total) : total) / 1024 ** 2);
}

function describe(capacity: Capacity, gpuEvidence: string, freeMiB: number | null): string {
  if (freeMiB === null) return 'The state folder cannot be reached.';
  const gpus =
    capacity.gpus.length > 0
      ? `${capacity.gpus.length} GPUs`
      : `no GPU (${gpuEvidence.split('\n')[0] ?? ''})`;
  const disk = freeMiB < 1024 ? `; only ${freeMiB} MiB of disk are left` : '';
  return `This machine: ${capacity.cpus} processors, ${capacity.memoryMiB} MiB of memory, ${gpus}${disk}.`;
}

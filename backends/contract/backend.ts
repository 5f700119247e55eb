import type { GpuDevice } from '../../domain/resources.ts';
import type { FunctionRunner } from './function-runner.ts';
import type { JobRunner } from './job-runner.ts';
import type { ServiceRunner } from './service-runner.ts';
import type { NativeRequest, Wanted } from './native-request.ts';
import type { Handle } from './workload.ts';

/**
 * A place where things run. It offers one or more facets; a facet that is null answers Unsupported above.
 */
export interface Backend {
  /** As configured, unique, for example `local`. */
  readonly name: string;
  readonly type: string;
  readonly capabilities: Capabilities;
  readonly jobs: JobRunner | null;
  readonly services: ServiceRunner | null;
  readonly functions: FunctionRunner | null;
  /** Never rejects; looks, within 2 s. */
  health(): Promise<BackendHealth>;
  /**
   * The dry run: what `submit` or `deploy` would send under this key. Nothing is sent, started or written, and it answers
   * while the backend cannot be reached. Rejects with Unsupported or Rejected as `submit` or `deploy` would.
   */
  plan(wanted: Wanted, key: string): Promise<readonly NativeRequest[]>;
  /** Forgets a job or service for good: stops it if it runs, removes its native object and its work folder. Idempotent. */
  release(handle: Handle): Promise<void>;
  /** Lets go of everything here; what runs goes on. Every method rejects afterwards. Idempotent. */
  close(): Promise<void>;
}

/** Frozen data, with stated defaults; what is absent answers Unsupported, and that answer is tested. */
export interface Capabilities {
  readonly gpus: boolean;
  /** Whether GPUs can be asked for by model. */
  readonly gpuModels: boolean;
  readonly cancelQueued: boolean;
  /** Whether memory and time limits are enforced. */
  readonly enforcesMemory: boolean;
  readonly enforcesTimeLimit: boolean;
  /** Whether it can run images, and module folders as processes. */
  readonly images: boolean;
  readonly processes: boolean;
  /** Whether it can run images that have DEEPaaS and nothing of ours, see `ModuleSource`. */
  readonly deepaasImages: boolean;
  /** Whether it replaces servers that fail. */
  readonly selfHealing: boolean;
  /** Whether one job can have several nodes, see `Resources.nodes`. */
  readonly severalNodes: boolean;
  /** Whether jobs can be handed over together and limited as one, see `JobArray`; elsewhere each is submitted alone. */
  readonly arrays: boolean;
  /** Whether standard output and standard error are told apart in logs. */
  readonly separatesStreams: boolean;
}

export const noCapabilities: Capabilities = Object.freeze({
  gpus: false,
  gpuModels: false,
  cancelQueued: false,
  enforcesMemory: false,
  enforcesTimeLimit: false,
  images: false,
  processes: false,
  deepaasImages: false,
  selfHealing: false,
  severalNodes: false,
  arrays: false,
  separatesStreams: false,
});

export interface BackendHealth {
  readonly reachable: boolean;
  /** A sentence, also when all is well: version, address, what is wrong. */
  readonly message: string;
  readonly checkedAt: number;
  readonly capacity: {
    readonly cpus: number;
    readonly memoryMiB: number;
    readonly gpus: readonly SiteGpu[];
    readonly cpusInUse: number;
    readonly memoryInUseMiB: number;
    readonly gpusInUse: number;
    /** Jobs accepted and not started. */
    readonly queued: number;
  } | null;
}

export interface SiteGpu extends GpuDevice {
  /** Absent where the site says only how many are in use, or nothing. */
  readonly inUse?: boolean;
}

/** What a workload asks for. Memory in MiB, processors in whole or fractional cores, time in seconds. */
export interface Resources {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly gpus: GpuRequest | null;
  readonly timeLimitSeconds: number;
  /**
   * How many nodes work together, each with all of the above; absent is one. The program runs once on each, with
   * FATHOM_NODE_RANK from 0, FATHOM_NODES, and FATHOM_HEAD_ADDRESS: a name or address where rank 0 can be reached.
   */
  readonly nodes?: number;
}

export interface GpuRequest {
  /** At least 1. */
  readonly count: number;
  /** As the site names it, for example `NVIDIA A100-PCIE-40GB`; null for any. Compared without case. */
  readonly model: string | null;
  /** Least memory of each device; null for any. */
  readonly memoryMiB: number | null;
}

export interface GpuDevice {
  readonly index: number;
  readonly model: string;
  readonly memoryMiB: number;
}

export const defaultResources: Resources = Object.freeze({
  cpus: 1,
  memoryMiB: 2048,
  gpus: null,
  timeLimitSeconds: 3600,
});

/** A server answers for moments and waits for hours: it is not counted as a whole processor. */
export const defaultInferenceResources: Resources = Object.freeze({
  cpus: 0.25,
  memoryMiB: 1024,
  gpus: null,
  timeLimitSeconds: 3600,
});

export const resourceLimits = Object.freeze({
  nodes: { minimum: 1, maximum: 1024 },
  cpus: { minimum: 0.1, maximum: 1024 },
  memoryMiB: { minimum: 64, maximum: 16 * 1024 * 1024 },
  gpuCount: { minimum: 1, maximum: 1024 },
  timeLimitSeconds: { minimum: 1, maximum: 30 * 24 * 3600 },
});

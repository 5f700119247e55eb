import type { Json, JsonObject } from '../../../domain/json.ts';
import {
  defaultInferenceResources,
  defaultResources,
  resourceLimits,
  type Resources,
} from '../../../domain/resources.ts';
import { amountOf, objectOf } from './lenient.ts';

/**
 * What the metadata recommends for training and inference; what it leaves out comes from the defaults. Its MB are taken
 * for MiB: the platform that the format comes from hands the numbers to a scheduler that means MiB.
 */
export function recommendedResources(metadata: JsonObject): {
  readonly training: Resources;
  readonly inference: Resources;
} {
  const resources = objectOf(metadata['resources']);
  return {
    training: read(resources['training'], defaultResources),
    inference: read(resources['inference'], defaultInferenceResources),
  };
}

function read(value: Json | undefined, defaults: Resources): Resources {
  const asked = objectOf(value);
  const gpus = Math.floor(amountOf(asked['gpu']) ?? 0);
  const gpuMemory = amountOf(asked['gpu_memory_MB']);
  return {
    cpus: within(amountOf(asked['cpu']), resourceLimits.cpus, defaults.cpus),
    memoryMiB: Math.ceil(
      within(amountOf(asked['memory_MB']), resourceLimits.memoryMiB, defaults.memoryMiB),
    ),
    gpus:
      gpus < 1
        ? null
        : {
            count: Math.min(gpus, resourceLimits.gpuCount.maximum),
            model: null,
            memoryMiB: gpuMemory === null || gpuMemory === 0 ? null : Math.ceil(gpuMemory),
          },
    timeLimitSeconds: defaults.timeLimitSeconds,
  };
}

/** Zero means: said nothing. */
function within(
  value: number | null,
  limit: { readonly minimum: number; readonly maximum: number },
  otherwise: number,
): number {
  if (value === null || value === 0) return otherwise;
  return Math.min(Math.max(value, limit.minimum), limit.maximum);
}

import type { V1Affinity } from './native.ts';
import type { GpuRequest } from '../../domain/resources.ts';
import { BackendError } from '../contract/error.ts';
import type { GpuSettings } from './config.ts';

/** On which nodes such GPUs are. */
export function gpuNodes(
  request: GpuRequest,
  settings: GpuSettings | null,
): { readonly nodeSelector?: Record<string, string>; readonly affinity?: V1Affinity } {
  if (settings === null) {
    throw new BackendError('Unsupported', 'translate', 'No GPUs are configured here.');
  }
  const affinity =
    request.memoryMiB === null ? null : atLeast(settings.memoryLabel, request.memoryMiB);
  return {
    ...(request.model === null
      ? {}
      : { nodeSelector: { [settings.productLabel]: productOf(request.model, settings) } }),
    ...(affinity === null ? {} : { affinity }),
  };
}

function productOf(model: string, { models }: GpuSettings): string {
  // A label has no spaces: feature discovery writes `NVIDIA-A100-PCIE-40GB`.
  const wanted = model.trim().replaceAll(/\s+/g, '-');
  if (models.length === 0) return wanted;
  const found = models.find((one) => one.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found;
  const message = `There is no such GPU here; there are: ${models.join(', ')}.`;
  throw new BackendError('Unsupported', 'translate', message);
}

function atLeast(label: string, memoryMiB: number): V1Affinity {
  const expression = { key: label, operator: 'Gt', values: [String(Math.ceil(memoryMiB) - 1)] };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [expression] }],
      },
    },
  };
}

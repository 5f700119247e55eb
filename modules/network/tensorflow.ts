import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type * as Core from '@tensorflow/tfjs-core';
import type * as Layers from '@tensorflow/tfjs-layers';

export interface TensorFlow {
  readonly core: typeof Core;
  readonly layers: typeof Layers;
}

let loaded: Promise<TensorFlow> | null = null;

/**
 * Loads TensorFlow.js on first use. WebAssembly with SIMD is the default: it trains these networks
 * five times as fast as plain JavaScript and rounds alike on every machine.
 * `MODULE_TENSOR_BACKEND=cpu` picks plain JavaScript, for a machine without WebAssembly.
 */
export function loadTensorFlow(): Promise<TensorFlow> {
  loaded ??= load(process.env['MODULE_TENSOR_BACKEND'] ?? 'wasm');
  return loaded;
}

async function load(backend: string): Promise<TensorFlow> {
  const core = await import('@tensorflow/tfjs-core');
  const layers = await import('@tensorflow/tfjs-layers');
  if (backend === 'wasm') {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    const require = createRequire(import.meta.url);
    const manifest = require.resolve('@tensorflow/tfjs-backend-wasm/package.json');
    wasm.setWasmPaths(join(dirname(manifest), 'dist/'));
  } else {
    await import('@tensorflow/tfjs-backend-cpu');
  }
  if (!(await core.setBackend(backend))) {
    throw new Error(`TensorFlow.js has no working backend named ${backend}.`);
  }
  await core.ready();
  return { core, layers };
}

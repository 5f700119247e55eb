import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend } from '../../../backends/contract/backend.ts';
import { createBackend } from '../../../backends/registry.ts';

/** A backend of the registry with these settings, opened; nothing there is reached. */
export async function openBackend(
  folder: string,
  name: string,
  type: string,
  settings: object,
): Promise<Backend> {
  const stateFolder = join(folder, 'backends', name);
  await mkdir(stateFolder, { recursive: true });
  return createBackend(type, name, settings, {
    now: () => Date.now(),
    random: () => Math.random(),
    stateFolder,
    deliveries: null,
    log: () => undefined,
    placeBlob: () => Promise.reject(new Error('nothing is placed here')),
  });
}

import { BackendError } from './contract/error.ts';
import type { Backend } from './contract/backend.ts';
import type { BackendSurroundings } from './contract/definition.ts';
import { kubernetes } from './kubernetes/index.ts';
import { local } from './local/index.ts';
import { nomad } from './nomad/index.ts';
import { openwhisk } from './openwhisk/index.ts';
import { slurm } from './slurm/index.ts';

/** Adding a backend is adding its line here. */
export const backendDefinitions = [local, kubernetes, nomad, openwhisk, slurm] as const;

export type BackendType = (typeof backendDefinitions)[number]['type'];

/**
 * Opens the backend of that type under `name`. Rejects with a sentence for the operator when there is
 * no such type or the settings are wrong.
 */
export async function createBackend(
  type: string,
  name: string,
  settings: unknown,
  surroundings: BackendSurroundings,
): Promise<Backend> {
  const definition = backendDefinitions.find((one) => one.type === type);
  if (definition === undefined) {
    const known = backendDefinitions.map((one) => one.type).join(', ');
    const message = `There is no backend of type "${type}"; there are: ${known}.`;
    throw new BackendError('Unsupported', 'create', message);
  }
  return definition.open(name, settings, surroundings);
}

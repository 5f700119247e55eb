import type { Ambient } from '../../domain/ambient.ts';
import type { Backend } from './backend.ts';

/** What every backend is given beside its own settings. */
export interface BackendSurroundings extends Ambient {
  /** Writes a blob as a read-only file at an absolute path (the shared folder of the data plane). */
  readonly placeBlob: (sha256: string, path: string) => Promise<void>;
  /** A folder of this backend's own, kept between restarts; absolute. */
  readonly stateFolder: string;
  /** For the operator's log. */
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** One for each type of backend, made in `backends/<type>/index.ts`, listed in `backends/registry.ts`. */
export interface BackendDefinition<Settings> {
  readonly type: string;
  /** Throws a sentence for the operator when the settings are wrong. */
  readonly parse: (settings: unknown) => Settings;
  readonly create: (
    name: string,
    settings: Settings,
    surroundings: BackendSurroundings,
  ) => Promise<Backend>;
}

export function defineBackend<Settings>(
  definition: BackendDefinition<Settings>,
): BackendDefinition<Settings> {
  return Object.freeze(definition);
}

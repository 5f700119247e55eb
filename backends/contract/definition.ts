import type { Ambient } from '../../domain/ambient.ts';
import type { Backend } from './backend.ts';
import type { Deliveries } from './delivery.ts';

/** What every backend is given beside its own settings. */
export interface BackendSurroundings extends Ambient {
  /** Writes a blob as a read-only file at an absolute path (the shared folder of the data plane). */
  readonly placeBlob: (sha256: string, path: string) => Promise<void>;
  /** For sites that share no folder with us; null where this process offers none. */
  readonly deliveries: Deliveries | null;
  /** A folder of this backend's own, kept between restarts; absolute. */
  readonly stateFolder: string;
  /**
   * Whether this process starts what waits and ends what is over; asked at every look. False while another process on the
   * same state folder does: then this one looks on, and calls services. Default: always.
   */
  readonly mayDispatch?: () => boolean;
  /**
   * W3C's `traceparent` of the call that is being made, for requests that can carry it; null when nobody records it.
   * Default: always null.
   */
  readonly traceparent?: () => string | null;
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

/** A definition whose settings are its own matter, so that definitions of different settings stand in one table. */
export interface DefinedBackend<Settings> extends BackendDefinition<Settings> {
  /** Parses, then creates. Rejects with a sentence for the operator when the settings are wrong. */
  readonly open: (
    name: string,
    settings: unknown,
    surroundings: BackendSurroundings,
  ) => Promise<Backend>;
}

export function defineBackend<Settings>(
  definition: BackendDefinition<Settings>,
): DefinedBackend<Settings> {
  return Object.freeze({
    ...definition,
    open: async (name: string, settings: unknown, surroundings: BackendSurroundings) =>
      definition.create(name, definition.parse(settings), surroundings),
  });
}

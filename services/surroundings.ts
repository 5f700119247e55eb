import type { BackendDirectory } from '../backends/contract/directory.ts';
import type { Ambient } from '../domain/ambient.ts';
import type { Traces } from '../domain/traces.ts';
import type { BlobStore } from '../storage/contract/blob-store.ts';
import type { Store } from '../store/contract/store.ts';
import type { Links } from './links.ts';

/** What every use case stands on; handed in once, by the server. */
export interface Surroundings {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly backends: BackendDirectory;
  readonly links: Links;
  readonly ambient: Ambient;
  readonly traces: Traces;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;
}

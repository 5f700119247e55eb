import type { Backend } from './backend.ts';

/** The backends that this installation has, in the order of its configuration. */
export interface BackendDirectory {
  get(name: string): Backend | null;
  all(): readonly Backend[];
}

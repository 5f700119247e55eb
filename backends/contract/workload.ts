import type { JsonObject } from '../../domain/json.ts';
import type { ModuleSource } from '../../domain/module.ts';
import type { Resources } from '../../domain/resources.ts';

/** What is run: a module's operation, or (for checks and tools) a plain command. */
export type Program =
  | {
      readonly kind: 'MODULE';
      readonly module: { readonly slug: string; readonly source: ModuleSource };
      /** `train` reads workload.json in the work folder; `serve` listens; see modules/runtime/README.md. */
      readonly operation: 'train' | 'serve';
    }
  | { readonly kind: 'COMMAND'; readonly argv: readonly string[]; readonly image: string | null };

/** A file in the work folder before the program starts. Paths are relative and never leave the folder. */
export interface InputFile {
  readonly path: string;
  readonly content:
    | { readonly kind: 'TEXT'; readonly text: string }
    | {
        readonly kind: 'BLOB';
        readonly sha256: string;
        readonly bytes: number;
        readonly url: string | null;
      };
}

interface Workload {
  /** For people; never used to find anything. */
  readonly title: string;
  readonly program: Program;
  readonly environment: { readonly [name: string]: string };
  /** Like environment, but shown in no listing and no log. */
  readonly secrets: { readonly [name: string]: string };
  readonly inputs: readonly InputFile[];
  readonly resources: Resources;
  /** Small, for adoption and for people: run id, attempt number, owner. */
  readonly labels: { readonly [name: string]: string };
}

/** Runs to an end. The program leaves its results under `out/` of the work folder. */
export type JobWorkload = Workload;

/** Runs until removed: `replicas` servers of the module, each given a trained artifact under `artifact/` or none. */
export interface ServiceWorkload extends Workload {
  readonly replicas: number;
  /** Inputs under this folder are the trained artifact; null serves what the module ships. */
  readonly artifactFolder: string | null;
}

/** Opaque above the backend; enough to find the native thing again after a restart. Plain JSON. */
export interface Handle {
  readonly backend: string;
  readonly version: 1;
  readonly native: JsonObject;
}

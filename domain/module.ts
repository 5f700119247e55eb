import type { Ownership } from './actor.ts';
import type { Id } from './ids.ts';
import type { Json, JsonObject } from './json.ts';
import type { Resources } from './resources.ts';

export type MetadataFormat = 'AI4OS_V2' | 'DEEP_V1';

/** What strict validation found wrong in a metadata file. An entry with findings is listed, and says so. */
export interface Finding {
  readonly severity: 'ERROR' | 'WARNING';
  /** JSON pointer into the metadata file. */
  readonly pointer: string;
  readonly message: string;
}

export interface ModuleLink {
  /** As the metadata names it: `source_code`, `docker_image`, `dataset`, … */
  readonly rel: string;
  readonly href: string;
}

/** A catalogue entry: what the metadata file beside the module's code says, normalised over V1 and V2. */
export interface Module extends Ownership {
  readonly id: Id<'Module'>;
  readonly version: number;
  /** Unique, lower case, from the folder or repository name. */
  readonly slug: string;
  readonly title: string;
  readonly summary: string;
  /** Markdown. */
  readonly description: string;
  readonly licence: string | null;
  readonly tags: readonly string[];
  readonly tasks: readonly string[];
  readonly categories: readonly string[];
  readonly libraries: readonly string[];
  readonly dataTypes: readonly string[];
  readonly links: readonly ModuleLink[];
  readonly doi: string | null;
  readonly metadataFormat: MetadataFormat;
  readonly metadataVersion: string | null;
  /** The file as it was read, unknown keys kept. */
  readonly metadata: JsonObject;
  readonly findings: readonly Finding[];
  readonly trainable: boolean;
  readonly latestVersionId: Id<'ModuleVersion'> | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** How the code of a version is found and started. */
export type ModuleSource =
  | {
      readonly kind: 'FOLDER';
      readonly path: string;
      /** The same code as an image, as its metadata says: for backends that run images only. Absent when it names none. */
      readonly image?: string;
      readonly deepaas?: StockDeepaas;
    }
  | { readonly kind: 'IMAGE'; readonly image: string; readonly deepaas?: StockDeepaas };

/**
 * Says of an image that it has `deepaas-run` and nothing of ours: it is trained and served through that. Absent: the image
 * brings our command for modules.
 */
export interface StockDeepaas {
  /** The name in the routes of its API. */
  readonly model: string;
}

/** A request that a served module must answer before it is called warm. */
export interface ModuleSample {
  readonly arguments: JsonObject;
  readonly expect: Json;
}

/** Code that can be run; never changes once made. */
export interface ModuleVersion {
  readonly id: Id<'ModuleVersion'>;
  readonly version: number;
  readonly moduleId: Id<'Module'>;
  /** Semantic version that the module declares. */
  readonly name: string;
  /** SHA-256 over the module's files (path, size, content), hexadecimal. */
  readonly digest: string;
  readonly source: ModuleSource;
  /** The Swagger 2.0 document that the module serves. */
  readonly document: JsonObject;
  /** JSON Schema 2020-12 of the training arguments; null when the module cannot be trained. */
  readonly trainSchema: JsonObject | null;
  /** JSON Schema 2020-12 of the prediction arguments; file arguments carry `contentMediaType`. */
  readonly predictSchema: JsonObject;
  readonly sample: ModuleSample | null;
  /** Whether it predicts without being trained first. */
  readonly pretrained: boolean;
  readonly resources: { readonly training: Resources; readonly inference: Resources };
  readonly createdAt: number;
}

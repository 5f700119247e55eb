import { join } from 'node:path';
import type {
  Deliveries as BackendDeliveries,
  Delivery,
  Received,
} from '../../../backends/contract/delivery.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { JobExit } from '../../../backends/contract/job-runner.ts';
import type { InputFile } from '../../../backends/contract/workload.ts';
import { readControlFile } from '../../../backends/work-folder/control-file.ts';
import { readLog } from '../../../backends/work-folder/log-reader.ts';
import { outputFolder } from '../../../backends/work-folder/outputs.ts';
import type { Ambient } from '../../../domain/ambient.ts';
import { FathomError } from '../../../domain/errors.ts';
import { PartsUnderWay } from '../parts-under-way.ts';
import { type DeliveryRecord, DeliveryFolders, deliveryId } from './delivery-folders.ts';
import { type DeliveryLimits, deliveryLimits } from './limits.ts';
import { ReceivedFiles } from './received-files.ts';
import { heardAt, sessionOf } from './sessions.ts';

/** A delivery as its launcher, whose token was right, finds it. */
export interface OpenDelivery {
  readonly record: DeliveryRecord;
  readonly folder: string;
}

/** Everything that deliveries of one state folder are: what backends ask of it, and what the routes do. */
export class Deliveries {
  readonly limits: DeliveryLimits;
  readonly ambient: Pick<Ambient, 'now'>;
  /** What is being received now, over whichever address. */
  readonly parts = new PartsUnderWay(256);
  readonly #folders: DeliveryFolders;
  readonly #baseUrl: () => string;
  readonly #isStored: (sha256: string) => Promise<boolean>;
  readonly #files = new Map<string, { readonly nonce: string; files: Promise<ReceivedFiles> }>();

  constructor(options: {
    /** Absolute; made when it is needed. */
    readonly folder: string;
    readonly secret: Uint8Array;
    /** How launchers reach the routes, without a slash at the end; empty while nobody listens. */
    readonly baseUrl: () => string;
    readonly ambient: Pick<Ambient, 'now'>;
    readonly limits?: Partial<DeliveryLimits>;
    /** Whether a blob is there to be fetched; what is not is refused at once. Default: all are. */
    readonly isStored?: (sha256: string) => Promise<boolean>;
  }) {
    this.limits = { ...deliveryLimits, ...options.limits };
    this.ambient = options.ambient;
    this.#folders = new DeliveryFolders(options.folder, options.secret, options.ambient);
    this.#baseUrl = options.baseUrl;
    this.#isStored = options.isStored ?? (async () => true);
  }

  /** What a backend of this name is given; keys of others are not its own. */
  forBackend(backend: string): BackendDeliveries {
    return {
      open: (key, inputs, { lifetimeSeconds }) =>
        this.#open(deliveryId(backend, key), inputs, lifetimeSeconds),
      received: async (key) => this.#received(deliveryId(backend, key)),
      release: async (key) => {
        const id = deliveryId(backend, key);
        this.#files.delete(id);
        await this.#folders.remove(id);
      },
    };
  }

  /** UNAUTHENTICATED, in the same words, whatever is wrong: the id, the token, its time, or that it was released. */
  enter(id: string, authorization: string | undefined): OpenDelivery {
    const token = authorization?.match(/^Bearer ([\w.-]{1,200})$/i)?.[1];
    const record = this.#folders.read(id);
    if (record === null) this.#files.delete(id);
    if (token === undefined || record === null || !this.#folders.opens(record, token)) {
      throw new FathomError(
        'UNAUTHENTICATED',
        'The token opens no delivery here, or not any more.',
      );
    }
    return { record, folder: this.#folders.folder(id) };
  }

  inputs({ record }: OpenDelivery): readonly InputFile[] {
    return this.#folders.inputs(record.id);
  }

  files({ record, folder }: OpenDelivery): Promise<ReceivedFiles> {
    const known = this.#files.get(record.id);
    if (known?.nonce === record.nonce) return known.files;
    const files = ReceivedFiles.open(folder, this.limits);
    this.#files.set(record.id, { nonce: record.nonce, files });
    files.catch(() => this.#files.delete(record.id));
    return files;
  }

  async #open(
    id: string,
    inputs: readonly InputFile[],
    lifetimeSeconds: number,
  ): Promise<Delivery> {
    const base = this.#baseUrl();
    if (base === '') {
      const message = 'Nothing listens yet where a site could fetch its data.';
      throw new BackendError('Unavailable', 'submit', message);
    }
    if (this.#folders.read(id) === null) await this.#checkStored(inputs);
    const record = await this.#folders.open(id, inputs, lifetimeSeconds);
    return { url: `${base}/deliveries/${id}`, token: this.#folders.token(record) };
  }

  /** A job that could never fetch its data is not started. */
  async #checkStored(inputs: readonly InputFile[]): Promise<void> {
    for (const { path, content } of inputs) {
      if (content.kind === 'TEXT' || (await this.#isStored(content.sha256))) continue;
      const message = `The input ${JSON.stringify(path)} is not stored here: ${content.sha256}.`;
      throw new BackendError('Rejected', 'submit', message);
    }
  }

  #received(id: string): Received {
    if (this.#folders.read(id) === null) {
      throw new BackendError('NotFound', 'outputs', 'There is no such delivery.');
    }
    const folder = this.#folders.folder(id);
    const log = (after: string | null) =>
      readLog(join(folder, 'log'), after, new AbortController().signal);
    return {
      outputs: outputFolder(join(folder, 'files')),
      exit: exitOf(folder),
      logs: sessionOf(folder)?.role === 'RETURN' ? null : log,
      heardAt: heardAt(folder),
    };
  }
}

/** As the launcher wrote it; null before. */
export function exitOf(folder: string): JobExit | null {
  const value = readControlFile(join(folder, 'exit.json'));
  if (value === null || value === undefined) return null;
  const { cause, code, signal, message } = value as JobExit;
  return { cause, code, signal, message };
}

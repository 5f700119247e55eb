import { type Actor, maySee } from '../../domain/actor.ts';
import { type Upload, type UploadState, uploadStates } from '../../domain/dataset.ts';
import { FathomError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { transition } from '../../domain/state.ts';
import type { Transaction } from '../../store/contract/store.ts';
import { once } from '../once.ts';
import type { Surroundings } from '../surroundings.ts';
import { changeable, idOf, notFound } from '../visible.ts';
import { filePath, pathConflict } from './file-path.ts';
import { Findings } from './findings.ts';
import { datasetLimits } from './limits.ts';

/** The kind of work that ends uploads nobody finished. */
export const uploadWork = 'upload';

export interface CreateUploads {
  readonly datasetId: string;
  readonly files: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  readonly idempotencyKey: string | null;
}

/** Files on their way in. */
export class Uploads {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }

  /** Announces files; their bytes follow over HTTP. An empty file is complete at once. */
  async create(actor: Actor, request: CreateUploads): Promise<readonly Upload[]> {
    const datasetId = idOf('Dataset', request.datasetId, ['datasetId']);
    const files = checkedFiles(request.files);
    const { idempotencyKey, ...input } = request;
    const key = {
      actor,
      operation: 'createUploads',
      idempotencyKey,
      input: input as unknown as Json,
    };
    const now = this.#at.ambient.now();
    const uploads = await this.#at.store.transaction(async (tx) => {
      const dataset = await tx.datasets.get(datasetId);
      changeable(actor, dataset, 'Dataset', datasetId, ['datasetId']);
      const ids = await once(tx, key, async () => {
        await assertRoom(tx, actor, files.length);
        const made = files.map((file): Upload => {
          const expiresAt = now + datasetLimits.uploadLifetime;
          return {
            id: newId('Upload', now, () => this.#at.ambient.random()),
            version: 1,
            owner: actor.subject,
            datasetId,
            ...file,
            state: 'OPEN',
            stateSince: now,
            refusal: null,
            expiresAt,
            createdAt: now,
          };
        });
        for (const upload of made) {
          await tx.uploads.insert(upload);
          await tx.enqueue(uploadWork, upload.id, upload.expiresAt);
        }
        return made.map((upload) => upload.id);
      });
      return (await tx.uploads.getMany(ids)).filter((upload) => upload !== null);
    });
    return Promise.all(uploads.map((upload) => this.#withoutBytes(upload)));
  }

  /**
   * Takes a part at `offset`, which must be where the upload stands (WRONG_STATE otherwise). With the last byte the
   * digest is verified: DIGEST_MISMATCH refuses the upload for good. Returns how far it came.
   */
  async receive(
    actor: Actor,
    id: string,
    offset: number,
    content: AsyncIterable<Uint8Array>,
  ): Promise<UploadProgress> {
    const upload = await this.#open(actor, id);
    if (upload.state !== 'OPEN') {
      throw new FathomError('WRONG_STATE', `The upload is ${upload.state}; it takes no bytes.`);
    }
    const received = await this.#at.blobs.uploads.append(id, offset, content, upload.bytes);
    if (received < upload.bytes) return { upload, received };
    return this.#finish(upload);
  }

  /** How far it came. An upload whose last byte came just before a crash is finished here. */
  async progress(actor: Actor, id: string): Promise<UploadProgress> {
    const upload = await this.#open(actor, id);
    if (upload.state !== 'OPEN') return { upload, received: settledBytes(upload) };
    const received = await this.#at.blobs.uploads.received(id);
    if (received < upload.bytes) return { upload, received };
    return this.#finish(upload);
  }

  /** Gives it up; an upload that ended otherwise than complete stays as it is. */
  async abort(actor: Actor, id: string): Promise<Upload> {
    const uploadId = idOf('Upload', id);
    const upload = ownUpload(actor, await this.#at.store.uploads.get(uploadId), id);
    if (upload.state === 'COMPLETE') {
      throw new FathomError('WRONG_STATE', 'The upload is complete.', { path: ['id'] });
    }
    const ended = await this.#end(upload, 'REFUSED', 'It was aborted.');
    if (ended.state === 'COMPLETE') {
      throw new FathomError('WRONG_STATE', 'The upload is complete.', { path: ['id'] });
    }
    return ended;
  }

  /** Ends an upload whose time is up. Returns when to look again, or null when it has ended. */
  async expire(
    id: string,
    assertLease: (tx: Transaction) => Promise<void>,
  ): Promise<number | null> {
    const upload = await this.#at.store.uploads.get(id);
    if (upload === null) return null;
    if (upload.state === 'OPEN' && upload.expiresAt > this.#at.ambient.now()) {
      return upload.expiresAt;
    }
    await this.#end(upload, 'EXPIRED', null, assertLease);
    return null;
  }

  /** Null when there is none of the actor's; BAD_ID when the text is no id of an upload. */
  async get(actor: Actor, id: string): Promise<Upload | null> {
    return (await this.byId(actor, [idOf('Upload', id)]))[0] ?? null;
  }

  /** In the order of `ids`; null for those that the actor may not see. */
  async byId(actor: Actor, ids: readonly string[]): Promise<readonly (Upload | null)[]> {
    const uploads = await this.#at.store.uploads.getMany(ids);
    return uploads.map((upload) =>
      upload !== null && maySeeUpload(actor, upload) ? upload : null,
    );
  }

  /** Those of each data set that the actor owns, newest first. */
  pages(
    actor: Actor,
    datasetIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Upload>>> {
    return this.#at.store.uploads.pageEach('datasetId', datasetIds, { visibleTo: actor }, page);
  }

  counts(actor: Actor, datasetIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#at.store.uploads.countEach('datasetId', datasetIds, { visibleTo: actor });
  }

  /** Where its parts go; null when it takes none any more. */
  urlOf(upload: Upload): string | null {
    return upload.state === 'OPEN' ? this.#at.links.upload(upload.id) : null;
  }

  /** Bytes that are safe here. */
  received(upload: Upload): Promise<number> {
    return upload.state === 'OPEN'
      ? this.#at.blobs.uploads.received(upload.id)
      : Promise.resolve(settledBytes(upload));
  }

  async #open(actor: Actor, id: string): Promise<Upload> {
    const upload = ownUpload(actor, await this.#at.store.uploads.get(idOf('Upload', id)), id);
    if (upload.state === 'OPEN' && upload.expiresAt <= this.#at.ambient.now()) {
      return this.#end(upload, 'EXPIRED', null);
    }
    return upload;
  }

  /** No part will ever come for an empty file: it ends now. */
  async #withoutBytes(upload: Upload): Promise<Upload> {
    if (upload.bytes > 0 || upload.state !== 'OPEN') return upload;
    try {
      return (await this.#finish(upload)).upload;
    } catch (error) {
      if (!(error instanceof FathomError) || error.code !== 'DIGEST_MISMATCH') throw error;
      return (await this.#at.store.uploads.get(upload.id)) ?? upload;
    }
  }

  async #finish(upload: Upload): Promise<UploadProgress> {
    try {
      await this.#at.blobs.uploads.complete(upload.id, upload);
    } catch (error) {
      const code = error instanceof FathomError ? error.code : null;
      if (code === 'DIGEST_MISMATCH' && error instanceof Error) {
        await this.#end(upload, 'REFUSED', error.message);
      }
      if (code !== 'NOT_FOUND') throw error;
      // Somebody else ended it at the same moment; what they wrote holds.
      const now = await this.#at.store.uploads.get(upload.id);
      if (now === null || now.state === 'OPEN') throw error;
      return { upload: now, received: settledBytes(now) };
    }
    const ended = await this.#end(upload, 'COMPLETE', null);
    return { upload: ended, received: settledBytes(ended) };
  }

  /** Ends it unless it has ended, then lets go of its partial file. Returns it as it is now. */
  async #end(
    upload: Upload,
    to: UploadState,
    refusal: string | null,
    assertLease: (tx: Transaction) => Promise<void> = () => Promise.resolve(),
  ): Promise<Upload> {
    const ended = await this.#at.store.transaction(async (tx) => {
      await assertLease(tx);
      const now = await tx.uploads.get(upload.id);
      if (now === null) throw notFound('Upload', upload.id);
      const change = transition(uploadStates, now, to, this.#at.ambient.now(), refusal);
      if (change === null) return now;
      const entity = { ...change.entity, refusal, version: now.version + 1 };
      await tx.uploads.update(entity);
      return entity;
    });
    await this.#at.blobs.uploads.discard(upload.id);
    return ended;
  }
}

export interface UploadProgress {
  readonly upload: Upload;
  readonly received: number;
}

function settledBytes(upload: Upload): number {
  return upload.state === 'COMPLETE' ? upload.bytes : 0;
}

function maySeeUpload(actor: Actor, upload: Upload): boolean {
  return maySee(actor, { owner: upload.owner, visibility: 'PRIVATE' });
}

function ownUpload(actor: Actor, upload: Upload | null, id: string): Upload {
  if (upload === null || !maySeeUpload(actor, upload)) throw notFound('Upload', id);
  return upload;
}

async function assertRoom(tx: Transaction, actor: Actor, more: number): Promise<void> {
  const open = await tx.uploads.count({ where: { owner: actor.subject, state: 'OPEN' } });
  if (open + more <= datasetLimits.openUploads) return;
  throw new FathomError(
    'QUOTA_EXCEEDED',
    `You have ${open} uploads under way; with these it would be more than ${datasetLimits.openUploads}.`,
    { path: ['files'] },
  );
}

function checkedFiles(files: CreateUploads['files']): CreateUploads['files'] {
  const findings = new Findings();
  const most = datasetLimits.uploadsPerCall;
  if (files.length < 1 || files.length > most) {
    findings.add(['files'], `Announce 1 to ${most} files in one call.`);
    findings.settle();
  }
  const checked = files.map(({ path, bytes, sha256 }, index) => {
    const at = ['files', String(index)];
    if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > datasetLimits.fileBytes) {
      findings.add([...at, 'bytes'], `A file has 0 to ${datasetLimits.fileBytes} bytes.`);
    }
    if (!/^[0-9a-fA-F]{64}$/.test(sha256)) {
      findings.add([...at, 'sha256'], 'A SHA-256 has 64 hexadecimal digits.');
    }
    const checkedPath = findings.try(() => filePath(path, [...at, 'path'])) ?? '';
    return { path: checkedPath, bytes, sha256: sha256.toLowerCase() };
  });
  findings.settle();
  const conflict = pathConflict(checked.map((file) => file.path));
  if (conflict !== null) {
    findings.add(['files'], `${conflict.first} and ${conflict.second} ${conflict.why}.`);
    findings.settle();
  }
  return checked;
}

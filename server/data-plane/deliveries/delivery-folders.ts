import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InputFile } from '../../../backends/contract/workload.ts';
import {
  makePrivateFolder,
  readControlFile,
  replaceFile,
  syncFolder,
} from '../../../backends/work-folder/control-file.ts';
import type { Ambient } from '../../../domain/ambient.ts';

/** One opening of one delivery. After a release the same key opens another one, with another nonce. */
export interface DeliveryRecord {
  readonly version: 1;
  readonly id: string;
  readonly nonce: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/**
 * Deliveries as folders, so that they outlive restarts and every process on the state folder sees the same:
 * `<id>/record.json`, `<id>/inputs.json` (written with the folder), and what came back: `files/`, `incoming/`, `log/`,
 * `index.jsonl`, `session.json`, `heard`, `exit.json`.
 */
export class DeliveryFolders {
  readonly #root: string;
  readonly #secret: Uint8Array;
  readonly #ambient: Pick<Ambient, 'now'>;

  constructor(root: string, secret: Uint8Array, ambient: Pick<Ambient, 'now'>) {
    this.#root = root;
    this.#secret = secret;
    this.#ambient = ambient;
  }

  folder(id: string): string {
    return join(this.#root, id);
  }

  /** Makes it, or finds it; a token that would end in half of `lifetimeSeconds` is given a new end. */
  async open(
    id: string,
    inputs: readonly InputFile[],
    lifetimeSeconds: number,
  ): Promise<DeliveryRecord> {
    const expiresAt = Math.ceil(this.#ambient.now() / 1000 + lifetimeSeconds);
    const known = this.read(id) ?? (await this.#create(id, inputs, expiresAt));
    if (known.expiresAt > expiresAt - lifetimeSeconds / 2) return known;
    const renewed = { ...known, expiresAt };
    replaceFile(join(this.folder(id), 'record.json'), renewed);
    return renewed;
  }

  /** Null when it was never opened, or was released. */
  read(id: string): DeliveryRecord | null {
    if (!/^[0-9a-f]{32}$/.test(id)) return null;
    const value = readControlFile(join(this.folder(id), 'record.json'));
    return value === null || value === undefined ? null : (value as DeliveryRecord);
  }

  inputs(id: string): readonly InputFile[] {
    return (readControlFile(join(this.folder(id), 'inputs.json')) ?? []) as readonly InputFile[];
  }

  /** From one moment to the next nothing of it can be found. */
  async remove(id: string): Promise<void> {
    const aside = join(this.#root, `released-${randomUUID()}`);
    try {
      await rename(this.folder(id), aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return;
    }
    await rm(aside, { recursive: true, force: true });
  }

  token(record: DeliveryRecord): string {
    const expiry = record.expiresAt.toString(36);
    return `${expiry}.${this.#signature(record, expiry).toString('base64url')}`;
  }

  /** Whether `token` opens this delivery now. */
  opens(record: DeliveryRecord, token: string): boolean {
    const [expiry = '', signed = '', ...rest] = token.split('.');
    const given = Buffer.from(signed, 'base64url');
    const expected = this.#signature(record, expiry);
    const isGenuine = given.length === expected.length && timingSafeEqual(given, expected);
    return (
      isGenuine && rest.length === 0 && Number.parseInt(expiry, 36) * 1000 > this.#ambient.now()
    );
  }

  #signature({ id, nonce }: DeliveryRecord, expiry: string): Buffer {
    const scope = `delivery\n${id}\n${nonce}\n${expiry}`;
    return createHmac('sha256', this.#secret).update(scope).digest();
  }

  async #create(
    id: string,
    inputs: readonly InputFile[],
    expiresAt: number,
  ): Promise<DeliveryRecord> {
    makePrivateFolder(this.#root);
    const record: DeliveryRecord = { version: 1, id, nonce: randomUUID(), expiresAt };
    const draft = join(this.#root, `draft-${randomUUID()}`);
    await mkdir(draft, { mode: 0o700 });
    try {
      for (const name of ['files', 'incoming', 'log']) {
        await mkdir(join(draft, name), { mode: 0o700 });
      }
      await writeFile(join(draft, 'inputs.json'), JSON.stringify(inputs), { mode: 0o600 });
      replaceFile(join(draft, 'record.json'), record);
      await rename(draft, this.folder(id));
      syncFolder(this.#root);
      return record;
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      // Another process was faster: its opening is the one.
      const theirs = this.read(id);
      if (theirs !== null) return theirs;
      throw error;
    }
  }
}

/** The same key gives the same id for ever; other keys, and keys of other backends, give other ids. */
export function deliveryId(backend: string, key: string): string {
  return createHash('sha256').update(`${backend}\n${key}`).digest('hex').slice(0, 32);
}

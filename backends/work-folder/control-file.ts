import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Null when the file is not there; `undefined` when it is no JSON (then somebody else wrote it). */
export function readControlFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Writes the whole file in one step, unless it is there already: false then. Readers never see a part. */
export function writeOnce(path: string, value: unknown): boolean {
  const draft = writeDraft(path, value);
  try {
    linkSync(draft, path);
    syncFolder(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** Replaces the whole file in one step. */
export function replaceFile(path: string, value: unknown): void {
  renameSync(writeDraft(path, value), path);
}

/** A rename is durable only when the folder is. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Of this process: those of several containers have the same number. */
const instance = randomUUID().slice(0, 13);
let drafts = 0;

function writeDraft(path: string, value: unknown): string {
  const draft = `${path}.${instance}-${++drafts}.draft`;
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    // A disk that is nearly full takes a part, and says so only when it is asked to take the rest.
    let rest = Buffer.from(JSON.stringify(value));
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
    fsyncSync(descriptor);
  } catch (error) {
    // A disk that is full is not to be left fuller.
    unlinkSync(draft);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return draft;
}

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AwayError, RefusedError } from './exchange.ts';
import type { Platform } from './platform.ts';

export interface Manifest {
  readonly inputs: readonly (TextInput | BlobInput)[];
  readonly limits: { readonly files: number; readonly bytes: number; readonly logBytes: number };
}

interface TextInput {
  readonly path: string;
  readonly text: string;
}

interface BlobInput {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Relative to the manifest, or absolute; it expires. */
  readonly url: string;
}

/** An input that will never be right, however often it is fetched. */
export class InputError extends Error {}

const atOnce = 4;
const wrongContentsAllowed = 3;

/**
 * Programs of somebody else's run as whatever user their image says, which is seldom ours: the folders that they write to
 * are opened to all. Where the folder is somebody else's already, that is as it is.
 */
export async function openToAll(work: string, manifest: Manifest | null): Promise<void> {
  const folders = new Set([work, join(work, 'out')]);
  for (const { path } of manifest?.inputs ?? []) {
    for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(join(work, at));
  }
  await mkdir(join(work, 'out'), { recursive: true });
  for (const folder of folders) await chmod(folder, 0o777).catch(() => undefined);
}

/** Every input in the work folder, verified. What is there already is not fetched again. */
export async function fetchInputs(platform: Platform, work: string): Promise<Manifest> {
  const manifest = await readManifest(platform);
  const incoming = join(work, '.fathom', 'incoming');
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  const rest = [...manifest.inputs];
  const worker = async (): Promise<void> => {
    for (let input = rest.shift(); input !== undefined; input = rest.shift()) {
      const path = join(work, inner(input.path));
      await mkdir(dirname(path), { recursive: true });
      if ('text' in input) await writeWhole(path, input.text);
      else if (!(await isThere(path, input))) await fetchBlob(platform, input, path, incoming);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return manifest;
}

async function readManifest(platform: Platform): Promise<Manifest> {
  const { text } = await platform.ask('GET', 'manifest');
  return JSON.parse(text) as Manifest;
}

async function fetchBlob(
  platform: Platform,
  input: BlobInput,
  path: string,
  incoming: string,
): Promise<void> {
  // By place, not by content: two inputs of the same content are fetched at once without meeting.
  const name = createHash('sha256').update(`${input.path}\n${input.sha256}`).digest('hex');
  const partial = join(incoming, name);
  let { url } = input;
  for (let wrong = 0; ;) {
    try {
      await platform.patiently(async (_count, gotFurther) => {
        const before = await sizeOf(partial);
        try {
          await continueBlob(platform, { ...input, url }, partial);
        } finally {
          if ((await sizeOf(partial)) > before) gotFurther();
        }
      });
    } catch (error) {
      if (!(error instanceof RefusedError) || error.code !== 'NOT_FOUND') throw error;
      // The link has expired, or the file is gone: a new manifest tells.
      url = await newUrl(platform, input);
      wrong++;
    }
    if ((await sizeOf(partial)) === input.bytes) {
      if ((await digestOf(partial)) === input.sha256) break;
      await rm(partial, { force: true });
      wrong++;
    }
    if (wrong >= wrongContentsAllowed) {
      throw new InputError(
        `The input ${JSON.stringify(input.path)} cannot be fetched as announced.`,
      );
    }
  }
  await chmod(partial, 0o444);
  await rename(partial, path);
}

/** Goes on where an earlier attempt was cut off. */
async function continueBlob(platform: Platform, input: BlobInput, partial: string): Promise<void> {
  let have = await sizeOf(partial);
  if (have === input.bytes && have > 0) return;
  if (have > input.bytes) {
    await rm(partial, { force: true });
    have = 0;
  }
  const range: Record<string, string> =
    have === 0 ? {} : { range: `bytes=${have}-`, 'if-range': `"${input.sha256}"` };
  await platform.open({
    method: 'GET',
    url: new URL(input.url, platform.address('manifest')).href,
    headers: range,
    isOurs: ({ etag }) => etag === `"${input.sha256}"`,
    into: async (answer) => {
      const flags = answer.statusCode === 206 ? 'a' : 'w';
      await pipeline(answer, createWriteStream(partial, { flags, mode: 0o600 }));
    },
  });
  if ((await sizeOf(partial)) < input.bytes) throw new AwayError('The connection ended early.');
}

async function newUrl(platform: Platform, input: BlobInput): Promise<string> {
  const { inputs } = await readManifest(platform);
  const again = inputs.find(({ path }) => path === input.path);
  if (again !== undefined && 'url' in again) return again.url;
  throw new InputError(`The input ${JSON.stringify(input.path)} is not offered any more.`);
}

async function isThere(path: string, input: BlobInput): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isFile() || found.size !== input.bytes) return false;
  return (await digestOf(path)) === input.sha256;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.unfinished`;
  await writeFile(draft, text);
  await rename(draft, path);
}

/** Our own disk is not given into anybody's hands, not even the platform's. */
function inner(path: string): string {
  const names = path.split('/');
  const isInner = names.every((name) => name !== '' && name !== '.' && name !== '..');
  if (isInner && !/[\0\\]/.test(path)) return path;
  throw new InputError(`The input path ${JSON.stringify(path)} leaves the work folder.`);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

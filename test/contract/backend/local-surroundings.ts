import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BackendSurroundings } from '../../../backends/contract/definition.ts';
import { FathomError } from '../../../domain/errors.ts';

export const knownBlobs = new Map<string, string | Uint8Array>();

export function localSurroundings(
  stateFolder: string,
  blobs: string,
  log: string[],
): BackendSurroundings {
  return {
    now: () => Date.now(),
    random: () => 0.5,
    stateFolder,
    deliveries: null,
    placeBlob: async (sha256, path) => {
      const content =
        knownBlobs.get(sha256) ?? (await readFile(join(blobs, sha256), 'utf8').catch(() => null));
      if (content === null) throw new FathomError('NOT_FOUND', 'There is no such blob.');
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content, { mode: 0o400 });
    },
    log: (level, message) => void log.push(`${level}: ${message}`),
  };
}

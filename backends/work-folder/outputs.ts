import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { BackendError } from '../contract/error.ts';
import type { OutputFolder } from '../contract/job-runner.ts';
import { isInnerPath } from './inputs.ts';

/** The regular files below `folder`. The program that wrote there is not trusted: no link is followed. */
export function outputFolder(folder: string): OutputFolder {
  return {
    list: async (prefix) => {
      const files: { path: string; bytes: number }[] = [];
      await listFiles(folder, '', prefix, files);
      return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    },
    read: (path) => readOutput(folder, path),
  };
}

async function listFiles(
  root: string,
  below: string,
  prefix: string,
  files: { path: string; bytes: number }[],
): Promise<void> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && (path.startsWith(prefix) || prefix.startsWith(`${path}/`))) {
      await listFiles(root, path, prefix, files);
    } else if (entry.isFile() && path.startsWith(prefix)) {
      const size = await sizeOf(join(root, path));
      if (size !== null) files.push({ path, bytes: size });
    }
  }
}

async function sizeOf(path: string): Promise<number | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => null);
  if (file === null) return null;
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function readOutput(folder: string, path: string): Promise<AsyncIterable<Uint8Array>> {
  const absent = new BackendError(
    'NotFound',
    'outputs',
    `There is no output ${JSON.stringify(path)}.`,
  );
  if (!isInnerPath(path)) throw absent;
  const root = await realpath(folder).catch(() => null);
  const real = await realpath(join(folder, path)).catch(() => null);
  if (root === null || real === null || real !== root + sep + path.split('/').join(sep)) {
    throw absent;
  }
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(real, flags).catch(() => null);
  if (file === null) throw absent;
  if (!(await file.stat()).isFile()) {
    await file.close();
    throw absent;
  }
  return file.createReadStream();
}

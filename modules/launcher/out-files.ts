import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface OutFile {
  /** Below `out/`, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly changedAt: number;
  /** Another one means another content. */
  readonly mark: string;
}

/** The regular files below `out/`, sorted. No link is followed. */
export async function outFiles(out: string, below = ''): Promise<readonly OutFile[]> {
  const files: OutFile[] = [];
  // A link in its place leads to what is not the program's to give.
  const folder = await lstat(out).catch(() => null);
  if (folder?.isDirectory() === true) await collect(out, below, files);
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Null when it is no regular file (any more). */
export async function outFile(out: string, path: string): Promise<OutFile | null> {
  const found = await lstat(join(out, path)).catch(() => null);
  if (found === null || !found.isFile()) return null;
  const { size, mtimeMs, ino } = found;
  return { path, bytes: size, changedAt: mtimeMs, mark: `${size} ${mtimeMs} ${ino}` };
}

/**
 * Those that are complete while the program runs: not written to for `settleMs`, open for writing in no process that we
 * see, and not under a name that says they are unfinished. A program that renames what it has written into place is
 * always right with this; one that writes in place must not pause in the middle of a file with the file closed.
 */
export function complete(
  files: readonly OutFile[],
  out: string,
  options: { readonly now: number; readonly settleMs: number },
): readonly OutFile[] {
  const settled = files.filter(
    ({ path, changedAt }) =>
      options.now - changedAt >= options.settleMs &&
      !path.split('/').some((name) => unfinishedName.test(name)),
  );
  if (settled.length === 0) return [];
  const written = beingWritten(out);
  return settled.filter(({ path }) => !written.has(path));
}

const unfinishedName = /^\.|\.(unfinished|partial|part|tmp|temp|draft)$|~$/i;

async function collect(out: string, below: string, files: OutFile[]): Promise<void> {
  const entries = await readdir(join(out, below), { withFileTypes: true }).catch(() => null);
  if (entries === null) {
    const file = below === '' ? null : await outFile(out, below);
    if (file !== null) files.push(file);
    return;
  }
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) await collect(out, path, files);
    else if (entry.isFile()) {
      const file = await outFile(out, path);
      if (file !== null) files.push(file);
    }
  }
}

/** Paths below `out` that some process has open for writing; empty where the system does not tell. */
function beingWritten(out: string): ReadonlySet<string> {
  const paths = new Set<string>();
  const root = `${attempt(() => realpathSync(out)) ?? out}/`;
  for (const pid of attempt(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    for (const descriptor of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      if (target?.startsWith(root) !== true) continue;
      const info = attempt(() => readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'));
      const flags = Number.parseInt(info?.match(/^flags:\s*(\d+)/m)?.[1] ?? '0', 8);
      if ((flags & 3) !== 0) paths.add(target.slice(root.length));
    }
  }
  return paths;
}

/** Processes and files may go while we look. */
function attempt<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}

// Leaves of node_modules what the modules import, and what that needs: an image carries nothing of the platform.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const packages = join(root, 'node_modules');
/** Folders of packages, relative to node_modules. */
const kept = new Set();

for (const name of imported(join(root, 'modules'))) keep(name, root);
let removed = 0;
for (const folder of folders(packages)) {
  if (kept.has(folder)) continue;
  rmSync(join(packages, folder), { recursive: true });
  removed += 1;
}
console.log(`${kept.size} packages kept, ${removed} removed`);

/** Names of the packages that the sources below `folder` import. */
function imported(folder) {
  const names = new Set();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.m?[jt]s$/.test(entry.name)) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    for (const [, name] of text.matchAll(
      /(?:from|import|resolve|require)\s*\(?\s*['"]((?:@[\w.-]+\/)?[a-z][\w.-]*)(?:\/[^'"]*)?['"]/g,
    )) {
      names.add(name);
    }
  }
  return names;
}

function keep(name, from) {
  const folder = folderOf(name, from);
  // A built-in, an optional one that is not there, or a word that only looks like an import.
  if (folder === null) return;
  const path = folder.slice(packages.length + 1);
  const top = path.split(`${sep}node_modules${sep}`)[0];
  const isNew = !kept.has(path);
  kept.add(path).add(top);
  if (!isNew) return;
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const needed of Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  })) {
    keep(needed, folder);
  }
}

/** As Node looks for it: beside whoever asks, then upwards. */
function folderOf(name, from) {
  const paths = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  for (const place of paths.filter((path) => path.startsWith(root))) {
    const folder = join(place, name);
    try {
      readFileSync(join(folder, 'package.json'));
      return folder;
    } catch {
      if (dirname(place) === root) return null;
    }
  }
  return null;
}

/** Names of the packages at the top, scoped ones with their scope. */
function folders(place) {
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) =>
      entry.name.startsWith('@')
        ? readdirSync(join(place, entry.name)).map((name) => join(entry.name, name))
        : [entry.name],
    );
}

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Every program that is built: name in `dist/` → source. */
export const entries = {
  main: 'server/main.ts',
  demo: 'server/demo/main.ts',
  supervisor: 'backends/local/supervisor.ts',
  launcher: 'modules/launcher/main.ts',
};

/** These go to other machines: one file each, for the oldest Node that is still about there. */
const alone = new Set(['launcher']);

// No folder below dist/: a bundled file lies as deep as its source in server/, so `..` is the root in both.
const options = {
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  packages: 'external',
  alias: { 'nomad-client': './node_modules/nomad-client' },
  sourcemap: true,
  tsconfig: 'tsconfig.json',
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  legalComments: 'none',
  logLevel: 'silent',
};

const aloneOptions = {
  ...options,
  splitting: false,
  target: 'node20',
  sourcemap: false,
  outExtension: { '.js': '.mjs' },
};

export class BuildError extends Error {}

/**
 * Bundles every entry whose source exists into `dist/`, or does nothing when all inputs of the last
 * build still have the same content. Throws BuildError when `needed` (a name of `entries`) has no
 * source or the sources do not compile. Returns the names whose source is not there.
 */
export async function build(needed, { project = root, table = entries } = {}) {
  const names = Object.keys(table);
  const present = [];
  for (const name of names) if (await exists(join(project, table[name]))) present.push(name);
  const missing = names.filter((name) => !present.includes(name));
  if (needed !== undefined && !present.includes(needed)) {
    throw new BuildError(
      `cannot build "${needed}": there is no ${table[needed] ?? 'entry of that name'}`,
    );
  }
  const wanted = Object.fromEntries(present.map((name) => [name, table[name]]));
  if (present.length > 0 && !(await isCurrent(project, wanted))) await bundle(project, wanted);
  return missing;
}

async function bundle(project, wanted) {
  const esbuild = await import('esbuild');
  const out = join(project, 'dist');
  const pass = (settings, isWanted) =>
    esbuild.build({
      ...settings,
      absWorkingDir: project,
      entryPoints: Object.fromEntries(Object.entries(wanted).filter(([name]) => isWanted(name))),
      outdir: out,
      write: false,
      metafile: true,
    });
  const results = await Promise.all([
    pass(options, (name) => !alone.has(name)),
    pass(aloneOptions, (name) => alone.has(name)),
  ])
    .catch((error) => {
      throw new BuildError(`the sources do not build:\n${error.message}`);
    })
    // Its process would stay beside the server for as long as that runs.
    .finally(() => void esbuild.stop());
  await mkdir(out, { recursive: true });
  const outputs = results.flatMap((result) => result.outputFiles);
  const files = outputs.map((file) => ({
    name: file.path.slice(out.length + 1),
    bytes: file.contents,
  }));
  // Entries last: whoever starts at this moment finds an old entry with its old chunks, or a whole new one.
  const isEntry = (name) => wanted[name.replace(/\.m?js$/, '')] !== undefined;
  files.sort((a, b) => Number(isEntry(a.name)) - Number(isEntry(b.name)));
  for (const file of files) await writeWhole(join(out, file.name), file.bytes);
  await removeOldChunks(out, new Set(files.map((file) => file.name)));
  const sources = results.flatMap((result) => Object.keys(result.metafile.inputs));
  const inputs = ['tsconfig.json', ...new Set(sources)];
  const stamp = {
    key: keyOf(wanted),
    outputs: files.map((file) => file.name),
    inputs: await digests(project, inputs),
  };
  await writeWhole(join(out, 'build.json'), JSON.stringify(stamp));
}

/** Content, not times: a checkout or a restored backup must never leave an old bundle behind. */
async function isCurrent(project, wanted) {
  const text = await readFile(join(project, 'dist', 'build.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const stamp = JSON.parse(text);
  if (stamp.key !== keyOf(wanted)) return false;
  for (const name of stamp.outputs) if (!(await exists(join(project, 'dist', name)))) return false;
  const now = await digests(project, Object.keys(stamp.inputs)).catch(() => undefined);
  return (
    now !== undefined &&
    Object.entries(stamp.inputs).every(([path, digest]) => now[path] === digest)
  );
}

function keyOf(wanted) {
  return createHash('sha256')
    .update(JSON.stringify([options, aloneOptions, wanted]))
    .digest('hex');
}

async function digests(project, paths) {
  const pairs = paths.map(async (path) => [
    path,
    createHash('sha256')
      .update(await readFile(join(project, path)))
      .digest('hex'),
  ]);
  return Object.fromEntries(await Promise.all(pairs));
}

/** A server that runs may still load a chunk of the last build: only yesterday's are removed. */
async function removeOldChunks(out, current) {
  const dayAgo = Date.now() - 24 * 60 * 60 * 1000;
  for (const name of await readdir(out)) {
    if (current.has(name) || !/\.js(\.map)?$/.test(name)) continue;
    const { mtimeMs } = await stat(join(out, name));
    if (mtimeMs < dayAgo) await rm(join(out, name), { force: true });
  }
}

async function writeWhole(path, content) {
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, content);
  await rename(partial, path);
}

async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const missing = await build();
    for (const name of missing)
      console.error(`fathom: entry "${name}" has no source ${entries[name]}`);
    process.exitCode = missing.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`fathom: ${error.message}`);
    process.exitCode = 1;
  }
}

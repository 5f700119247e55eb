import { execFile } from 'node:child_process';
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { DockerEngine } from './docker-engine.ts';
import { buildModuleImage } from './module-image.ts';

const run = promisify(execFile);
const large = { maxBuffer: 64 * 1024 * 1024 };

/** A program that runs images on a node, and the image as it knows it. */
export interface ImageRunner {
  readonly kind: 'apptainer' | 'udocker' | 'charliecloud';
  /** Settings of `container`. */
  readonly settings: object;
  readonly image: string;
  /** As a job is seen to end whose program is killed by SIGKILL. */
  readonly killed: { readonly cause: string; readonly code: number | null };
  /** Where the image has the node's libraries of GPUs, and which they are; null where nobody puts them in one place. */
  readonly gpuLibraries: { readonly folder: string; readonly names: readonly string[] } | null;
}

/**
 * The archive that `docker save` made of an image of `module`: that of FATHOM_MODULE_ARCHIVE, or one that is built by the
 * recipe of this project, for which an engine is started.
 */
export async function moduleArchive(module: string, folder: string): Promise<string> {
  const given = process.env['FATHOM_MODULE_ARCHIVE'];
  if (given !== undefined) return given;
  const engine = await DockerEngine.start();
  try {
    const tag = `modules/${module}:1`;
    await buildModuleImage(engine, module, tag);
    const path = join(folder, 'image.tar');
    await engine.docker('save', '--output', path, tag);
    return path;
  } finally {
    await engine.stop();
  }
}

export const kinds = ['charliecloud', 'apptainer', 'udocker'] as const;
type Kind = (typeof kinds)[number];

/** A sentence that says what this machine lacks; null when it has all. */
export async function lackOf(kind: Kind): Promise<string | null> {
  for (const [name, variable] of programs[kind]) {
    if ((await programOf(name, variable)) === null) {
      return `${kind}: there is no ${name} (${variable}).`;
    }
  }
  if (kind !== 'udocker') return null;
  const proot = await foundProgram('proot', 'FATHOM_PROOT');
  const { stdout: version } = await run(proot, ['--version']);
  return /\b5\.[0-2]\./.test(version) ? `udocker: ${proot} is older than 5.3.` : null;
}

const programs: Readonly<Record<Kind, readonly (readonly [string, string])[]>> = {
  charliecloud: [['ch-run', 'FATHOM_CH_RUN']],
  apptainer: [['apptainer', 'FATHOM_APPTAINER']],
  udocker: [
    ['udocker', 'FATHOM_UDOCKER'],
    ['proot', 'FATHOM_PROOT'],
  ],
};

/** The image of the archive as that program knows it, below `folder`. */
export async function makeRunner(
  kind: Kind,
  archive: string,
  folder: string,
): Promise<ImageRunner> {
  const image = join(folder, kind);
  const killed = { cause: 'SIGNALLED', code: null };
  switch (kind) {
    case 'charliecloud': {
      const command = await foundProgram('ch-run', 'FATHOM_CH_RUN');
      await unpack(archive, image);
      return { kind, settings: { kind, command }, image, killed, gpuLibraries: null };
    }
    case 'apptainer': {
      const command = await foundProgram('apptainer', 'FATHOM_APPTAINER');
      await run(command, ['build', '--sandbox', image, `docker-archive:${archive}`], large);
      const options = await apptainerOptions(command, image);
      const libs = '/.singularity.d/libs';
      const { stdout } = await run(command, ['exec', ...options, '--nv', image, 'ls', libs]);
      const gpuLibraries = { folder: libs, names: stdout.split('\n').filter(Boolean) };
      return { kind, settings: { kind, command, options }, image, killed, gpuLibraries };
    }
    case 'udocker':
      return udocker(archive, folder);
  }
}

/** Without its own setuid program, and as a root that lacks some rights, apptainer runs in a user's namespace only. */
async function apptainerOptions(command: string, image: string): Promise<readonly string[]> {
  for (const options of [[], ['--userns']]) {
    const works = run(command, ['exec', ...options, image, 'true']).then(
      () => true,
      () => false,
    );
    if (await works) return options;
  }
  throw new Error('apptainer runs nothing here, with and without --userns.');
}

/** With the proot of this machine, so that it downloads nothing. */
async function udocker(archive: string, folder: string): Promise<ImageRunner> {
  const program = await foundProgram('udocker', 'FATHOM_UDOCKER');
  const proot = await foundProgram('proot', 'FATHOM_PROOT');
  const command = join(folder, 'udocker.sh');
  const script = `#!/bin/sh
export UDOCKER_DIR='${folder}/udocker' UDOCKER_TARBALL= UDOCKER_USE_PROOT_EXECUTABLE='${proot}'
exec '${program}' --allow-root "$@"
`;
  await writeFile(command, script, { mode: 0o755 });
  await run(command, ['load', '-i', archive, 'module'], large);
  const { stdout } = await run(command, ['images']);
  const image = /^module\S*/m.exec(stdout)?.[0] ?? '';
  const settings = { kind: 'udocker', command, options: ['--pull=never'] };
  const killed = { cause: 'EXITED', code: 255 };
  return { kind: 'udocker', settings, image, killed, gpuLibraries: null };
}

/** The layers of an archive, one over the other; ours take nothing away. */
async function unpack(archive: string, folder: string): Promise<void> {
  const layers = `${folder}.layers`;
  for (const each of [layers, folder]) await mkdir(each);
  await run('tar', ['--extract', '--file', archive, '--directory', layers]);
  const manifest = JSON.parse(await readFile(join(layers, 'manifest.json'), 'utf8')) as [
    { readonly Layers: readonly string[] },
  ];
  for (const layer of manifest[0].Layers) {
    const argv = ['--extract', '--file', join(layers, layer), '--directory', folder];
    await run('tar', [...argv, '--exclude=dev/*'], large);
  }
}

async function foundProgram(name: string, variable: string): Promise<string> {
  const found = await programOf(name, variable);
  if (found === null) throw new Error(`There is no ${name}.`);
  return found;
}

async function programOf(name: string, variable: string): Promise<string | null> {
  const given = process.env[variable];
  if (given !== undefined) return given;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    const isThere = access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (await isThere) return path;
  }
  return null;
}

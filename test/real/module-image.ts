import { resolve } from 'node:path';
import { makeBaseImage } from './base-image.ts';
import type { DockerEngine } from './docker-engine.ts';

const root = resolve(import.meta.dirname, '../..');

/** An image of a reference module, by the recipe of this project on a base of this machine. */
export async function buildModuleImage(
  engine: DockerEngine,
  module: string,
  tag: string,
): Promise<void> {
  const base = await makeBaseImage(engine);
  await engine.dockerFrom(
    [
      ...['tar', '--create', '--directory', root, '--exclude=.venv', '--exclude=node_modules'],
      ...['package.json', 'package-lock.json', 'modules'],
    ],
    'build',
    ...['--network', 'host', '--file', 'modules/Containerfile'],
    ...['--build-arg', `BASE=${base}`, '--build-arg', `MODULE=${module}`, '--tag', tag, '-'],
  );
}

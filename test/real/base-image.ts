import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { DockerEngine } from './docker-engine.ts';

const run = promisify(execFile);
const name = 'fathom-base:1';

/**
 * What an official image of node has, made of this machine's: Debian by debootstrap (or the folder FATHOM_BASE_ROOT, which
 * has one), the node that runs this, npm, and the machine's certificates and registry settings for the build.
 */
export async function makeBaseImage(engine: DockerEngine): Promise<string> {
  const given = process.env['FATHOM_BASE_ROOT'];
  const root = given ?? join(engine.folder, 'base');
  if (given === undefined) {
    await run('debootstrap', ['--variant=minbase', 'bookworm', root, ...(await mirror())], {
      maxBuffer: 64 * 1024 * 1024,
    });
  }
  const more = join(engine.folder, 'more');
  const place = join(more, 'usr/local');
  await mkdir(join(place, 'bin'), { recursive: true });
  await cp(await realpath(process.execPath), join(place, 'bin/node'));
  const npm = dirname(dirname(await realpath((await run('which', ['npm'])).stdout.trim())));
  await cp(npm, join(place, 'lib/npm'), { recursive: true });
  await symlink('../lib/npm/bin/npm-cli.js', join(place, 'bin/npm'));
  await mkdir(join(more, 'etc/ssl/certs'), { recursive: true });
  await cp('/etc/ssl/certs/ca-certificates.crt', join(more, 'etc/ssl/certs/ca-certificates.crt'));
  const system = 'fathom-system:1';
  await engine.dockerFrom(['tar', '--create', '--directory', root, '.'], 'import', '-', system);
  const recipe = [
    `FROM ${system}`,
    'COPY usr /usr/',
    'COPY etc /etc/',
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt',
  ];
  await writeFile(join(more, 'Containerfile'), recipe.join('\n'));
  await engine.docker('build', '--file', join(more, 'Containerfile'), '--tag', name, more);
  return name;
}

/** Where this system has its packages from; debootstrap knows a place itself. */
export async function mirror(): Promise<readonly string[]> {
  const sources = await readFile('/etc/apt/sources.list.d/debian.sources', 'utf8').catch(() => '');
  const found = /^URIs:\s*(\S+)/m.exec(sources)?.[1];
  return found === undefined ? [] : [found];
}

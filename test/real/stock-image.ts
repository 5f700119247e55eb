import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mirror } from './base-image.ts';
import type { DockerEngine } from './docker-engine.ts';
import type { PythonEnvironment } from './python-environment.ts';

const run = promisify(execFile);

/**
 * What a stock image has: Debian's Python by debootstrap (or the folder FATHOM_STOCK_ROOT, which has that), DEEPaaS and the
 * iris module as the private environment has them. No Node, nothing of ours. Rejects with a sentence for a person where the
 * Python of this machine is another one than Debian's.
 */
export async function makeStockImage(
  engine: DockerEngine,
  environment: PythonEnvironment,
): Promise<string> {
  const given = process.env['FATHOM_STOCK_ROOT'];
  const root = given ?? join(engine.folder, 'stock-root');
  if (given === undefined) {
    const argv = ['--variant=minbase', '--include=python3', 'bookworm', root, ...(await mirror())];
    await run('debootstrap', argv, { maxBuffer: 64 * 1024 * 1024 });
  }
  const home = join(environment.folder, 'environment');
  const [python = ''] = await readdir(join(home, 'lib'));
  const isThere = await stat(join(root, 'usr/bin', python)).catch(() => null);
  if (isThere === null) throw new Error(`The stock image has no ${python}, as this machine has.`);
  const more = join(engine.folder, 'stock');
  await mkdir(join(more, 'bin'), { recursive: true });
  await cp(join(home, 'lib', python, 'site-packages'), join(more, 'packages'), { recursive: true });
  const script = await readFile(join(home, 'bin/deepaas-run'), 'utf8');
  const own = script.replace(/^#!.*/, '#!/usr/bin/python3');
  await writeFile(join(more, 'bin/deepaas-run'), own, { mode: 0o755 });
  const system = 'fathom-stock-system:1';
  await engine.dockerFrom(['tar', '--create', '--directory', root, '.'], 'import', '-', system);
  const recipe = [
    `FROM ${system}`,
    `COPY packages /usr/local/lib/${python}/dist-packages/`,
    'COPY bin/deepaas-run /usr/local/bin/deepaas-run',
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    'WORKDIR /srv',
  ];
  await writeFile(join(more, 'Containerfile'), recipe.join('\n'));
  const name = 'deephdc/iris:1';
  await engine.docker('build', '--file', join(more, 'Containerfile'), '--tag', name, more);
  return name;
}

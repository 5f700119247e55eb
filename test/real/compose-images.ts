import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeBaseImage, mirror } from './base-image.ts';
import type { DockerEngine } from './docker-engine.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/**
 * The images that the compose file names: Fathom's by its own recipe, from what is committed, and, where the official ones
 * cannot be had, Debian's packages of the same programs under their names.
 */
export async function makeComposeImages(engine: DockerEngine): Promise<void> {
  const base = await makeBaseImage(engine);
  await engine.dockerFrom(
    ['git', '-C', root, 'archive', 'HEAD'],
    'build',
    ...['--network', 'host', '--file', 'server/Containerfile'],
    ...['--build-arg', `BASE=${base}`, '--tag', 'fathom:1', '-'],
  );
  const system = join(engine.folder, 'services');
  const packages = '--include=postgresql,redis-server,caddy,libcap2-bin';
  await run(
    'debootstrap',
    ['--variant=minbase', packages, 'bookworm', system, ...(await mirror())],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  await mkdir(join(system, 'usr/local/bin'), { recursive: true });
  const entry = join(system, 'usr/local/bin/docker-entrypoint.sh');
  await writeFile(entry, postgresEntry);
  await chmod(entry, 0o755);
  const archive = ['tar', '--create', '--directory', system, '.'];
  for (const [name, ...changes] of [
    ['docker.io/library/postgres:17', 'ENTRYPOINT ["docker-entrypoint.sh"]'],
    ['docker.io/library/redis:7'],
    ['docker.io/library/caddy:2'],
  ] as const) {
    const options = changes.flatMap((change) => ['--change', change]);
    await engine.dockerFrom(archive, 'import', ...options, '-', name);
  }
}

/** What the official image does at its first start, as far as the compose file counts on it. */
const postgresEntry = `#!/bin/sh
set -e
export PATH="$(echo /usr/lib/postgresql/*/bin):$PATH" PGDATA=/var/lib/postgresql/data
mkdir -p /run/postgresql "$PGDATA"
chown -R postgres:postgres /run/postgresql "$PGDATA"
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf %s "$POSTGRES_PASSWORD" >/tmp/password
  chown postgres /tmp/password
  as_postgres initdb --encoding=UTF8 --locale=C.UTF-8 --username="$POSTGRES_USER" --pwfile=/tmp/password \
    --auth=scram-sha-256 --auth-local=trust >/dev/null
  rm /tmp/password
  as_postgres pg_ctl start --wait --silent --options="-c listen_addresses="
  as_postgres createdb --username="$POSTGRES_USER" "$POSTGRES_USER"
  as_postgres pg_ctl stop --wait --silent
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
`;

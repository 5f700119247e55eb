import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SlurmPorts } from './slurm-conf.ts';
import { slurmdbdConf } from './slurm-conf.ts';

const run = promisify(execFile);

export const accountingPackages = 'slurmdbd slurm-wlm-mysql-plugin mariadb-server';
export const accountingPrograms = ['slurmdbd', 'sacct', 'sacctmgr', 'mariadbd'] as const;

/** What is started, in this order; slurmdbd is ready when `sacctmgr` answers. */
export interface AccountingDaemon {
  readonly name: 'mariadbd' | 'slurmdbd';
  readonly argv: readonly string[];
}

export const slurmdbd: AccountingDaemon = { name: 'slurmdbd', argv: ['-D'] };

/** A folder of its own for the database, and the configuration of slurmdbd; everything on loopback. */
export async function prepareAccounting(
  folder: string,
  ports: Pick<SlurmPorts, 'accounting' | 'database'>,
): Promise<AccountingDaemon> {
  const data = join(folder, 'db');
  await mkdir(data, { mode: 0o755 });
  const id = async (which: string): Promise<number> =>
    Number((await run('id', [which, 'mysql'])).stdout);
  await chown(data, await id('-u'), await id('-g'));
  const place = ['--no-defaults', '--user=mysql', `--datadir=${data}/data`];
  const rights = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  await run('mariadb-install-db', [...place, ...rights]);
  // slurmdbd reads nothing that others may read.
  const conf = slurmdbdConf(folder, ports);
  await writeFile(join(folder, 'slurmdbd.conf'), conf, { mode: 0o600 });
  const network = [`--port=${ports.database}`, '--bind-address=127.0.0.1'];
  const files = [`--socket=${data}/sql.sock`, `--pid-file=${data}/pid`];
  const small = ['--innodb-buffer-pool-size=64M', '--innodb-lock-wait-timeout=900'];
  return { name: 'mariadbd', argv: [...place, ...network, ...files, ...small] };
}

/** False until the database takes statements. */
export async function hasAccountingUser(folder: string): Promise<boolean> {
  const socket = join(folder, 'db/sql.sock');
  if (!existsSync(socket)) return false;
  const statements = `create database if not exists slurm_acct_db;
create user if not exists 'slurm'@'127.0.0.1' identified by 'slurm';
create user if not exists 'slurm'@'localhost' identified by 'slurm';
grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1';
grant all on slurm_acct_db.* to 'slurm'@'localhost';`;
  const argv = ['--no-defaults', '-uroot', `--socket=${socket}`, `--execute=${statements}`];
  return run('mariadb', argv).then(
    () => true,
    () => false,
  );
}

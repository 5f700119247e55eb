import { readdirSync, readFileSync } from 'node:fs';
import type { PostgresServer } from '../test/real/postgres-server.ts';

/** What a PostgreSQL server of our own costs; nothing is known (NaN) of one elsewhere, or where there is no /proc. */
export interface ServerProcesses {
  /** User and system time of all its processes, ended ones too. */
  cpuMs(): number;
  /** Of its processes, what they share counted once. */
  memoryMiB(): number;
}

const ticksPerSecond = 100;

export async function serverProcesses(server: PostgresServer): Promise<ServerProcesses> {
  const unknown: ServerProcesses = { cpuMs: () => NaN, memoryMiB: () => NaN };
  if (server.control === null || process.platform !== 'linux') return unknown;
  const [row] = await server.execute(`select pg_read_file('postmaster.pid') as file`);
  const postmaster = Number(String(row?.['file']).split('\n')[0]);
  return {
    cpuMs: () =>
      processesOf(postmaster).reduce((sum, { ticks }) => sum + ticks, 0) * (1000 / ticksPerSecond),
    memoryMiB: () =>
      Math.round(
        processesOf(postmaster).reduce((sum, { pid }) => sum + proportionalKiB(pid), 0) / 1024,
      ),
  };
}

/** The postmaster, with what its ended children used, and its children. */
function processesOf(
  postmaster: number,
): readonly { readonly pid: number; readonly ticks: number }[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    const fields = Number.isInteger(pid) ? statOf(pid) : null;
    if (fields === null || (pid !== postmaster && fields[1] !== postmaster)) return [];
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    const ended = pid === postmaster ? endedUser + endedSystem : 0;
    return [{ pid, ticks: user + system + ended }];
  });
}

/** From the state on; null when the process is gone. */
function statOf(pid: number): readonly number[] | null {
  const text = read(`/proc/${pid}/stat`);
  return text === null
    ? null
    : text
        .slice(text.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
}

function proportionalKiB(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

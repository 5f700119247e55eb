import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Which process, and not only which number: process ids are used again, so a number is never
 * trusted (nor signalled) without the start time and the boot it belongs to.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** As the system prints it: clock ticks since boot on Linux, a date elsewhere. */
  readonly startTime: string;
  readonly bootId: string;
  /** In which its number counts: containers have their own. Absent in what was written before this was. */
  readonly namespace?: string;
}

/** Null when there is no such process, or only its remains that nobody has collected. */
export function identityOf(pid: number): ProcessIdentity | null {
  const startTime = process.platform === 'linux' ? linuxStartTime(pid) : psStartTime(pid);
  if (startTime === null) return null;
  return { pid, startTime, bootId: currentBootId(), namespace: currentNamespace() };
}

/** Whether its number means the same process here: elsewhere it is nobody's, or somebody else's. */
export function isOfOurs({ bootId: boot, namespace }: ProcessIdentity): boolean {
  return boot === currentBootId() && (namespace ?? currentNamespace()) === currentNamespace();
}

export function isAlive(identity: ProcessIdentity): boolean {
  if (!isOfOurs(identity) || !numberIsTaken(identity.pid)) return false;
  return identityOf(identity.pid)?.startTime === identity.startTime;
}

/** Sends `signal` to exactly this process; false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process of this number exists, whichever it is. */
export function numberIsTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let bootId: string | undefined;

export function currentBootId(): string {
  bootId ??=
    process.platform === 'linux'
      ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      : execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).trim();
  return bootId;
}

let ownNamespace: string | undefined;

function currentNamespace(): string {
  if (process.platform !== 'linux') return '';
  ownNamespace ??= readlinkSync('/proc/self/ns/pid');
  return ownNamespace;
}

/** One line of /proc: what the tree walk and the identity need of it. */
export interface LinuxStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startTime: string;
}

export function readLinuxStat(pid: number): LinuxStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The command's name stands in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? '?',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19] ?? '',
  };
}

function linuxStartTime(pid: number): string | null {
  const stat = readLinuxStat(pid);
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : stat.startTime;
}

function psStartTime(pid: number): string | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
    }).trim();
    const [state = '', ...date] = line.split(/\s+/);
    return state === '' || state.startsWith('Z') ? null : date.join(' ');
  } catch {
    return null;
  }
}

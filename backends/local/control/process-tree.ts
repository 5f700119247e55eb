import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { readLinuxStat } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { identityOf, isOfOurs } from './process-identity.ts';

/** The environment variable by which a process is known as ours wherever it hides. */
export const markerVariable = 'FATHOM_PROCESS_MARK';

export interface TreeMember {
  readonly pid: number;
  readonly startTime: string;
}

/**
 * Everything that one program started: its process group and session, its descendants, those seen
 * once as such, and (Linux) whoever carries its mark in the environment, so that a daemon with a
 * session of its own is found too.
 */
export class ProcessTree {
  readonly #leader: ProcessIdentity | null;
  readonly #mark: string;
  /** Pid → start time. */
  #members = new Map<number, string>();
  /** Processes that do not carry the mark; a mark never arrives later than the fork. */
  #strangers = new Set<string>();

  /** With a mark `a`, who carries `a/b` belongs to it too. */
  constructor(leader: ProcessIdentity | null, mark: string) {
    this.#leader = leader;
    this.#mark = mark;
  }

  /** Looks at every process of the system. */
  scan(): readonly TreeMember[] {
    const processes = process.platform === 'linux' ? linuxProcesses() : psProcesses();
    const leader = this.#groupOfLeader();
    const found = new Map<number, string>();
    const strangers = new Set<string>();
    for (const one of processes) {
      const known = this.#members.get(one.pid) === one.startTime;
      if (known || (leader !== null && (one.group === leader || one.session === leader))) {
        found.set(one.pid, one.startTime);
        continue;
      }
      const name = `${one.pid} ${one.startTime}`;
      if (!this.#strangers.has(name) && carriesMark(one.pid, this.#mark)) {
        found.set(one.pid, one.startTime);
      } else strangers.add(name);
    }
    addDescendants(processes, found);
    this.#strangers = strangers;
    this.#members = found;
    return [...found].map(([pid, startTime]) => ({ pid, startTime }));
  }

  /** MiB of resident memory of those that the last scan found; shared pages count in each. */
  memoryMiB(): number {
    if (process.platform !== 'linux') return psMemoryMiB([...this.#members.keys()]);
    let total = 0;
    for (const pid of this.#members.keys()) total += linuxMemoryKiB(pid);
    return total / 1024;
  }

  /** Asks the program's process group; the program itself decides what its children learn. */
  terminate(): void {
    const leader = this.#groupOfLeader();
    if (leader !== null) sendTo(-leader, 'SIGTERM');
  }

  /** Kills all of it and looks again until nothing is left. False when something is left after 5 s. */
  async kill(): Promise<boolean> {
    for (let round = 0; round < 100; round++) {
      const leader = this.#groupOfLeader();
      if (leader !== null) sendTo(-leader, 'SIGKILL');
      const members = this.scan();
      if (members.length === 0) return true;
      for (const member of members) sendTo(member.pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, round < 5 ? 5 : 50));
    }
    return false;
  }

  /**
   * A number that is a group or session is not given to a new process while one member lives; so
   * a living leader with another start time means that our group is empty and the number a stranger's.
   */
  #groupOfLeader(): number | null {
    if (this.#leader === null || !isOfOurs(this.#leader)) return null;
    const now = identityOf(this.#leader.pid);
    const isOurs = now === null || now.startTime === this.#leader.startTime;
    return isOurs ? this.#leader.pid : null;
  }
}

interface Listed {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startTime: string;
}

function linuxProcesses(): readonly Listed[] {
  const listed: Listed[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const stat = readLinuxStat(pid);
    if (stat !== null && stat.state !== 'Z' && stat.state !== 'X') listed.push(stat);
  }
  return listed;
}

function psProcesses(): readonly Listed[] {
  const listed: Listed[] = [];
  for (const line of ps(['-axo', 'pid=,ppid=,pgid=,stat=,lstart='])) {
    const [pid, parent, group, state = 'Z', ...date] = line.trim().split(/\s+/);
    if (state.startsWith('Z')) continue;
    // There is no session in that listing; the program leads its own group, which is the same here.
    listed.push({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: 0,
      startTime: date.join(' '),
    });
  }
  return listed;
}

function addDescendants(processes: readonly Listed[], found: Map<number, string>): void {
  if (found.size === 0) return;
  for (let grew = true; grew;) {
    grew = false;
    for (const one of processes) {
      if (found.has(one.pid) || !found.has(one.parent)) continue;
      found.set(one.pid, one.startTime);
      grew = true;
    }
  }
}

function carriesMark(pid: number, mark: string): boolean {
  if (process.platform !== 'linux' || pid === process.pid) return false;
  try {
    const own = `${markerVariable}=${mark}`;
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .some((entry) => entry === own || entry.startsWith(`${own}/`));
  } catch {
    return false;
  }
}

function linuxMemoryKiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function psMemoryMiB(pids: readonly number[]): number {
  if (pids.length === 0) return 0;
  const kib = ps(['-o', 'rss=', '-p', pids.join(',')]).map(Number);
  return kib.reduce((sum, one) => sum + one, 0) / 1024;
}

function ps(argv: readonly string[]): readonly string[] {
  try {
    return execFileSync('ps', argv, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
    })
      .split('\n')
      .filter((line) => line.trim() !== '');
  } catch {
    return [];
  }
}

function sendTo(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // Gone in the meantime.
  }
}

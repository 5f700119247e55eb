import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Handle } from '../../../backends/contract/workload.ts';
import type { LocalUnderTest } from './local-under-test.ts';
import { soon } from './under-test.ts';

export interface State {
  readonly replicas: readonly {
    readonly phase: string;
    readonly process: { pid: number } | null;
  }[];
  readonly restarts: number;
}

export function stateOf(under: LocalUnderTest, handle: Handle): State {
  return JSON.parse(readFileSync(join(folderOf(under, handle), 'state.json'), 'utf8')) as State;
}

export function folderOf(under: LocalUnderTest, handle: Handle): string {
  const { kind, name } = handle.native as { kind: string; name: string };
  return join(under.folder, kind === 'JOB' ? 'jobs' : 'services', name);
}

/** The supervisor, the program of a job, and every process that carries the mark. */
export function processesOf(under: LocalUnderTest, handle: Handle) {
  const folder = folderOf(under, handle);
  const read = (file: string): { pid: number; mark: string } | null =>
    existsSync(join(folder, file))
      ? (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { pid: number; mark: string })
      : null;
  const mark = read('record.json')?.mark ?? 'none';
  return {
    supervisor: read('supervisor.1.json')?.pid ?? 0,
    program: read('program.json')?.pid ?? 0,
    marked: allPids().filter((pid) => environmentOf(pid).includes(`FATHOM_PROCESS_MARK=${mark}`)),
  };
}

export function allPids(): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));
}

export function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

export function childrenOf(parent: number): readonly number[] {
  return allPids().filter((pid) => statOf(pid)?.[1] === String(parent));
}

export function statOf(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

export function isRunning(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

export async function allGone(pids: readonly number[]): Promise<boolean> {
  for (const limit = soon(); !limit.aborted; await pause(10)) {
    if (!pids.some(isRunning)) return true;
  }
  return false;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

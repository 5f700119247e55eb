import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnusableError } from '../contract/store.ts';
import { FileLock } from './file-lock.ts';

/** So long others may take to open what we wait to open. */
const openingLimitMs = 30_000;

export interface FolderLock {
  /** Whether nobody else had the folder when we came: what killed processes left behind may be put in order. */
  readonly isSole: boolean;
  /** The folder is in order; who waits to open it may go on. */
  opened(): void;
  release(): void;
}

/**
 * Holds a folder for this process until `release`, for itself alone or together with others that share it. Those who
 * open it come one after the other, so each finds it either untouched or in order. Rejects with StoreUnusableError
 * IN_USE, naming the processes that stand in the way.
 */
export async function lockFolder(
  folder: string,
  access: 'exclusive' | 'shared',
): Promise<FolderLock> {
  const opening = new FileLock(join(folder, 'opening.lock'));
  const lock = new FileLock(join(folder, 'lock.db'));
  const note = join(folder, 'lock.pid');
  try {
    const limit = performance.now() + openingLimitMs;
    while (!opening.try('exclusive')) {
      if (performance.now() > limit) throw inUse(folder, 'a process that is opening it');
      await sleep(10);
    }
    // Also when we want to share: as long as we are alone we can put things in order.
    const isSole = lock.try('exclusive');
    if (!isSole && (access === 'exclusive' || !lock.try('shared'))) {
      throw inUse(folder, sentence(alive(note)));
    }
    write(note, isSole ? [] : alive(note));
    return {
      isSole,
      opened() {
        if (access === 'shared' && lock.held === 'exclusive') lock.try('shared');
        opening.close();
      },
      release() {
        lock.close();
        opening.close();
      },
    };
  } catch (error) {
    lock.close();
    opening.close();
    throw error;
  }
}

function inUse(folder: string, who: string): StoreUnusableError {
  return new StoreUnusableError(
    'IN_USE',
    `The folder ${folder} is in use by ${who}. Stop that first, or give this one another folder.`,
  );
}

/** Only for the sentence: the locks hold without the note, also on a full disk. */
function write(note: string, others: readonly number[]): void {
  try {
    writeFileSync(note, [...new Set([...others, process.pid])].map((pid) => `${pid}\n`).join(''));
  } catch {
    return;
  }
}

function alive(note: string): readonly number[] {
  try {
    const pids = readFileSync(note, 'utf8').split('\n').map(Number);
    return pids.filter((pid) => pid > 0 && isAlive(pid));
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function sentence(pids: readonly number[]): string {
  if (pids.length === 0) return 'another process';
  return pids.length === 1 ? `process ${pids[0]}` : `processes ${pids.join(', ')}`;
}

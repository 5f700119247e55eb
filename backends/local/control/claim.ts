import { readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readControlFile, writeOnce } from '../../work-folder/control-file.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { currentBootId, isAlive, isOfOurs } from './process-identity.ts';
import type { Claim } from './record.ts';

export interface ClaimState {
  readonly number: number;
  /** Null when the file cannot be read as a claim. */
  readonly holder: Claim | null;
  readonly alive: boolean;
}

/** So often the holder of a claim says that it lives, for those who cannot see its process. */
export const beatMs = 2_000;
/** Its silence after which they take it for gone. */
export const silenceMs = 20_000;

/** The newest claim on a folder; null when nobody ever claimed it (or the folder is gone). */
export function currentClaim(folder: string): ClaimState | null {
  let newest = 0;
  for (const entry of readFolder(folder)) {
    const number = Number(/^supervisor\.(\d+)\.json$/.exec(entry)?.[1] ?? 0);
    if (number > newest) newest = number;
  }
  if (newest === 0) return null;
  const path = claimFile(folder, newest);
  const holder = asClaim(readControlFile(path));
  return { number: newest, holder, alive: holder !== null && lives(holder, path) };
}

/** The holder's word that it lives; `at` 0 takes it back. */
export function beat(folder: string, number: number, at: number): void {
  try {
    utimesSync(claimFile(folder, number), at / 1_000, at / 1_000);
  } catch {
    // The folder was removed: nobody asks any more.
  }
}

function lives(holder: Claim, path: string): boolean {
  if (isOfOurs(holder)) return isAlive(holder);
  if (holder.bootId !== currentBootId()) return false;
  const { mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return Date.now() - mtimeMs < silenceMs;
}

/**
 * Claims a folder for this process. Claims are numbered and never removed, so two processes that
 * find the same dead holder cannot both succeed it. A job is claimed once in its life, which is
 * why its program never starts twice; a service may be taken over from a dead holder.
 */
export function claim(
  folder: string,
  holder: ProcessIdentity,
  options: { readonly at: number; readonly takeOver: boolean },
): boolean {
  const current = currentClaim(folder);
  if (current !== null && (current.alive || !options.takeOver)) return false;
  return writeOnce(claimFile(folder, (current?.number ?? 0) + 1), { ...holder, at: options.at });
}

function claimFile(folder: string, number: number): string {
  return join(folder, `supervisor.${number}.json`);
}

function asClaim(value: unknown): Claim | null {
  const claimed = value as Partial<Claim> | null | undefined;
  return typeof claimed?.pid === 'number' && typeof claimed.startTime === 'string'
    ? (claimed as Claim)
    : null;
}

function readFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

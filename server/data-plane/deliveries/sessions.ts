import { utimesSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readControlFile, replaceFile } from '../../../backends/work-folder/control-file.ts';
import { FathomError } from '../../../domain/errors.ts';

/** `RUN`: the launcher is around the program; `RETURN`: it is beside it. */
export type LauncherRole = 'RUN' | 'RETURN';

export interface Session {
  readonly session: string;
  readonly role: LauncherRole;
}

/** A launcher that has to wait: another one was heard of lately. */
export class HeldError extends FathomError {
  constructor() {
    super('WRONG_STATE', 'Another launcher does this work; ask again when it is silent.');
  }
}

export function sessionOf(folder: string): Session | null {
  return (readControlFile(join(folder, 'session.json')) ?? null) as Session | null;
}

/**
 * One launcher at a time. `begin` is called for a new one, before it is the present one: whoever is killed in between does
 * it again. Throws HeldError while another one is heard.
 */
export function claim(
  folder: string,
  wanted: Session,
  options: { readonly now: number; readonly silenceMs: number; readonly begin: () => void },
): void {
  const present = sessionOf(folder);
  if (present?.session === wanted.session) return;
  const heard = heardAt(folder);
  const isSilent = heard === null || options.now - heard > options.silenceMs;
  if (present !== null && !isSilent) throw new HeldError();
  options.begin();
  replaceFile(join(folder, 'session.json'), wanted);
}

/** Throws VERSION_CONFLICT for a launcher that another one has taken over from. */
export function assertPresent(folder: string, session: unknown): void {
  if (typeof session === 'string' && sessionOf(folder)?.session === session) return;
  throw new FathomError('VERSION_CONFLICT', 'Another launcher has taken this work.');
}

/** When the launcher was last heard of, epoch milliseconds; null for never. */
export function heardAt(folder: string): number | null {
  return statSync(join(folder, 'heard'), { throwIfNoEntry: false })?.mtimeMs ?? null;
}

export function hear(folder: string, now: number): void {
  const path = join(folder, 'heard');
  const time = now / 1000;
  try {
    utimesSync(path, time, time);
  } catch {
    writeFileSync(path, '', { mode: 0o600 });
    utimesSync(path, time, time);
  }
}

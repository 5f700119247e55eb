import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readControlFile } from '../../work-folder/control-file.ts';
import type { ProcessIdentity } from '../control/process-identity.ts';
import type { LaunchRecord } from '../control/record.ts';
import { controlFiles } from '../control/record.ts';

/** What both kinds of supervision work with. */
export interface Supervision {
  readonly folder: string;
  readonly record: LaunchRecord;
  readonly self: ProcessIdentity;
  readonly secrets: Readonly<Record<string, string>>;
  /** Our own environment, of which programs see what the policy passes on. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** Calls `look` at every tick of the policy's sample time and at once when the server rings. */
  readonly onTick: (look: () => void) => void;
}

/** What the program sees: little of ours, what was asked for, secrets, and its accelerators. */
export function programEnvironment(
  supervision: Supervision,
  gpus: readonly number[],
): Record<string, string> {
  const { record, inherited, secrets } = supervision;
  const environment: Record<string, string> = {};
  for (const name of record.policy.passEnvironment) {
    const value = inherited[name];
    if (value !== undefined) environment[name] = value;
  }
  // Empty hides all: who asked for none gets none.
  environment['CUDA_VISIBLE_DEVICES'] = gpus.join(',');
  environment['NVIDIA_VISIBLE_DEVICES'] = gpus.length === 0 ? 'none' : gpus.join(',');
  return { ...environment, ...record.launch.environment, ...secrets };
}

/** Tells the server to look. Losing a ring costs time, never truth: the server also looks by itself. */
export function ring(record: LaunchRecord): void {
  try {
    writeFileSync(record.bell, '.');
  } catch {
    // The server looks by itself, later.
  }
}

/** False when the folder was removed under us (and perhaps made anew): then we work for nobody. */
export function stillOurs(supervision: Supervision): boolean {
  const there = readControlFile(inFolder(supervision, controlFiles.record));
  return (there as Partial<LaunchRecord> | null | undefined)?.mark === supervision.record.mark;
}

export function inFolder(supervision: Supervision, name: string): string {
  return join(supervision.folder, name);
}

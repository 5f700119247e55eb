import type { LocalClient } from './client.ts';
import { claim, currentClaim } from './control/claim.ts';
import { currentBootId, identityOf } from './control/process-identity.ts';
import { ProcessTree } from './control/process-tree.ts';
import type { ExitRecord, LaunchRecord, ProgramStart } from './control/record.ts';

/**
 * A supervisor that was killed writes no end. Whoever looks next kills what it left behind and
 * writes the end, with the evidence. Does nothing while the supervisor lives or when the end stands.
 */
export async function buryJob(
  client: LocalClient,
  record: LaunchRecord,
  now: number,
): Promise<void> {
  const { name } = record;
  const before = currentClaim(client.folder('JOB', name));
  if (before === null || before.alive || client.has('JOB', name, 'exit')) return;
  const program = client.read('JOB', name, 'program') as ProgramStart | null | undefined;
  await new ProcessTree(program ?? null, record.mark).kill();
  const holder = before.holder;
  const rebooted = holder !== null && holder.bootId !== currentBootId();
  const who = `Its supervisor (process ${holder?.pid ?? '?'})`;
  const why = rebooted
    ? 'The machine was started anew while it was there'
    : `${who} ended without saying how the program ended, so it was probably killed`;
  const isCancelled = client.has('JOB', name, 'cancel');
  const wasGranted = client.has('JOB', name, 'grant');
  const exit: ExitRecord = {
    cause:
      program == null
        ? isCancelled
          ? 'CANCELLED'
          : wasGranted
            ? 'UNKNOWN'
            : 'NOT_STARTED'
        : 'UNKNOWN',
    code: null,
    signal: null,
    message: [
      program == null
        ? `${why}; the program is not known to have started.`
        : `${why}; what was left of the program (process ${program.pid}) was killed.`,
      client.complaints('JOB', name),
    ]
      .join('\n')
      .trim(),
    startedAt: program?.at ?? null,
    endedAt: now,
  };
  client.writeOnce('JOB', name, 'exit', exit);
}

/**
 * Ends a job that no supervisor has claimed, by claiming it ourselves: then nobody can start it any
 * more. False when a supervisor was faster; it will see the wish.
 */
export function endUnclaimed(
  client: LocalClient,
  record: LaunchRecord,
  now: number,
  end: { readonly cause: 'CANCELLED' | 'NOT_STARTED'; readonly message: string },
): boolean {
  const self = identityOf(process.pid);
  const folder = client.folder('JOB', record.name);
  if (self === null || !claimIfThere(folder, self, now)) return false;
  const exit: ExitRecord = { ...end, code: null, signal: null, startedAt: null, endedAt: now };
  client.writeOnce('JOB', record.name, 'exit', exit);
  return true;
}

function claimIfThere(
  folder: string,
  self: NonNullable<ReturnType<typeof identityOf>>,
  at: number,
): boolean {
  try {
    return claim(folder, self, { at, takeOver: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

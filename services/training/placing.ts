import type { Ambient } from '../../domain/ambient.ts';
import { newId } from '../../domain/ids.ts';
import type { RunRecord } from './run-record.ts';
import { attemptKey } from './work-kinds.ts';

/** Places a run that is QUEUED: its next attempt is on that backend, and not handed over yet. */
export function placeOn(record: RunRecord, backend: string, ambient: Ambient, now: number): void {
  const { id, attempts, traceparent = null } = record.run;
  const number = attempts + 1;
  record.patch({ backend, attempts: number });
  record.move('PLACED', `Placed on ${backend}.`);
  record.wait({
    code: 'DISPATCHING',
    message: `Being handed to ${backend}.`,
    nextAttemptAt: null,
    raw: null,
  });
  record.begin({
    id: newId('Attempt', now, () => ambient.random()),
    version: 1,
    runId: id,
    number,
    backend,
    key: attemptKey(id, number),
    handle: null,
    state: 'PLACED',
    stateSince: now,
    nativeState: null,
    outcome: null,
    logCursor: null,
    observedAt: null,
    traceparent,
    createdAt: now,
    updatedAt: now,
  });
}

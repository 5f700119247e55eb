/** Kinds of work in the queue; the key of the first is a run id, of the second an attempt id. */
export const trainingRunWork = 'trainingRun';
export const releaseWork = 'releaseAttempt';

export function logStream(runId: string): string {
  return `${runId}/log`;
}

export function metricStream(runId: string): string {
  return `${runId}/metrics`;
}

/** The key of a dispatch: backends derive the native name from it. */
export function attemptKey(runId: string, number: number): string {
  return `${runId}-${number}`;
}

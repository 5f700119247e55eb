import { BackendError } from './error.ts';
import type { JobRunner, JobStatus } from './job-runner.ts';
import type { Handle } from './workload.ts';

/** `JobRunner.inspectMany` of a backend whose looks share one question already when they are made at once. */
export function inspectEach(
  handles: readonly Handle[],
  inspect: JobRunner['inspect'],
): Promise<readonly (JobStatus | null)[]> {
  return Promise.all(
    handles.map((handle) =>
      inspect(handle).catch((error: unknown) => {
        if (error instanceof BackendError && error.kind === 'NotFound') return null;
        throw error;
      }),
    ),
  );
}

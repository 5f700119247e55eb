import type { GroupObject, JobObject } from './state.ts';

/** Nomad's words for a job that it does not take, which come with a 500; null when it takes it. */
export function refusalOf(job: JobObject): string | null {
  const errors: string[] = [];
  if (/[\s\0]/.test(job.ID)) errors.push('Job ID contains a space');
  if (job.Type !== 'batch' && job.Type !== 'service') errors.push('Invalid job type');
  const groups: readonly GroupObject[] = job.TaskGroups ?? [];
  if (groups.length === 0) errors.push('Missing job task groups');
  for (const { EphemeralDisk, Tasks, RestartPolicy, MaxRunDuration } of groups) {
    const logs = Tasks.reduce(
      (sum, { LogConfig }) => sum + LogConfig.MaxFiles * LogConfig.MaxFileSizeMB,
      0,
    );
    if (logs >= EphemeralDisk.SizeMB)
      errors.push(`log storage (${logs} MB) must be less than requested disk capacity`);
    if (RestartPolicy.Attempts === 0 && RestartPolicy.Mode !== 'fail')
      errors.push('Restart policy is ambiguous');
    if (MaxRunDuration !== undefined && job.Type !== 'batch')
      errors.push('does not allow max_run_duration');
    for (const { Resources, Name, Templates } of Tasks) {
      for (const [index, { EmbeddedTmpl }] of (Templates ?? []).entries()) {
        if (EmbeddedTmpl === '')
          errors.push(
            `Template ${index + 1} validation failed: Must specify a source path or inline template`,
          );
      }
      if (Resources.CPU < 1) errors.push(`Task ${Name}: minimum CPU value is 1`);
      if (Resources.MemoryMB < 10) errors.push(`Task ${Name}: minimum MemoryMB value is 10`);
    }
  }
  if (errors.length === 0) return null;
  const what = errors.length === 1 ? '1 error occurred' : `${errors.length} errors occurred`;
  return `${what}:\n${errors.map((error) => `\t* ${error}\n`).join('')}\n`;
}

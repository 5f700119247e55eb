import { createHash } from 'node:crypto';

/** Names of what we write into a job's `Meta`. */
export const meta = {
  managed: 'fathom_managed',
  kind: 'fathom_kind',
  key: 'fathom_key',
  /** Tells this job from a released one of the same name. */
  mark: 'fathom_mark',
  title: 'fathom_title',
  labels: 'fathom_labels',
  /** Milliseconds from the program's start; absent for a service. */
  timeLimit: 'fathom_time_limit_ms',
  /** How data comes and goes: `NONE`, `FOLDER`, `RUN` (the launcher wraps the program) or `BESIDE`. */
  data: 'fathom_data',
} as const;

export type Kind = 'JOB' | 'SERVICE';
export type DataPath = 'NONE' | 'FOLDER' | 'RUN' | 'BESIDE';

/** The same key gives the same name, for ever; other keys give other names. */
export function nativeName(key: string): string {
  const readable = key
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase()
    .slice(0, 24)
    .replaceAll(/^-+|-+$/g, '');
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return readable === '' ? `${prefix}${digest}` : `${prefix}${readable}-${digest}`;
}

export const prefix = 'fathom-';

export function isNativeName(name: unknown): name is string {
  return typeof name === 'string' && /^fathom-[a-z0-9-]{1,50}$/.test(name);
}

/** Where a task of that job, and no other, may read without any policy. */
export function variablePath(name: string): string {
  return `nomad/jobs/${name}`;
}

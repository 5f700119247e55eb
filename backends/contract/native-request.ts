import type { JobWorkload, ServiceWorkload } from './workload.ts';

/** What would be run: a job to an end, or servers (or functions) of a module. */
export type Wanted =
  | { readonly kind: 'JOB'; readonly workload: JobWorkload }
  | { readonly kind: 'SERVICE'; readonly workload: ServiceWorkload };

/** One thing that a backend would send or write, word for word, with `***` in the place of each secret. */
export interface NativeRequest {
  /** What it is, for a person: `Job`, `sbatch`, `PUT /api/v1/namespaces/_/actions/NAME`. */
  readonly title: string;
  /** Of `text`, for example `application/json`, `text/x-shellscript`. */
  readonly mediaType: string;
  readonly text: string;
}

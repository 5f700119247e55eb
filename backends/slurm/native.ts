/** What Slurm says of a job, whichever way it was asked. Times in epoch milliseconds. */
export interface NativeJob {
  /** `17`; `17_4` for an element of an array, whose number of its own changes when Slurm splits it off. */
  readonly id: string;
  readonly name: string;
  readonly comment: string;
  /** Upper case, for example `PENDING`; as Slurm says it, also when we do not know it. */
  readonly state: string;
  /** Its processes are being ended or cleaned up; `state` is not the end yet. */
  readonly completing: boolean;
  readonly reason: string;
  readonly startedAt: number | null;
  /** A forecast while the job lives. */
  readonly endedAt: number | null;
  /** How its script ended, as far as that is told; null where it is not. */
  readonly exit: NativeExit | null;
  /** Of the accounting: a later record says how the job went on, since somebody requeued it. */
  readonly superseded?: true;
}

export interface NativeExit {
  readonly code: number | null;
  readonly signal: number | null;
}

/** Of the array that has the element; of a job by itself, its own. */
export function baseOf(id: string): string {
  return id.split('_')[0] ?? id;
}

export interface NativeNode {
  readonly name: string;
  /** Upper case, for example `IDLE`, `DRAIN`. */
  readonly states: readonly string[];
  readonly partitions: readonly string[];
  readonly cpus: number;
  readonly cpusInUse: number;
  readonly memoryMiB: number;
  readonly memoryInUseMiB: number;
  /** As `gpu:a100:4(S:0-1),gpu:2`. */
  readonly gres: string;
  readonly gresInUse: string;
}

export interface NativeSite {
  /** For people: version and address. */
  readonly description: string;
  readonly nodes: readonly NativeNode[];
  /** Jobs that wait, of anybody. */
  readonly queued: number;
}

/** What is asked of Slurm for one job; both transports say the same with it. */
export interface BatchRequest {
  readonly name: string;
  /** Tells this job from a released one of the same name. */
  readonly comment: string;
  readonly script: string;
  /** As nodes see it. */
  readonly folder: string;
  /** Where the script's own words go, as nodes see it. */
  readonly output: string;
  readonly partition: string | null;
  readonly qos: string | null;
  readonly account: string | null;
  readonly constraint: string | null;
  readonly reservation: string | null;
  /** Each with the processors, memory and GPUs below; one task on each. */
  readonly nodes: number;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly timeLimitMinutes: number;
  readonly gpus: { readonly type: string | null; readonly count: number } | null;
  /** Of several jobs that are asked for as one; absent for one. */
  readonly array?: {
    /** As `0-4,7%2`. */
    readonly tasks: string;
    /** The array that has to be over first; null for none. */
    readonly after: string | null;
  };
}

import type { Ambient } from '../../domain/ambient.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import type { NativeRequest } from '../contract/native-request.ts';
import { CliClient } from './cli/client.ts';
import type { SlurmSettings } from './config.ts';
import type { BatchRequest, NativeJob, NativeSite } from './native.ts';
import { RestClient } from './rest/client.ts';

/** The seam between this backend and Slurm. Every method rejects with BackendError. */
export interface SlurmClient {
  /** The job's id. A rejection as Unavailable leaves open whether Slurm has it. */
  submit(request: BatchRequest): Promise<string>;
  /** What `submit` would send. Asks for nothing but the version of the API, where that matters. */
  plan(request: BatchRequest): Promise<readonly NativeRequest[]>;
  /** Jobs of that name, as far as Slurm remembers them. */
  named(name: string): Promise<readonly NativeJob[]>;
  /** What is absent in the answer, Slurm says it does not know. */
  jobs(ids: readonly string[]): Promise<ReadonlyMap<string, NativeJob>>;
  /**
   * From the accounting, which does not forget: all its records of each id, the oldest first, of others too that had the same
   * id before or after. Null when the site has none.
   */
  history(ids: readonly string[]): Promise<ReadonlyMap<string, readonly NativeJob[]> | null>;
  /** Resolves also when the job ended or is unknown. */
  cancel(id: string): Promise<void>;
  site(): Promise<NativeSite>;
  close(): void;
}

export function openClient(
  settings: SlurmSettings,
  ambient: Ambient & Pick<BackendSurroundings, 'traceparent'>,
): SlurmClient {
  const timeoutMs = settings.timeoutSeconds * 1000;
  return settings.transport.kind === 'cli'
    ? new CliClient(settings.transport, timeoutMs)
    : new RestClient(settings.transport, timeoutMs, ambient);
}

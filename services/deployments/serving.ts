import type { FunctionStart } from '../../backends/contract/function-runner.ts';
import type {
  InvokeRequest,
  InvokeResponse,
  ServiceStatus,
} from '../../backends/contract/service-runner.ts';
import type { Handle, ServiceWorkload } from '../../backends/contract/workload.ts';

/**
 * What an endpoint needs of a backend, the same whether it keeps servers running or serves by functions. Rejects with
 * BackendError, as the backend does; `invoke` with FathomError TOO_LARGE also, before anything is sent.
 */
export interface Serving {
  deploy(
    workload: ServiceWorkload,
    options: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle>;
  /** `proven`: the servers that answered the sample, as the endpoint remembers them. */
  status(
    handle: Handle,
    known: { readonly replicas: number; readonly proven: readonly string[] },
  ): Promise<ServiceStatus>;
  scale(handle: Handle, replicas: number): Promise<void>;
  /** Whether the backend can be asked about it now. Never rejects, starts nothing. */
  isThere(handle: Handle): Promise<boolean>;
  invoke(
    handle: Handle,
    request: InvokeRequest,
    options: { readonly deadline: number },
  ): Promise<ServedAnswer>;
}

export interface ServedAnswer extends InvokeResponse {
  /** What the backend told of how the call began; null where servers run anyway. */
  readonly start: FunctionStart | null;
}

export function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

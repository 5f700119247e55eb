import type { Backend, BackendHealth, Capabilities } from '../../backends/contract/backend.ts';
import { noCapabilities } from '../../backends/contract/backend.ts';
import { BackendError } from '../../backends/contract/error.ts';
import type {
  Answered,
  FunctionLimits,
  FunctionRunner,
  FunctionStart,
  Invocation,
  Lost,
} from '../../backends/contract/function-runner.ts';
import type { InvokeRequest } from '../../backends/contract/service-runner.ts';
import type { NativeRequest, Wanted } from '../../backends/contract/native-request.ts';
import type { Handle, ServiceWorkload } from '../../backends/contract/workload.ts';

type Request = Omit<InvokeRequest, 'replica'>;

export const noLimits: FunctionLimits = Object.freeze({
  requestBytes: null,
  responseBytes: null,
  memoryMiB: null,
  timeoutMs: null,
  waitMs: null,
  callsPerMinute: null,
  callsAtOnce: null,
  idleMs: null,
});

/** A backend of functions whose containers are a number; a test says how calls end. Answers the DEEPaaS routes of `scripted`. */
export class MemoryFunctions implements Backend {
  readonly name: string;
  readonly type = 'memory-functions';
  readonly capabilities: Capabilities = { ...noCapabilities, images: true };
  readonly jobs = null;
  readonly services = null;
  readonly functions: FunctionRunner;
  readonly deployed = new Map<string, ServiceWorkload>();
  /** What was asked, in order: `deploy`, `warm 2`, `GET /v2/models/`, … Looks are left out. */
  readonly calls: string[] = [];
  looks = 0;
  revision = 'r1';
  limits: FunctionLimits = noLimits;
  /** Containers that have the module. */
  warmed = 0;
  /** Awaited by `warm`. */
  loading: () => Promise<void> = () => Promise.resolve();
  /** In the place of an answer to a prediction. */
  instead: (request: Request) => Promise<Invocation> | null = () => null;
  outcome: (ticket: string) => Answered | Lost | null = () => null;
  label = 'yes';
  /** Thrown by every operation for which there is one. */
  failure: (operation: string) => BackendError | null = () => null;

  constructor(name: string) {
    this.name = name;
    this.functions = this.#runner();
  }

  async health(): Promise<BackendHealth> {
    return { reachable: true, message: 'Fine.', checkedAt: Date.now(), capacity: null };
  }

  async plan({ workload }: Wanted, key: string): Promise<readonly NativeRequest[]> {
    const text = JSON.stringify({ key, title: workload.title });
    return [{ title: 'PUT action', mediaType: 'application/json', text }];
  }

  async release(handle: Handle): Promise<void> {
    this.#assertWell('release');
    this.deployed.delete(this.#keyOf(handle));
  }

  async close(): Promise<void> {}

  /** As the module answers it. */
  answer(value: object, start: Partial<FunctionStart> = {}): Answered {
    const response = {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: new TextEncoder().encode(JSON.stringify(value)),
    };
    return { kind: 'ANSWER', response, start: { ...unknownStart, ...start } };
  }

  #runner(): FunctionRunner {
    return {
      deploy: async (workload, { key }) => {
        this.calls.push('deploy');
        this.#assertWell('deploy');
        this.deployed.set(key, workload);
        return { backend: this.name, version: 1, native: { key } };
      },
      status: async (handle) => {
        this.looks += 1;
        this.#find('status', handle);
        const { revision, limits } = this;
        return { phase: 'READY', native: 'active', revision, failure: null, limits };
      },
      warm: async (handle, count) => {
        this.#find('warm', handle);
        this.calls.push(`warm ${count}`);
        await this.loading();
        const cold = Math.max(0, count - this.warmed);
        this.warmed = Math.max(count, this.warmed);
        return Array.from({ length: count }, (_, at) => ({ ...unknownStart, cold: at < cold }));
      },
      invoke: async (handle, request) => {
        this.#find('invoke', handle);
        this.calls.push(`${request.method} ${request.path}`);
        if (request.method === 'GET') return this.answer({ models: [{ id: 'scripted' }] });
        const other = this.instead(request);
        if (other !== null) return other;
        const cold = this.warmed === 0;
        this.warmed = Math.max(1, this.warmed);
        const times = { waitMs: cold ? 40 : 2, initMs: cold ? 700 : null, durationMs: 9 };
        return this.answer(
          { status: 'OK', predictions: { label: this.label } },
          { cold, ...times },
        );
      },
      result: async (handle, ticket) => {
        this.#find('result', handle);
        this.calls.push(`result ${ticket}`);
        return this.outcome(ticket);
      },
      logs: async function* () {
        yield* [];
      },
    };
  }

  #assertWell(operation: string): void {
    const error = this.failure(operation);
    if (error !== null) throw error;
  }

  #find(operation: string, handle: Handle): void {
    this.#assertWell(operation);
    if (this.deployed.has(this.#keyOf(handle))) return;
    throw new BackendError('NotFound', operation, 'There is no such function.');
  }

  #keyOf({ native: { key } }: Handle): string {
    return typeof key === 'string' ? key : '';
  }
}

const unknownStart: FunctionStart = { cold: null, waitMs: null, initMs: null, durationMs: null };

import { SpanKind, type SpanOptions } from '@opentelemetry/api';
import type { Backend } from '../../backends/contract/backend.ts';
import type { FunctionRunner } from '../../backends/contract/function-runner.ts';
import type { JobRunner } from '../../backends/contract/job-runner.ts';
import type { ServiceRunner } from '../../backends/contract/service-runner.ts';
import { asPart, eachAsPart, traceparent } from './spans.ts';

/** What is told of a call: which backend, and what was wanted of it. */
class Calls {
  readonly #backend: Pick<Backend, 'name' | 'type'>;

  constructor(backend: Pick<Backend, 'name' | 'type'>) {
    this.#backend = backend;
  }

  one<T>(operation: string, call: () => Promise<T>): Promise<T> {
    return asPart(`${this.#backend.type} ${operation}`, this.#options(operation), call);
  }

  each<T>(operation: string, call: () => AsyncIterable<T>): AsyncIterable<T> {
    return eachAsPart(`${this.#backend.type} ${operation}`, this.#options(operation), call);
  }

  #options(operation: string): SpanOptions {
    const attributes = {
      'fathom.backend.name': this.#backend.name,
      'fathom.backend.type': this.#backend.type,
      'fathom.backend.operation': operation,
    };
    return { kind: SpanKind.CLIENT, attributes };
  }
}

/** The same backend, whose calls are parts of the trace in which they are made. */
export function tracedBackend(backend: Backend): Backend {
  const calls = new Calls(backend);
  const { jobs, services, functions } = backend;
  return {
    name: backend.name,
    type: backend.type,
    capabilities: backend.capabilities,
    jobs: jobs === null ? null : tracedJobs(jobs, calls),
    services: services === null ? null : tracedServices(services, calls),
    functions: functions === null ? null : tracedFunctions(functions, calls),
    health: () => calls.one('health', () => backend.health()),
    plan: (wanted, key) => calls.one('plan', () => backend.plan(wanted, key)),
    release: (handle) => calls.one('release', () => backend.release(handle)),
    close: () => backend.close(),
  };
}

function tracedJobs(jobs: JobRunner, calls: Calls): JobRunner {
  return {
    ...(jobs.inspectMany && {
      inspectMany: (handles) =>
        calls.one('inspectMany', () => jobs.inspectMany?.(handles) ?? Promise.resolve([])),
    }),
    submit: (workload, options) => calls.one('submit', () => jobs.submit(workload, options)),
    inspect: (handle) => calls.one('inspect', () => jobs.inspect(handle)),
    watch: (handle, signal) => calls.each('watch', () => jobs.watch(handle, signal)),
    logs: (handle, options) => calls.each('logs', () => jobs.logs(handle, options)),
    cancel: (handle) => calls.one('cancel', () => jobs.cancel(handle)),
    outputs: (handle) => calls.one('outputs', () => jobs.outputs(handle)),
  };
}

function tracedServices(services: ServiceRunner, calls: Calls): ServiceRunner {
  return {
    deploy: (workload, options) => calls.one('deploy', () => services.deploy(workload, options)),
    status: (handle) => calls.one('status', () => services.status(handle)),
    watch: (handle, signal) => calls.each('watch', () => services.watch(handle, signal)),
    scale: (handle, replicas) => calls.one('scale', () => services.scale(handle, replicas)),
    invoke: (handle, request, options) =>
      calls.one('invoke', () => services.invoke(handle, carrying(request), options)),
    logs: (handle, options) => calls.each('logs', () => services.logs(handle, options)),
  };
}

function tracedFunctions(functions: FunctionRunner, calls: Calls): FunctionRunner {
  return {
    deploy: (workload, options) => calls.one('deploy', () => functions.deploy(workload, options)),
    status: (handle) => calls.one('status', () => functions.status(handle)),
    warm: (handle, count, options) =>
      calls.one('warm', () => functions.warm(handle, count, options)),
    invoke: (handle, request, options) =>
      calls.one('invoke', () => functions.invoke(handle, carrying(request), options)),
    result: (handle, ticket) => calls.one('result', () => functions.result(handle, ticket)),
    logs: (handle, options) => calls.each('logs', () => functions.logs(handle, options)),
  };
}

/** A module that traces goes on with ours. */
function carrying<R extends { readonly headers: Readonly<Record<string, string>> }>(request: R): R {
  const own = traceparent();
  return own === null ? request : { ...request, headers: { ...request.headers, traceparent: own } };
}

import type { Backend } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { Answered, FunctionRunner } from '../../../backends/contract/function-runner.ts';
import type { LogChunk } from '../../../backends/contract/job-runner.ts';
import type {
  Handle,
  InputFile,
  Program,
  ServiceWorkload,
} from '../../../backends/contract/workload.ts';
import type { BackendUnderTest } from './under-test.ts';
import { chunks, drain, newKey, service, soon } from './under-test.ts';

export interface FunctionTarget {
  readonly name: string;
  create(): Promise<FunctionsUnderTest>;
}

/** A backend whose functions are `test/fakes/openwhisk/scripted-module`, as an image of that platform. */
export interface FunctionsUnderTest {
  readonly backend: Backend;
  readonly functions: FunctionRunner;
  readonly program: Program;
  again(): Promise<Backend>;
  /** Deploys from another process, which ends afterwards. */
  deployElsewhere(workload: ServiceWorkload, key: string): Promise<Handle>;
  /** An input that containers of the platform can fetch; null where none of ours can be reached from there. */
  readonly blob: ((path: string, content: string) => Promise<InputFile>) | null;
  /** Until containers are free again: a platform may answer before it has collected the log of a call. */
  settled(): Promise<void>;
  /** Everything a person could list of what runs there. */
  listing(): Promise<string>;
  destroy(): Promise<void>;
}

export function openedFunctions(
  backend: Backend,
  program: Program,
): Pick<FunctionsUnderTest, 'backend' | 'functions' | 'program'> {
  const { functions } = backend;
  if (functions === null) throw new Error(`${backend.name} has no functions`);
  return { backend, functions, program };
}

/** What the suite of `Backend` itself needs of it. */
export function asBackendUnderTest(under: FunctionsUnderTest): BackendUnderTest {
  const noJobs = (): never => {
    throw new Error('it runs no jobs');
  };
  return {
    backend: under.backend,
    jobs: null,
    services: null,
    gpu: null,
    again: () => under.again(),
    submitElsewhere: noJobs,
    requested: noJobs,
    waitingJob: noJobs,
    shell: (script) => ({ kind: 'COMMAND', argv: ['/bin/sh', '-c', script], image: null }),
    server: () => under.program,
    blob: noJobs,
    listing: () => under.listing(),
    destroy: () => under.destroy(),
  };
}

export interface Predicted {
  /** Of the process; numbers of processes are the same in every container. */
  readonly instance: string;
  readonly text: string | null;
  readonly weights: string | null;
  readonly variables: Readonly<Record<string, string | null>>;
  readonly uploaded: number | null;
}

/** The scripted module's route of predictions. */
export const predictPath = '/v2/models/scripted/predict/';
export const json = { 'content-type': 'application/json' };

export type FunctionSuite = ReturnType<typeof suiteOf>;

/** What the tests of functions do all the time. */
// The inferred type names every helper; writing it out would repeat them.
export function suiteOf(under: FunctionsUnderTest) {
  const workload = (more: Partial<ServiceWorkload> = {}): ServiceWorkload => {
    const one = service(under.program, more);
    return { ...one, resources: { ...one.resources, memoryMiB: 256, ...more.resources } };
  };
  const deploy = (more: Partial<ServiceWorkload> = {}, key = newKey()): Promise<Handle> =>
    under.functions.deploy(workload(more), { key, signal: soon() });
  const within = (milliseconds: number): { readonly deadline: number } => ({
    deadline: Date.now() + milliseconds,
  });
  const answered = async (
    handle: Handle,
    body: object,
    milliseconds = 30_000,
  ): Promise<Answered> => {
    const request = { method: 'POST', path: predictPath, headers: json } as const;
    const bytes = Buffer.from(JSON.stringify(body));
    const said = await under.functions.invoke(
      handle,
      { ...request, body: bytes },
      within(milliseconds),
    );
    if (said.kind === 'TICKET') throw new Error('it became a ticket');
    return said;
  };
  const predict = async (handle: Handle, body: object = {}): Promise<Predicted> =>
    predictedIn(await answered(handle, body));
  const get = async (handle: Handle, path: string): Promise<Answered['response']> => {
    const request = { method: 'GET', path, headers: {}, body: null } as const;
    const said = await under.functions.invoke(handle, request, within(30_000));
    if (said.kind === 'TICKET') throw new Error('it became a ticket');
    return said.response;
  };
  const resolved = async (handle: Handle, ticket: string): Promise<Answered> => {
    for (const limit = soon(); !limit.aborted;) {
      const seen = await under.functions.result(handle, ticket);
      if (seen?.kind === 'ANSWER') return seen;
      if (seen !== null) throw new Error(seen.message);
      await new Promise((next) => setTimeout(next, 50));
    }
    throw new Error('it never ended');
  };
  const untilPrinted = async (handle: Handle, ...texts: string[]): Promise<void> => {
    for (const limit = soon(); !limit.aborted;) {
      const lines = (await chunks(under.functions, handle)).flatMap((chunk) => chunk.lines);
      if (texts.every((text) => lines.some((line) => line.text === text))) return;
      await new Promise((next) => setTimeout(next, 50));
    }
    throw new Error(`it never printed ${texts.join(', ')}`);
  };
  /** The error with which `work` rejects. */
  const errorOf = async (work: () => Promise<unknown>): Promise<BackendError> => {
    const error = await work().then(
      () => null,
      (one: unknown) => one,
    );
    if (error instanceof BackendError) return error;
    throw error ?? new Error('it did not reject');
  };
  return {
    under,
    workload,
    deploy,
    within,
    answered,
    predict,
    get,
    resolved,
    untilPrinted,
    errorOf,
  };
}

export function predictedIn({ response }: Answered): Predicted {
  const text = Buffer.from(response.body).toString();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return (JSON.parse(text) as { readonly predictions: Predicted }).predictions;
}

export function everyMethod(
  functions: FunctionRunner,
  handle: Handle,
): readonly (() => Promise<unknown>)[] {
  const deadline = Date.now() + 5000;
  const request = { method: 'GET', path: '/', headers: {}, body: null } as const;
  return [
    () => functions.status(handle),
    () => functions.invoke(handle, request, { deadline }),
    () => functions.warm(handle, 1, { deadline }),
    () => functions.result(handle, `${'0'.repeat(32)}.${Date.now()}`),
    () => drain(logs(functions, handle, null)),
  ];
}

export function logs(
  functions: FunctionRunner,
  handle: Handle,
  after: string | null,
): AsyncIterable<LogChunk> {
  return functions.logs(handle, { after, signal: soon() });
}

export function textsOf(all: readonly LogChunk[]): readonly string[] {
  return all.flatMap(({ lines }) => lines.map(({ text }) => text));
}

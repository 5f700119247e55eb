import type { Backend } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { BackendErrorKind } from '../../../backends/contract/error.ts';
import type {
  ArrayMember,
  JobArray,
  JobRunner,
  JobStatus,
  LogChunk,
  OutputFolder,
} from '../../../backends/contract/job-runner.ts';
import type { ServiceRunner } from '../../../backends/contract/service-runner.ts';
import type {
  Handle,
  JobWorkload,
  Program,
  ServiceWorkload,
} from '../../../backends/contract/workload.ts';

/** One backend whose promises are to be kept. A suite creates one and gives it back. */
export interface BackendTarget {
  readonly name: string;
  create(): Promise<BackendUnderTest>;
}

export interface BackendUnderTest {
  readonly backend: Backend;
  readonly jobs: JobRunner | null;
  readonly services: ServiceRunner | null;
  /** The GPU that the site has, as it is asked for and as native objects name it; null without GPUs. At least two. */
  readonly gpu: { readonly model: string; readonly native: string } | null;
  /** Another instance on the same jobs and services, as after a restart. The caller closes it. */
  again(): Promise<Backend>;
  /** Submits from another process, which ends afterwards. */
  submitElsewhere(workload: JobWorkload, key: string, array?: ArrayOrder): Promise<Handle>;
  /** What a person would name the native object that has this job together with others; null for a job by itself. */
  readonly arrayOf?: (handle: Handle) => Promise<string | null>;
  /** What the native objects of a job ask for. */
  requested(handle: Handle): Promise<Requested>;
  /** Submits a job that cannot start (the site is full, or it asks for too much) before `over`. */
  waitingJob(
    workload: JobWorkload,
  ): Promise<{ readonly handle: Handle; readonly over: () => Promise<void> }>;
  /** Where the work runs: a POSIX shell script with arguments. */
  shell(script: string, ...argv: string[]): Program;
  /** The log may end before a last line that has no end: its README says why. */
  readonly dropsUnfinishedLine?: true;
  /** A start may take so long, and counts: a program that is to run up to its limit needs that much more. */
  readonly startSeconds?: number;
  /** `model-server.mjs`, as a program. */
  server(): Program;
  /** The digest of a blob that can be placed. */
  blob(content: string | Uint8Array): string;
  /** Everything a person could list of what runs there: native objects, arguments, files. */
  listing(): Promise<string>;
  destroy(): Promise<void>;
}

/** As data, for another process. */
export interface ArrayOrder extends Omit<JobArray, 'members'> {
  readonly members: readonly ArrayMember[];
}

export interface Requested {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly gpus: { readonly count: number; readonly model: string | null } | null;
}

export type JobsUnderTest = BackendUnderTest & { readonly jobs: JobRunner };
export type ServicesUnderTest = BackendUnderTest & { readonly services: ServiceRunner };

export function assertJobs(under: BackendUnderTest): asserts under is JobsUnderTest {
  if (under.jobs === null) throw new Error(`${under.backend.name} runs no jobs`);
}

export function assertServices(under: BackendUnderTest): asserts under is ServicesUnderTest {
  if (under.services === null) throw new Error(`${under.backend.name} runs no services`);
}

let keys = 0;

export function newKey(): string {
  return `contract ${process.pid} ${++keys}`;
}

export function job(program: Program, more: Partial<JobWorkload> = {}): JobWorkload {
  return {
    title: 'a job of the contract suite',
    program,
    environment: {},
    secrets: {},
    inputs: [],
    resources: { cpus: 0.1, memoryMiB: 256, gpus: null, timeLimitSeconds: 60 },
    labels: { suite: 'contract' },
    ...more,
  };
}

export function service(program: Program, more: Partial<ServiceWorkload> = {}): ServiceWorkload {
  return { ...job(program), replicas: 1, artifactFolder: null, ...more };
}

/** Never in the way, but a test that waits for ever says where. */
export function soon(): AbortSignal {
  // Real servers take their time.
  return AbortSignal.timeout(process.env['FATHOM_REAL'] ? 60_000 : 15_000);
}

export async function submit(
  jobs: JobRunner,
  workload: JobWorkload,
  key = newKey(),
): Promise<Handle> {
  return jobs.submit(workload, { key, signal: soon() });
}

/** Runs a script to its end. */
export async function endOf(
  under: JobsUnderTest,
  script: string,
  more: Partial<JobWorkload> = {},
): Promise<{ readonly handle: Handle; readonly exit: JobStatus['exit'] }> {
  const handle = await submit(under.jobs, job(under.shell(script), more));
  const { exit } = await untilEnded(under.jobs, handle);
  return { handle, exit };
}

/** The last status of `watch`; fails when the job does not end. */
export async function untilEnded(
  jobs: JobRunner,
  handle: Handle,
  limit = soon(),
): Promise<JobStatus> {
  return untilJob(jobs, handle, ({ phase }) => phase === 'ENDED', limit);
}

export async function untilJob(
  jobs: JobRunner,
  handle: Handle,
  isSo: (status: JobStatus) => boolean,
  limit = soon(),
): Promise<JobStatus> {
  let last: JobStatus | null = null;
  for await (const status of jobs.watch(handle, limit)) {
    last = status;
    if (isSo(status)) return status;
  }
  throw new Error(`the job did not come to that: ${JSON.stringify(last)}`);
}

/** Waits until the job printed `text`. */
export async function untilPrinted(
  jobs: JobRunner,
  handle: Handle,
  text: string,
  limit = soon(),
): Promise<void> {
  while (!limit.aborted) {
    const lines = await printed(jobs, handle);
    if (lines.some((line) => line.text.includes(text))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the job never printed ${text}`);
}

export async function printed(
  runner: Pick<JobRunner, 'logs'>,
  handle: Handle,
  after: string | null = null,
): Promise<readonly LogChunk['lines'][number][]> {
  return (await chunks(runner, handle, after)).flatMap(({ lines }) => lines);
}

export async function chunks(
  runner: Pick<JobRunner, 'logs'>,
  handle: Handle,
  after: string | null = null,
): Promise<readonly LogChunk[]> {
  const all: LogChunk[] = [];
  for await (const chunk of runner.logs(handle, { after, signal: soon() })) all.push(chunk);
  return all;
}

export async function textOf(outputs: OutputFolder, path: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await outputs.read(path)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** A text of the native part of a handle, which only its own backend reads otherwise. */
export function nativeText({ native }: Handle, name: string): string {
  const value = native[name];
  if (typeof value !== 'string') throw new Error(`the handle has no ${name}`);
  return value;
}

/** The kind of the BackendError with which `work` rejects; anything else is a failure. */
export async function kindOf(work: () => Promise<unknown>): Promise<BackendErrorKind> {
  try {
    await work();
  } catch (error) {
    if (error instanceof BackendError) return error.kind;
    throw error;
  }
  throw new Error('it did not reject');
}

export async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

import { randomUUID } from 'node:crypto';
import type { BackendSurroundings } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import { NomadClient } from './client.ts';
import type { NomadSettings } from './config.ts';
import { isThereAlready, refusal } from './errors.ts';
import { SharedFolders } from './folders.ts';
import type { Kind } from './names.ts';
import { isNativeName, meta, variablePath } from './names.ts';
import type { NativeAllocation, NativeEvaluation, NativeJob } from './native.ts';
import type { Translation } from './translate.ts';
import { Wakes } from './wakes.ts';

/** What jobs and services share: the client, what is ours, and how a native job is made once. */
export class Site {
  readonly name: string;
  readonly settings: NomadSettings;
  readonly surroundings: BackendSurroundings;
  readonly client: NomadClient;
  readonly wakes: Wakes;
  readonly folders: SharedFolders | null;
  readonly #closing = new AbortController();

  constructor(name: string, settings: NomadSettings, surroundings: BackendSurroundings) {
    this.name = name;
    this.settings = settings;
    this.surroundings = surroundings;
    this.client = new NomadClient(settings, this.#closing.signal, surroundings.traceparent);
    this.wakes = new Wakes(this.client, this.#closing.signal);
    const { sharedFolder } = settings;
    this.folders = sharedFolder === null ? null : new SharedFolders(sharedFolder.path);
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
  }

  assertOpen(operation: string): void {
    if (!this.#closing.signal.aborted) return;
    throw new BackendError('Closed', operation, 'This backend was closed.');
  }

  newMark(): string {
    return randomUUID().slice(0, 13);
  }

  handle(kind: Kind, name: string, mark: string): Handle {
    return { backend: this.name, version: 1, native: { kind, name, mark } };
  }

  /** Name and mark in a handle of ours; null when it is none. */
  parse(handle: Handle, kind: Kind): { readonly name: string; readonly mark: string } | null {
    const { name, mark } = handle.native;
    const isOurs = handle.backend === this.name && handle.native['kind'] === kind;
    return isOurs && isNativeName(name) && typeof mark === 'string' && /^[\w-]{1,40}$/.test(mark)
      ? { name, mark }
      : null;
  }

  nameIn(handle: Handle, kind: Kind, operation: string): string {
    return this.place(handle, kind, operation).name;
  }

  place(handle: Handle, kind: Kind, operation: string) {
    this.assertOpen(operation);
    const place = this.parse(handle, kind);
    if (place === null) throw notFound(kind, operation, 'it is no handle of this backend');
    return place;
  }

  /** The job of a handle. NotFound, with what is known, when there is none any more. */
  async job(handle: Handle, kind: Kind, operation: string): Promise<NativeJob> {
    const { name, mark } = this.place(handle, kind, operation);
    const job = await this.find(operation, name);
    if (job === null) {
      const evidence = 'Nomad does not know it: it was removed, or collected hours after its end';
      throw notFound(kind, operation, evidence);
    }
    if (job.Meta?.[meta.mark] !== mark) {
      throw notFound(kind, operation, 'another one was made under its name since');
    }
    return job;
  }

  async find(operation: string, name: string): Promise<NativeJob | null> {
    const { jobs } = await this.client.modules(operation);
    try {
      return await jobs.get(name);
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'NotFound') return null;
      throw error;
    }
  }

  /** Of this very job: those of a released one of the same name may still be listed. Oldest first. */
  async allocations(operation: string, job: NativeJob): Promise<readonly NativeAllocation[]> {
    const { jobs } = await this.client.modules(operation);
    const list = (await jobs.allocations(job.ID)) ?? [];
    const isOfJob = ({ CreateIndex }: NativeAllocation): boolean =>
      (CreateIndex ?? 0) >= (job.CreateIndex ?? 0);
    return list.filter(isOfJob).toSorted((a, b) => (a.CreateIndex ?? 0) - (b.CreateIndex ?? 0));
  }

  async evaluations(operation: string, job: NativeJob): Promise<readonly NativeEvaluation[]> {
    const { jobs } = await this.client.modules(operation);
    const list = (await jobs.evaluations(job.ID)) ?? [];
    return list.filter(({ CreateIndex }) => (CreateIndex ?? 0) >= (job.CreateIndex ?? 0));
  }

  /** Makes the job, or finds the one that is there: the answer is the mark of the one that counts. */
  async make(operation: string, { job, variable }: Translation): Promise<string> {
    if (variable !== null) await this.client.writeVariable(operation, variable);
    const answer = await this.client.create(operation, job);
    if (answer.status < 300) return job.Meta[meta.mark] ?? '';
    if (isThereAlready(answer)) {
      const there = await this.find(operation, job.ID);
      if (there !== null) return this.adopt(operation, there, job.Meta);
    }
    const error = refusal(operation, answer);
    if (variable !== null && isRefused(error)) await this.removeVariable(operation, job.ID);
    throw error;
  }

  /** The mark of the job that is there, when it is ours by its key. */
  adopt(operation: string, there: NativeJob, wanted: Readonly<Record<string, string>>): string {
    const mark = there.Meta?.[meta.mark];
    const isOurs =
      there.Meta?.[meta.managed] === 'true' &&
      there.Meta[meta.key] === wanted[meta.key] &&
      there.Meta[meta.kind] === wanted[meta.kind];
    if (isOurs && mark !== undefined) return mark;
    const message = `There is something else of the name ${there.ID} in Nomad.`;
    throw new BackendError('Rejected', operation, message);
  }

  async removeVariable(operation: string, name: string): Promise<void> {
    await this.client.removeVariable(operation, variablePath(name)).catch((error: unknown) => {
      // Who may not touch variables has written none.
      if (error instanceof BackendError && error.kind === 'Unauthorized') return;
      throw error;
    });
  }
}

export function notFound(kind: Kind, operation: string, evidence: string): BackendError {
  const what = kind === 'JOB' ? 'job' : 'service';
  return new BackendError('NotFound', operation, `There is no such ${what}: ${evidence}.`);
}

/** Nothing was accepted, and the same request would be refused again. */
export function isRefused(error: unknown): boolean {
  return (
    error instanceof BackendError &&
    (error.kind === 'Rejected' || error.kind === 'Unauthorized' || error.kind === 'Unsupported')
  );
}

export function assertWanted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new BackendError('Unavailable', 'submit', 'It was given up before it was submitted.');
}

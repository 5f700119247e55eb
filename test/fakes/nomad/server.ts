import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Faults } from './faults.ts';
import { readFrames } from './log-files.ts';
import type { NodeOptions } from './scheduler.ts';
import { Scheduler, isAlive } from './scheduler.ts';
import type { Allocation, Deployment, JobObject, Table } from './state.ts';
import { State } from './state.ts';
import { refusalOf } from './validation.ts';

export interface FakeNomadOptions extends NodeOptions {
  readonly namespaces: readonly string[];
  /** Older ones: no variables, no event stream, no limit of time. */
  readonly lacks: readonly ('variables' | 'events' | 'maxRunDuration')[];
  /** Whether the token may read nodes. */
  readonly showsNodes: boolean;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Asked {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly response: ServerResponse;
}

/** A loopback agent, server and client in one, that answers as Nomad 2.0 does and runs `raw_exec` tasks as processes. */
export class FakeNomad {
  readonly faults = new Faults();
  readonly state = new State();
  readonly scheduler: Scheduler;
  readonly token = 'fake-nomad-token';
  /** As `GET /v1/job/x?namespace=ml`. */
  readonly requests: string[] = [];
  /** Of requests that came with a `traceparent`. */
  readonly traced: { readonly request: string; readonly traceparent: string }[] = [];
  readonly #options: FakeNomadOptions;
  readonly #server: Server;
  readonly #streams = new Set<() => void>();

  static async start(options: Partial<FakeNomadOptions> & { folder: string }): Promise<FakeNomad> {
    await mkdir(options.folder, { recursive: true });
    const fake = new FakeNomad({
      cpuMhz: 4000,
      memoryMiB: 16_384,
      gpu: null,
      images: [],
      logFileBytes: null,
      namespaces: ['default', 'ml'],
      lacks: [],
      showsNodes: true,
      ...options,
    });
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  private constructor(options: FakeNomadOptions) {
    this.#options = options;
    this.scheduler = new Scheduler(this.state, options);
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.keepAliveTimeout = 1000;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  job(name: string): JobObject | null {
    return this.state.jobs.get(name) ?? null;
  }

  allocations(name: string): readonly Allocation[] {
    return this.state.of(this.state.allocations, name);
  }

  occupyAll(): () => void {
    return this.scheduler.occupyAll();
  }

  /** Event streams and blocking queries, as when an agent is started again. */
  cutStreams(): void {
    for (const cut of [...this.#streams]) cut();
  }

  /** Forgets what is dead, as it does after hours. */
  collect(): void {
    for (const job of [...this.state.jobs.values()]) if (job.Status === 'dead') this.#forget(job);
    for (const one of [...this.state.allocations.values()]) {
      if (!this.state.jobs.has(one.JobID)) this.state.allocations.delete(one.ID);
    }
  }

  /** Native objects and the arguments of processes. Items of variables are shown to nobody. */
  listing(): string {
    const { jobs, allocations, evaluations, deployments, variables } = this.state;
    const argv = [...this.scheduler.runners.values()].flatMap(({ tasks }) =>
      tasks.map((task) => task.argv),
    );
    const tables = [jobs, allocations, evaluations, deployments].map((table) => [
      ...table.values(),
    ]);
    return JSON.stringify([tables, [...variables.keys()], argv]);
  }

  async close(): Promise<void> {
    await this.scheduler.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search, searchParams: query } = new URL(request.url ?? '/', 'http://nomad');
    const method = request.method ?? 'GET';
    this.requests.push(`${method} ${pathname}${search}`);
    const { traceparent } = request.headers;
    if (typeof traceparent === 'string') {
      this.traced.push({ request: `${method} ${pathname}`, traceparent });
    }
    const said = await text(request).catch(() => '');
    const met = await this.faults.meet(request, response, pathname);
    if (met === 'answered') return;
    try {
      const body: unknown = said === '' ? null : JSON.parse(said);
      this.#authorize(request, query);
      const segments = pathname.split('/').slice(2).map(decodeURIComponent);
      const answer = await this.#answer({ method, segments, query, body, response });
      if (met === 'lost') request.socket.destroy();
      else if (answer !== undefined)
        this.#send(response, 200, 'application/json', JSON.stringify(answer));
    } catch (error) {
      const status =
        error instanceof Refusal ? error.status : error instanceof SyntaxError ? 400 : 500;
      this.#send(
        response,
        status,
        'text/plain; charset=utf-8',
        error instanceof Error ? error.message : '',
      );
    }
  }

  #authorize(request: IncomingMessage, query: URLSearchParams): void {
    const token = request.headers['x-nomad-token'];
    if (token === undefined) throw new Refusal(403, 'Permission denied');
    if (token !== this.token) throw new Refusal(403, 'ACL token not found');
    const namespace = query.get('namespace') ?? 'default';
    if (namespace !== '*' && !this.#options.namespaces.includes(namespace)) {
      throw new Refusal(500, `rpc error: nonexistent namespace "${namespace}"`);
    }
  }

  async #answer(asked: Asked): Promise<unknown> {
    const { method, segments } = asked;
    const [first, second, third, fourth] = segments;
    switch (`${method} ${first}`) {
      case 'PUT jobs':
        return this.#register(asked.body);
      case 'GET jobs':
        return this.#list(asked, 'jobs', () => this.#jobs(asked.query.get('prefix') ?? ''));
      case 'GET job':
        return this.#readJob(second ?? '', third);
      case 'DELETE job':
        return this.#deregister(second ?? '', asked.query.get('purge') === 'true');
      case 'POST job':
        if (third === 'scale') return this.#scale(second ?? '', asked.body as { Count: number });
        break;
      case 'GET allocations':
        return this.#list(asked, 'allocations', () => this.#allAllocations(asked.query));
      case 'GET allocation':
        return this.#allocation(second ?? '');
      case 'POST client':
        if (second === 'allocation' && fourth === 'restart') return this.#restart(third ?? '');
        break;
      case 'GET client':
        if (third === 'logs') return this.#logs(fourth ?? '', asked);
        break;
      case 'GET event':
        return this.#events(asked.response);
      case 'PUT var':
      case 'DELETE var':
        return this.#variable(method, segments.slice(1).join('/'), asked.body);
      case 'GET nodes':
        if (!this.#options.showsNodes) throw new Refusal(403, 'Permission denied');
        return [this.#node()];
    }
    throw new Refusal(404, '');
  }

  #register(body: unknown): object {
    const { Job, EnforceIndex, JobModifyIndex } = (body ?? {}) as {
      Job?: JobObject;
      EnforceIndex?: boolean;
      JobModifyIndex?: number;
    };
    if (Job === undefined) throw new Refusal(400, 'Job must be specified');
    const refusal = refusalOf(Job);
    if (refusal !== null) throw new Refusal(500, refusal);
    const there = this.state.jobs.get(Job.ID);
    if (EnforceIndex === true && there !== undefined && JobModifyIndex !== there.JobModifyIndex) {
      const why =
        JobModifyIndex === 0
          ? 'job already exists'
          : `job exists with conflicting job modify index: ${there.JobModifyIndex}`;
      throw new Refusal(500, `Enforcing job modify index ${JobModifyIndex}: ${why}`);
    }
    if (this.#options.lacks.includes('maxRunDuration')) delete Job.TaskGroups[0].MaxRunDuration;
    const index = this.state.next();
    const job: JobObject = {
      ...Job,
      Status: 'pending',
      Stop: false,
      Version: there === undefined ? 0 : there.Version + 1,
      CreateIndex: there?.CreateIndex ?? index,
      ModifyIndex: index,
      JobModifyIndex: index,
    };
    return this.#changed(job, 'job-register');
  }

  #changed(job: JobObject, trigger: string): object {
    this.state.jobs.set(job.ID, job);
    this.state.changed('jobs', job);
    job.JobModifyIndex = job.ModifyIndex;
    if (job.Type === 'service' && !job.Stop) this.#deploy(job);
    const EvalID = this.scheduler.evaluate(job, trigger);
    return { EvalID, JobModifyIndex: job.JobModifyIndex, Index: job.ModifyIndex, Warnings: '' };
  }

  #deploy(job: JobObject): void {
    for (const old of this.state.of(this.state.deployments, job.ID)) {
      if (old.Status === 'running') old.Status = 'cancelled';
    }
    const deployment: Deployment = {
      ID: randomUUID(),
      JobID: job.ID,
      Namespace: job.Namespace,
      JobVersion: job.Version,
      Status: 'running',
      StatusDescription: 'Deployment is running',
      CreateIndex: this.state.next(),
      ModifyIndex: 0,
    };
    this.state.deployments.set(deployment.ID, deployment);
    this.state.changed('deployments', deployment);
    const stop = this.state.listen((table) => {
      if (table !== 'allocations' || deployment.Status !== 'running') return;
      const ready = this.allocations(job.ID).filter(
        ({ DesiredStatus, DeploymentStatus }) =>
          DesiredStatus === 'run' && DeploymentStatus?.Healthy === true,
      );
      if (ready.length < job.TaskGroups[0].Count) return;
      deployment.Status = 'successful';
      deployment.StatusDescription = 'Deployment completed successfully';
      stop();
      this.state.changed('deployments', deployment);
    });
  }

  #jobs(prefix: string): object[] {
    const all = [...this.state.jobs.values()].filter(({ ID }) => ID.startsWith(prefix));
    return all.map(({ ID, Type, Status, Stop, ModifyIndex }) => ({
      ID,
      Type,
      Status,
      Stop,
      ModifyIndex,
    }));
  }

  #readJob(id: string, what: string | undefined): unknown {
    const { allocations, evaluations, deployments } = this.state;
    const job = this.state.jobs.get(id);
    // Lists of a job that is unknown are empty; those of one that was made anew have the old ones filtered out.
    const since = job?.CreateIndex ?? 0;
    const ofThis = <T extends { JobID: string; CreateIndex: number }>(table: Map<string, T>): T[] =>
      this.state.of(table, id).filter(({ CreateIndex }) => CreateIndex >= since);
    if (what === 'allocations') return ofThis(allocations).map(stub);
    if (what === 'evaluations') return ofThis(evaluations);
    if (what === 'deployments') return ofThis(deployments);
    if (job === undefined) throw new Refusal(404, 'job not found');
    return job;
  }

  #deregister(id: string, isPurge: boolean): object {
    const job = this.state.jobs.get(id);
    // A second purge that races with the first is an error of the log of changes.
    if (job === undefined) throw new Refusal(500, 'DeleteJob failed: job not found');
    job.Stop = true;
    const answer = this.#changed(job, 'job-deregister');
    if (isPurge) this.#forget(job);
    return answer;
  }

  #forget(job: JobObject): void {
    this.state.jobs.delete(job.ID);
    this.state.removed('jobs', job.ID);
    for (const one of this.allocations(job.ID))
      if (isAlive(one)) this.scheduler.runners.get(one.ID)?.stop('');
  }

  #scale(id: string, { Count }: { Count: number }): object {
    const job = this.state.jobs.get(id);
    if (job === undefined) throw new Refusal(404, 'job not found');
    const active = this.state
      .of(this.state.deployments, id)
      .some(({ Status }) => Status === 'running');
    if (active) throw new Refusal(400, 'job scaling blocked due to active deployment');
    const next = structuredClone(job);
    next.TaskGroups[0].Count = Count;
    next.Version++;
    return this.#changed(next, 'job-scaling');
  }

  #allocation(id: string): Allocation {
    const allocation = this.state.allocations.get(id);
    if (allocation === undefined) throw new Refusal(404, 'alloc not found');
    return allocation;
  }

  #allAllocations(query: URLSearchParams): object[] {
    const all = [...this.state.allocations.values()];
    return query.get('resources') === 'true' ? all : all.map(stub);
  }

  #restart(id: string): object {
    this.#allocation(id);
    const main = this.scheduler.runners.get(id)?.tasks.find(({ task }) => task.Name === 'main');
    if (main === undefined) throw new Refusal(500, 'Task not running');
    main.restart();
    return { Index: 0 };
  }

  #logs(id: string, { query, response }: Asked): undefined {
    const allocation = this.#allocation(id);
    const task = query.get('task') ?? '';
    const state = allocation.TaskStates?.[task];
    if (state === undefined) throw new Refusal(400, `task "${task}" not found`);
    if (state.StartedAt.startsWith('0001')) {
      throw new Refusal(404, `task "${task}" not started yet. No logs available`);
    }
    const frames = readFrames(
      join(this.#options.folder, id, 'alloc/logs'),
      `${task}.${query.get('type') ?? ''}`,
      {
        origin: query.get('origin') ?? 'start',
        offset: Number(query.get('offset') ?? 0),
        frameBytes: 3000,
      },
    );
    response.writeHead(200, { 'content-type': 'application/json' });
    const all = frames.map((frame) => `${JSON.stringify(frame)}{}`).join('');
    // Cut anywhere, without separators.
    for (let at = 0; at < all.length; at += 1777) response.write(all.slice(at, at + 1777));
    response.end();
    return undefined;
  }

  #events(response: ServerResponse): undefined {
    if (this.#options.lacks.includes('events')) throw new Refusal(404, '');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{}\n');
    const stop = this.state.listen((_, event) => {
      if (event !== null) response.write(`${JSON.stringify(event)}\n`);
    });
    const cut = (): void => void response.destroy();
    this.#streams.add(cut);
    response.once('close', () => {
      stop();
      this.#streams.delete(cut);
    });
    return undefined;
  }

  #variable(method: string, path: string, body: unknown): object | null {
    if (this.#options.lacks.includes('variables')) throw new Refusal(404, '');
    if (method === 'DELETE') {
      this.state.variables.delete(path);
      return null;
    }
    const { Items } = (body ?? {}) as { Items?: Record<string, string> };
    if (Items === undefined) throw new Refusal(400, 'variable missing required Items object');
    if (JSON.stringify(Items).length > 64 * 1024)
      throw new Refusal(413, 'variables are limited to 64KiB in total size');
    this.state.variables.set(path, Items);
    return { Namespace: 'ml', Path: path };
  }

  /** With `index` it answers when the list has changed since, or when `wait` is over. */
  async #list(asked: Asked, table: Table, read: () => unknown): Promise<unknown> {
    const index = Number(asked.query.get('index') ?? 0);
    const seconds = parseFloat(asked.query.get('wait') ?? '300');
    if (index > 0 && this.state.indexes[table] === index) {
      await new Promise<void>((resolve) => {
        const over = (): void => {
          clearTimeout(timer);
          stop();
          this.#streams.delete(over);
          resolve();
        };
        const timer = setTimeout(over, seconds * 1000);
        const stop = this.state.listen((changed) => changed === table && over());
        this.#streams.add(over);
        asked.response.once('close', over);
      });
    }
    asked.response.setHeader('x-nomad-index', String(this.state.indexes[table]));
    asked.response.setHeader('x-nomad-knownleader', 'true');
    return read();
  }

  #node(): object {
    const { cpuMhz, memoryMiB, gpu } = this.#options;
    const Attributes = { memory: { Int: gpu?.memoryMiB ?? 0, Unit: 'MiB' } };
    const Instances = Array.from({ length: gpu?.count ?? 0 }, (_, index) => ({
      ID: `gpu-${index}`,
      Healthy: true,
    }));
    const device = { Vendor: gpu?.vendor, Type: 'gpu', Name: gpu?.model, Instances, Attributes };
    return {
      ID: '00000000-0000-4000-8000-000000000000',
      Name: 'fake',
      Status: 'ready',
      Version: '2.0.5',
      Drain: false,
      SchedulingEligibility: 'eligible',
      NodeResources: {
        Cpu: { CpuShares: cpuMhz },
        Memory: { MemoryMB: memoryMiB },
        Devices: gpu === null ? null : [device],
      },
    };
  }

  #send(response: ServerResponse, status: number, type: string, body: string): void {
    if (response.headersSent || response.destroyed) return;
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  }
}

/** As lists have it: without the job and the resources. */
function stub({ AllocatedResources: _resources, ...rest }: Allocation): object {
  return rest;
}

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AllocationRunner } from './allocation-runner.ts';
import type { Allocation, Evaluation, GroupObject, JobObject, State } from './state.ts';

export interface NodeOptions {
  readonly folder: string;
  readonly cpuMhz: number;
  readonly memoryMiB: number;
  readonly gpu: {
    readonly vendor: string;
    readonly model: string;
    readonly memoryMiB: number;
    readonly count: number;
  } | null;
  readonly images: readonly string[];
  readonly logFileBytes: number | null;
}

/** One node and the scheduler for it. */
export class Scheduler {
  readonly runners = new Map<string, AllocationRunner>();
  readonly #state: State;
  readonly #options: NodeOptions;
  readonly #busy = new Set<string>();
  #isOccupied = false;
  #isClosed = false;

  constructor(state: State, options: NodeOptions) {
    this.#state = state;
    this.#options = options;
  }

  /** Others have everything, until the answer is called. */
  occupyAll(): () => void {
    this.#isOccupied = true;
    return () => {
      this.#isOccupied = false;
      for (const job of this.#state.jobs.values()) this.evaluate(job, 'node-update');
    };
  }

  /** The answer is the id of the evaluation, which is carried out a moment later. */
  evaluate(job: JobObject, TriggeredBy: string): string {
    const evaluation: Evaluation = {
      ID: randomUUID(),
      JobID: job.ID,
      Namespace: job.Namespace,
      Status: 'pending',
      TriggeredBy,
      StatusDescription: '',
      FailedTGAllocs: null,
      BlockedEval: '',
      CreateIndex: this.#state.next(),
      ModifyIndex: 0,
    };
    this.#state.evaluations.set(evaluation.ID, evaluation);
    this.#state.changed('evaluations', evaluation);
    setImmediate(() => void this.#carryOut(job, evaluation));
    return evaluation.ID;
  }

  /** Ends everything that runs; the answer comes when it has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const runner of this.runners.values()) runner.kill();
    for (let wait = 0; this.runners.size > 0 && wait < 500; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #carryOut(job: JobObject, evaluation: Evaluation): Promise<void> {
    // One at a time for each job, as the broker does it.
    while (this.#busy.has(job.ID)) await new Promise((resolve) => setTimeout(resolve, 2));
    if (this.#isClosed || this.#state.jobs.get(job.ID) !== job) return;
    this.#busy.add(job.ID);
    try {
      await this.#reconcile(job, evaluation);
    } finally {
      this.#busy.delete(job.ID);
    }
  }

  async #reconcile(job: JobObject, evaluation: Evaluation): Promise<void> {
    const [group] = job.TaskGroups;
    const wanted = job.Stop ? 0 : group.Count;
    const all = this.#state
      .of(this.#state.allocations, job.ID)
      .filter(({ CreateIndex }) => CreateIndex >= job.CreateIndex);
    for (const one of all) {
      if (indexOf(one) >= wanted && one.DesiredStatus === 'run') {
        this.#stop(one, 'alloc not needed due to job update');
      } else if (one.DesiredStatus === 'run') one.JobVersion = job.Version;
    }
    evaluation.Status = 'complete';
    for (let index = 0; index < wanted; index++) {
      const there = all.filter((one) => indexOf(one) === index && one.DesiredStatus === 'run');
      // What a batch job has done is done.
      const isDone = (one: Allocation): boolean => job.Type === 'batch' || isAlive(one);
      if (there.some(isDone)) continue;
      const failure = this.#placementFailure(group);
      if (failure !== null) {
        evaluation.FailedTGAllocs = { [group.Name]: failure };
        const blocked = {
          ...evaluation,
          ID: randomUUID(),
          Status: 'blocked',
          TriggeredBy: 'queued-allocs',
        };
        blocked.CreateIndex = this.#state.next();
        evaluation.BlockedEval = blocked.ID;
        this.#state.evaluations.set(blocked.ID, blocked);
        this.#state.changed('evaluations', blocked);
        break;
      }
      await this.#place(job, index, evaluation.ID, there.at(-1)?.ID ?? '');
    }
    this.#state.changed('evaluations', evaluation);
    this.#settle(job);
  }

  #stop(allocation: Allocation, description: string): void {
    const runner = this.runners.get(allocation.ID);
    if (runner !== undefined) return runner.stop(description);
    allocation.DesiredStatus = 'stop';
    this.#state.changed('allocations', allocation);
  }

  async #place(job: JobObject, index: number, EvalID: string, previous: string): Promise<void> {
    const [group] = job.TaskGroups;
    const labels = (group.Networks ?? []).flatMap(({ DynamicPorts }) => DynamicPorts ?? []);
    const ports = await Promise.all(
      labels.map(async ({ Label }) => ({
        Label,
        Value: await freePort(),
        To: 0,
        HostIP: '127.0.0.1',
      })),
    );
    const allocation: Allocation = {
      ID: randomUUID(),
      EvalID,
      Name: `${job.ID}.${group.Name}[${index}]`,
      Namespace: job.Namespace,
      NodeName: 'fake',
      JobID: job.ID,
      JobVersion: job.Version,
      TaskGroup: group.Name,
      DesiredStatus: 'run',
      DesiredDescription: '',
      ClientStatus: 'pending',
      ClientDescription: '',
      TaskStates: null,
      DeploymentStatus: null,
      PreviousAllocation: previous,
      CreateIndex: this.#state.next(),
      ModifyIndex: 0,
      CreateTime: Date.now() * 1e6,
      AllocatedResources: { Tasks: allocatedOf(group), Shared: { Ports: ports } },
    };
    this.#state.allocations.set(allocation.ID, allocation);
    this.#state.changed('allocations', allocation);
    const { folder, images, logFileBytes } = this.#options;
    const place = join(folder, allocation.ID);
    const runner = new AllocationRunner(job, allocation, {
      state: this.#state,
      folder: place,
      images,
      logFileBytes,
      over: () => {
        this.runners.delete(allocation.ID);
        rmSync(join(place, 'main/secrets'), { recursive: true, force: true });
        if (job.Type === 'service' && allocation.DesiredStatus === 'run')
          this.evaluate(job, 'alloc-failure');
        this.#settle(job);
        this.#unblock();
      },
    });
    this.runners.set(allocation.ID, runner);
    runner.allocation.ClientStatus = 'pending';
  }

  /** Those that wait for what was freed. */
  #unblock(): void {
    const blocked = [...this.#state.evaluations.values()].filter(
      ({ Status }) => Status === 'blocked',
    );
    for (const evaluation of blocked) {
      evaluation.Status = 'complete';
      const job = this.#state.jobs.get(evaluation.JobID);
      if (job !== undefined) this.evaluate(job, 'queued-allocs');
    }
  }

  /** The status of a job says little: `dead` is everything that does not run. */
  #settle(job: JobObject): void {
    if (this.#state.jobs.get(job.ID) !== job) return;
    const all = this.#state
      .of(this.#state.allocations, job.ID)
      .filter(({ CreateIndex }) => CreateIndex >= job.CreateIndex);
    const isBlocked = this.#state
      .of(this.#state.evaluations, job.ID)
      .some(({ Status }) => Status === 'blocked');
    const status = all.some(isAlive) ? 'running' : isBlocked && !job.Stop ? 'pending' : 'dead';
    if (job.Status === status) return;
    job.Status = status;
    this.#state.changed('jobs', job);
  }

  #placementFailure(group: GroupObject): object | null {
    const empty = {
      NodesEvaluated: 1,
      NodesFiltered: 0,
      NodesExhausted: 0,
      NodesAvailable: { dc1: 1 },
    };
    const filtered = (why: string): object => ({
      ...empty,
      NodesFiltered: 1,
      ConstraintFiltered: { [why]: 1 },
    });
    const exhausted = (what: string): object => ({
      ...empty,
      NodesExhausted: 1,
      DimensionExhausted: { [what]: 1 },
    });
    for (const task of group.Tasks) {
      if (task.Driver === 'docker' && this.#options.images.length === 0)
        return filtered('missing drivers');
      for (const device of task.Resources.Devices ?? []) {
        if (!this.#hasDevice(device)) return filtered('missing devices');
      }
    }
    const used = [...this.runners.values()].flatMap(({ tasks }) =>
      tasks.map(({ task }) => task.Resources),
    );
    const wanted = group.Tasks.map(({ Resources }) => Resources);
    const sum = (of: (one: (typeof wanted)[number]) => number): number =>
      [...used, ...wanted].reduce((total, one) => total + of(one), 0);
    if (this.#isOccupied || sum(({ MemoryMB }) => MemoryMB) > this.#options.memoryMiB)
      return exhausted('memory');
    if (sum(({ CPU }) => CPU) > this.#options.cpuMhz) return exhausted('cpu');
    const devices = sum(({ Devices }) => Devices?.[0]?.Count ?? 0);
    return devices > (this.#options.gpu?.count ?? 0) ? exhausted('devices') : null;
  }

  #hasDevice(device: {
    Name: string;
    Count: number;
    Constraints?: { LTarget: string; RTarget: string }[];
  }): boolean {
    const { gpu } = this.#options;
    if (gpu === null || device.Name !== `${gpu.vendor}/gpu` || device.Count > gpu.count)
      return false;
    return (device.Constraints ?? []).every(({ LTarget, RTarget }) =>
      LTarget === '${device.model}'
        ? new RegExp(RTarget.replace('(?i)', ''), 'i').test(gpu.model)
        : parseInt(RTarget) <= gpu.memoryMiB,
    );
  }
}

function allocatedOf(group: GroupObject): Allocation['AllocatedResources']['Tasks'] {
  return Object.fromEntries(
    group.Tasks.map(({ Name, Resources }) => {
      const DeviceIDs = (Resources.Devices ?? []).flatMap(({ Count }) =>
        Array.from({ length: Count }, (_, index) => `gpu-${index}`),
      );
      return [
        Name,
        {
          Cpu: { CpuShares: Resources.CPU },
          Memory: { MemoryMB: Resources.MemoryMB },
          Devices: DeviceIDs.length === 0 ? [] : [{ DeviceIDs }],
        },
      ];
    }),
  );
}

export function isAlive({ ClientStatus }: Allocation): boolean {
  return ClientStatus === 'pending' || ClientStatus === 'running' || ClientStatus === 'unknown';
}

function indexOf({ Name }: Allocation): number {
  return Number(/\[(\d+)\]$/.exec(Name)?.[1] ?? 0);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Allocation, GroupObject, JobObject, State } from './state.ts';
import type { TaskSurroundings } from './task-runner.ts';
import { TaskRunner } from './task-runner.ts';

/** An allocation on the one node. */
export class AllocationRunner {
  readonly allocation: Allocation;
  readonly tasks: readonly TaskRunner[];
  readonly #state: State;
  readonly #group: GroupObject;
  readonly #over: () => void;
  #timer: NodeJS.Timeout | null = null;
  #checks: NodeJS.Timeout | null = null;
  #isOutOfSight = false;
  #description = '';

  constructor(
    job: JobObject,
    allocation: Allocation,
    parts: {
      readonly state: State;
      readonly folder: string;
      readonly images: readonly string[];
      readonly logFileBytes: number | null;
      /** Called when it is over. */
      readonly over: () => void;
    },
  ) {
    this.allocation = allocation;
    this.#state = parts.state;
    const [group] = structuredClone(job.TaskGroups);
    this.#group = group;
    this.#over = parts.over;
    const ports = allocation.AllocatedResources.Shared.Ports;
    const surroundings: TaskSurroundings = {
      group,
      folder: parts.folder,
      images: parts.images,
      logFileBytes: parts.logFileBytes,
      values: {
        NOMAD_ALLOC_ID: allocation.ID,
        NOMAD_ALLOC_INDEX: /\[(\d+)\]$/.exec(allocation.Name)?.[1] ?? '0',
        NOMAD_JOB_ID: job.ID,
        ...Object.fromEntries(
          ports.map(({ Label, Value }) => [`NOMAD_PORT_${Label}`, String(Value)]),
        ),
      },
      // Who is over is nobody any more (2.0.5, with ACL), whatever may still be to do.
      variable: (path) =>
        ['failed', 'complete'].includes(allocation.ClientStatus)
          ? undefined
          : parts.state.variables.get(path),
      changed: () => this.#publish(),
    };
    this.tasks = group.Tasks.map((task) => new TaskRunner(task, surroundings));
    if (group.MaxRunDuration !== undefined) {
      this.#timer = setTimeout(() => this.#timeOut(), group.MaxRunDuration / 1e6);
    }
    if (job.Type === 'service') this.#checks = setInterval(() => this.#check(), 50);
    void this.#run();
  }

  /** By order of the servers. */
  stop(description: string): void {
    this.allocation.DesiredStatus = 'stop';
    this.allocation.DesiredDescription = description;
    this.kill();
    this.#state.changed('allocations', this.allocation);
  }

  /** What comes after the end is not ended. */
  kill(): void {
    for (const task of this.tasks) if (task.task.Lifecycle?.Hook !== 'poststop') task.kill();
  }

  /** The node is cut off: what it says from here on reaches nobody. */
  loseSight(status: 'lost' | 'unknown', description: string): void {
    this.#isOutOfSight = status === 'lost';
    this.allocation.ClientStatus = status;
    this.allocation.ClientDescription = description;
    this.#state.changed('allocations', this.allocation);
  }

  async #run(): Promise<void> {
    const before = this.#ofHook('prestart');
    const sidecars = before.filter(({ task }) => task.Lifecycle?.Sidecar === true);
    const beside = sidecars.map((task) => ({ task, over: task.run() }));
    const others = before.filter((task) => !sidecars.includes(task));
    await Promise.all([
      ...others.map((task) => task.run()),
      // The program starts when they run, and not when they are done.
      ...beside.map(({ task, over }) => Promise.race([over, task.started])),
    ]);
    const failed = before.find(({ state }) => state.Failed);
    const [main] = this.#ofHook(undefined);
    if (failed !== undefined || main === undefined) {
      for (const task of this.tasks) {
        if (task.state.State !== 'dead')
          task.giveUp(`Task's sibling "${failed?.task.Name}" failed`);
      }
    } else {
      const running = main.run();
      for (const { task, over } of beside) {
        void over.then(() => {
          if (task.state.Failed) main.kill(`Task's sibling "${task.task.Name}" failed`);
        });
      }
      beside.push(...this.#ofHook('poststart').map((task) => ({ task, over: task.run() })));
      await running;
    }
    for (const { task } of beside) task.kill('Main tasks in the group died');
    await Promise.all(beside.map(({ over }) => over));
    // A node takes its time before it begins with that.
    if (this.#ofHook('poststop').length > 0) await sleep(100);
    await Promise.all(this.#ofHook('poststop').map((task) => task.run()));
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#checks !== null) clearInterval(this.#checks);
    this.#publish();
    this.#over();
  }

  #ofHook(hook: string | undefined): readonly TaskRunner[] {
    return this.tasks.filter(({ task }) => task.Lifecycle?.Hook === hook);
  }

  #timeOut(): void {
    this.#description = 'allocation exceeded max_run_duration';
    // Here even what comes after the end is ended, or never started (2.0.5).
    for (const task of this.tasks) task.kill(this.#description);
  }

  #publish(): void {
    if (this.tasks === undefined || this.#isOutOfSight) return;
    const { allocation } = this;
    allocation.TaskStates = Object.fromEntries(
      this.tasks.map(({ task, state }) => [task.Name, state]),
    );
    const states = this.tasks.map(({ state }) => state);
    const isDead = states.every(({ State }) => State === 'dead');
    allocation.ClientDescription = this.#description;
    if (isDead && this.#description !== '') allocation.ClientStatus = 'complete';
    else if (states.some(({ State, Failed }) => State === 'dead' && Failed))
      allocation.ClientStatus = 'failed';
    else if (states.some(({ State }) => State === 'running')) allocation.ClientStatus = 'running';
    else allocation.ClientStatus = isDead ? 'complete' : 'pending';
    this.#state.changed('allocations', allocation);
  }

  /** Healthy once its port was seen to take a connection, or, without checks, once it runs. */
  #check(): void {
    const { allocation } = this;
    if (allocation.DeploymentStatus !== null || allocation.ClientStatus !== 'running') return;
    const say = (): void => {
      allocation.DeploymentStatus = { Healthy: true };
      this.#state.changed('allocations', allocation);
    };
    const [port] = allocation.AllocatedResources.Shared.Ports;
    if (port === undefined || (this.#group.Services ?? []).length === 0) return say();
    const socket = connect(port.Value, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      if (allocation.DeploymentStatus === null) say();
    });
    socket.once('error', () => socket.destroy());
  }
}

import type { Values } from './interpolation.ts';

/** Nomad's own names. Only what the fake reads is typed. */
export interface JobObject {
  ID: string;
  Type: 'batch' | 'service';
  Namespace: string;
  Status: string;
  Stop: boolean;
  Version: number;
  CreateIndex: number;
  ModifyIndex: number;
  JobModifyIndex: number;
  Meta: Record<string, string> | null;
  TaskGroups: [GroupObject];
}

export interface GroupObject {
  Name: string;
  Count: number;
  RestartPolicy: { Attempts: number; Mode: string; Delay: number };
  EphemeralDisk: { SizeMB: number };
  MaxRunDuration?: number;
  Networks?: { DynamicPorts?: { Label: string }[] }[];
  Services?: { Checks?: unknown[] }[];
  Tasks: TaskObject[];
}

export interface TaskObject {
  Name: string;
  Driver: string;
  Config: Record<string, unknown>;
  Env: Record<string, string> | null;
  Templates:
    | {
        EmbeddedTmpl: string;
        DestPath: string;
        Envvars: boolean;
        LeftDelim: string;
        RightDelim: string;
      }[]
    | null;
  Resources: { CPU: number; MemoryMB: number; Devices?: DeviceObject[] };
  LogConfig: { MaxFiles: number; MaxFileSizeMB: number };
  KillTimeout: number;
  KillSignal: string;
  Leader?: boolean;
  Lifecycle?: { Hook: string; Sidecar: boolean };
  RestartPolicy?: { Attempts: number; Mode: string; Delay: number };
}

export interface DeviceObject {
  Name: string;
  Count: number;
  Constraints?: { LTarget: string; Operand: string; RTarget: string }[];
}

export interface TaskState {
  State: 'pending' | 'running' | 'dead';
  Failed: boolean;
  Restarts: number;
  StartedAt: string;
  FinishedAt: string;
  Events: { Type: string; Time: number; DisplayMessage: string; Details: Record<string, string> }[];
}

export interface Allocation {
  ID: string;
  EvalID: string;
  Name: string;
  Namespace: string;
  NodeName: string;
  JobID: string;
  JobVersion: number;
  TaskGroup: string;
  DesiredStatus: string;
  DesiredDescription: string;
  ClientStatus: string;
  ClientDescription: string;
  TaskStates: Record<string, TaskState> | null;
  DeploymentStatus: { Healthy: boolean } | null;
  PreviousAllocation: string;
  CreateIndex: number;
  ModifyIndex: number;
  CreateTime: number;
  AllocatedResources: {
    Tasks: Record<string, { Cpu: object; Memory: object; Devices: object[] }>;
    Shared: { Ports: { Label: string; Value: number; To: number; HostIP: string }[] };
  };
}

export interface Evaluation {
  ID: string;
  JobID: string;
  Namespace: string;
  Status: string;
  TriggeredBy: string;
  StatusDescription: string;
  FailedTGAllocs: Record<string, object> | null;
  BlockedEval: string;
  CreateIndex: number;
  ModifyIndex: number;
}

export interface Deployment {
  ID: string;
  JobID: string;
  Namespace: string;
  JobVersion: number;
  Status: string;
  StatusDescription: string;
  CreateIndex: number;
  ModifyIndex: number;
}

export type Table = 'jobs' | 'allocations' | 'evaluations' | 'deployments';

const topics: Record<Table, string> = {
  jobs: 'Job',
  allocations: 'Allocation',
  evaluations: 'Evaluation',
  deployments: 'Deployment',
};

/** What the servers know. Every change has an index, wakes blocking queries and is told to event streams. */
export class State {
  readonly jobs = new Map<string, JobObject>();
  readonly allocations = new Map<string, Allocation>();
  readonly evaluations = new Map<string, Evaluation>();
  readonly deployments = new Map<string, Deployment>();
  readonly variables = new Map<string, Values>();
  readonly indexes: Record<Table, number> = {
    jobs: 1,
    allocations: 1,
    evaluations: 1,
    deployments: 1,
  };
  readonly #listeners = new Set<(table: Table, event: object | null) => void>();
  #index = 10;

  next(): number {
    return ++this.#index;
  }

  get index(): number {
    return this.#index;
  }

  /** As after the servers were restored from an older snapshot. */
  goBack(): void {
    this.#index = 5;
    for (const table of Object.keys(this.indexes) as Table[]) {
      this.indexes[table] = 5;
      this.#tell(table, null);
    }
  }

  changed(table: Table, object: { ID: string; JobID?: string; ModifyIndex: number }): void {
    object.ModifyIndex = this.next();
    this.indexes[table] = this.#index;
    const Topic = topics[table];
    this.#tell(table, {
      Index: this.#index,
      Events: [
        {
          Topic,
          Type: `${Topic}Updated`,
          Key: object.ID,
          Namespace: 'ml',
          FilterKeys: object.JobID === undefined ? null : [object.JobID, ''],
          Index: this.#index,
          Payload: { [Topic]: object },
        },
      ],
    });
  }

  removed(table: Table, id: string): void {
    this.indexes[table] = this.next();
    const Topic = topics[table];
    const event = { Topic, Type: `${Topic}Deregistered`, Key: id, FilterKeys: null };
    this.#tell(table, { Index: this.#index, Events: [event] });
  }

  listen(listener: (table: Table, event: object | null) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  of<T extends { JobID: string }>(table: Map<string, T>, job: string): T[] {
    return [...table.values()].filter(({ JobID }) => JobID === job);
  }

  #tell(table: Table, event: object | null): void {
    for (const listener of [...this.#listeners]) listener(table, event);
  }
}

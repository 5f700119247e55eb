/**
 * Nomad's objects, as far as we read or write them. Whatever is read may lack anything: `null` where Go has an empty list,
 * and fields that another version does not have.
 */
export interface NativeJob {
  readonly ID: string;
  readonly Type?: string;
  readonly Status?: string;
  readonly StatusDescription?: string;
  readonly Stop?: boolean;
  readonly Version?: number;
  readonly CreateIndex?: number;
  readonly JobModifyIndex?: number;
  readonly Meta?: Readonly<Record<string, string>> | null;
  readonly TaskGroups?: readonly NativeGroup[] | null;
}

export interface NativeGroup {
  readonly Name?: string;
  readonly Count?: number;
  readonly MaxRunDuration?: number | null;
  readonly Tasks?: readonly { readonly Name?: string; readonly Driver?: string }[] | null;
}

export interface NativeAllocation {
  readonly ID: string;
  readonly Name?: string;
  readonly JobID?: string;
  readonly JobVersion?: number;
  readonly NodeName?: string;
  readonly DesiredStatus?: string;
  readonly DesiredDescription?: string;
  readonly ClientStatus?: string;
  readonly ClientDescription?: string;
  readonly TaskStates?: Readonly<Record<string, NativeTaskState>> | null;
  readonly DeploymentStatus?: { readonly Healthy?: boolean | null } | null;
  readonly PreviousAllocation?: string;
  readonly CreateIndex?: number;
  readonly ModifyIndex?: number;
  /** Nanoseconds: too large for a JSON number to be exact, good to the millisecond. */
  readonly CreateTime?: number;
  /** Only when one is asked for by id, or with `resources=true`. */
  readonly AllocatedResources?: NativeAllocatedResources | null;
}

export interface NativeAllocatedResources {
  readonly Tasks?: Readonly<Record<string, NativeTaskResources>> | null;
  readonly Shared?: {
    readonly Ports?: readonly NativePort[] | null;
  } | null;
}

interface NativeTaskResources {
  readonly Cpu?: { readonly CpuShares?: number };
  readonly Memory?: { readonly MemoryMB?: number };
  readonly Devices?: readonly { readonly DeviceIDs?: readonly string[] | null }[] | null;
}

export interface NativePort {
  readonly Label?: string;
  readonly Value?: number;
  readonly HostIP?: string;
}

export interface NativeTaskState {
  /** `pending`, `running` or `dead`. */
  readonly State?: string;
  readonly Failed?: boolean;
  readonly Restarts?: number;
  /** RFC 3339; the year 1 for never. */
  readonly StartedAt?: string | null;
  readonly FinishedAt?: string | null;
  /** The ten latest, oldest first. */
  readonly Events?: readonly NativeEvent[] | null;
}

export interface NativeEvent {
  readonly Type?: string;
  /** Nanoseconds. */
  readonly Time?: number;
  readonly DisplayMessage?: string;
  readonly Details?: Readonly<Record<string, string>> | null;
}

export interface NativeEvaluation {
  readonly ID?: string;
  readonly Status?: string;
  readonly StatusDescription?: string;
  readonly TriggeredBy?: string;
  readonly FailedTGAllocs?: Readonly<Record<string, NativePlacementFailure>> | null;
  readonly BlockedEval?: string;
  readonly QuotaLimitReached?: string;
  readonly CreateIndex?: number;
  readonly ModifyIndex?: number;
}

export interface NativePlacementFailure {
  readonly NodesEvaluated?: number;
  readonly NodesFiltered?: number;
  readonly NodesExhausted?: number;
  readonly NodesAvailable?: Readonly<Record<string, number>> | null;
  readonly ConstraintFiltered?: Readonly<Record<string, number>> | null;
  readonly ClassFiltered?: Readonly<Record<string, number>> | null;
  readonly DimensionExhausted?: Readonly<Record<string, number>> | null;
  readonly QuotaExhausted?: readonly string[] | null;
}

export interface NativeDeployment {
  readonly ID?: string;
  readonly JobVersion?: number;
  readonly Status?: string;
  readonly StatusDescription?: string;
  readonly CreateIndex?: number;
}

export interface NativeNode {
  readonly ID?: string;
  readonly Name?: string;
  readonly Status?: string;
  readonly Version?: string;
  readonly Drain?: boolean;
  readonly SchedulingEligibility?: string;
  readonly NodeResources?: {
    readonly Cpu?: { readonly CpuShares?: number };
    readonly Memory?: { readonly MemoryMB?: number };
    readonly Devices?: readonly NativeDevice[] | null;
  } | null;
}

export interface NativeDevice {
  readonly Vendor?: string;
  readonly Type?: string;
  readonly Name?: string;
  readonly Instances?: readonly { readonly ID?: string; readonly Healthy?: boolean }[] | null;
  readonly Attributes?: Readonly<Record<string, NativeAttribute>> | null;
}

export interface NativeAttribute {
  readonly Int?: number | null;
  readonly Float?: number | null;
  readonly String?: string | null;
  readonly Unit?: string;
}

/** What is written: Go's names, durations in nanoseconds. */
export interface JobRequest {
  readonly ID: string;
  readonly Name: string;
  readonly Type: 'batch' | 'service';
  readonly Namespace: string;
  readonly Region?: string;
  readonly Datacenters: readonly string[];
  readonly NodePool?: string;
  readonly Priority?: number;
  readonly Meta: Readonly<Record<string, string>>;
  readonly Constraints: readonly ConstraintRequest[];
  readonly Update?: Readonly<Record<string, unknown>>;
  readonly TaskGroups: readonly [GroupRequest];
}

export interface ConstraintRequest {
  readonly LTarget: string;
  readonly Operand: string;
  readonly RTarget: string;
}

export interface GroupRequest {
  readonly Name: string;
  readonly Count: number;
  readonly RestartPolicy: Readonly<Record<string, unknown>>;
  readonly ReschedulePolicy: Readonly<Record<string, unknown>>;
  readonly EphemeralDisk: { readonly SizeMB: number };
  readonly MaxRunDuration?: number;
  readonly Disconnect?: { readonly Replace: boolean };
  readonly Networks?: readonly Readonly<Record<string, unknown>>[];
  readonly Services?: readonly Readonly<Record<string, unknown>>[];
  readonly Tasks: readonly TaskRequest[];
}

export interface TaskRequest {
  readonly Name: string;
  readonly Driver: string;
  readonly User?: string;
  readonly Config: Readonly<Record<string, unknown>>;
  readonly Env: Readonly<Record<string, string>>;
  readonly Templates: readonly TemplateRequest[];
  readonly Resources: {
    readonly CPU: number;
    readonly MemoryMB: number;
    readonly Devices?: readonly Readonly<Record<string, unknown>>[];
  };
  readonly LogConfig: { readonly MaxFiles: number; readonly MaxFileSizeMB: number };
  readonly KillTimeout: number;
  readonly KillSignal: string;
  /** Ends the others with its own end. */
  readonly Leader?: boolean;
  readonly Lifecycle?: { readonly Hook: string; readonly Sidecar: boolean };
  /** Instead of the group's. */
  readonly RestartPolicy?: Readonly<Record<string, unknown>>;
}

export interface TemplateRequest {
  readonly EmbeddedTmpl: string;
  readonly DestPath: string;
  readonly Envvars: boolean;
  readonly LeftDelim: string;
  readonly RightDelim: string;
  readonly ChangeMode: 'noop';
  readonly Perms: string;
}

/** A Nomad variable: its items are shown by no listing. */
export interface VariableRequest {
  readonly Namespace: string;
  readonly Path: string;
  readonly Items: Readonly<Record<string, string>>;
}

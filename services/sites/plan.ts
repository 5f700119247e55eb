import type { Backend } from '../../backends/contract/backend.ts';
import { BackendError } from '../../backends/contract/error.ts';
import type { NativeRequest, Wanted } from '../../backends/contract/native-request.ts';
import type { Actor } from '../../domain/actor.ts';
import { FathomError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Resources } from '../../domain/resources.ts';
import type { Surroundings } from '../surroundings.ts';
import { lacking } from './lacking.ts';
import { misfit, type Wish } from './fit.ts';
import type { Sites } from './sites.ts';

/** A dry run: where it would go and why, and what would be sent there. */
export interface PlacementPlan {
  /** Null when nothing that is configured can take it. */
  readonly backend: string | null;
  readonly reason: string;
  readonly considered: readonly ConsideredBackend[];
  readonly workload: PlannedWorkload;
  /** Empty when there is no backend, or it would refuse: then `considered` says why. */
  readonly requests: readonly NativeRequest[];
}

export interface ConsideredBackend {
  readonly backend: string;
  readonly type: string;
  readonly fits: boolean;
  /** Why it was chosen, or passed over. */
  readonly reason: string;
  /** What would go wrong or take long there now, as far as it can be seen; null when nothing. */
  readonly warning: string | null;
}

/** The workload in short. */
export interface PlannedWorkload {
  readonly title: string;
  /** For example `train iris-mlp`. */
  readonly program: string;
  readonly arguments: JsonObject | null;
  readonly seed: number | null;
  readonly resources: Resources;
  readonly replicas: number | null;
  readonly inputFiles: number;
  readonly inputBytes: number;
}

export interface PlanRequest {
  readonly wish: Wish & { readonly requestedBackend: string | null };
  /** As the broker chose; null when nothing fits. */
  readonly chosen: Backend | null;
  readonly wanted: Wanted;
  readonly key: string;
  readonly told: Pick<PlannedWorkload, 'arguments' | 'seed'>;
}

/** Reads and computes only. Backends that fit are looked at, all at once, for at most two seconds. */
export async function planPlacement(
  at: Pick<Surroundings, 'backends'>,
  sites: Sites,
  actor: Actor,
  request: PlanRequest,
): Promise<PlacementPlan> {
  const { chosen, wish, wanted } = request;
  const [planned, considered] = await Promise.all([
    chosen === null ? nothing : requestsOf(chosen, wanted, request.key),
    Promise.all(at.backends.all().map((backend) => consider(sites, actor, request, backend))),
  ]);
  const able = considered.filter(({ fits }) => fits).map(({ backend }) => backend);
  return {
    backend: chosen?.name ?? null,
    reason: reasonOf(chosen, wish, able),
    considered: considered.map((each) =>
      each.backend === chosen?.name && planned.refusal !== null
        ? { ...each, warning: `${each.backend} would refuse it: ${planned.refusal}` }
        : each,
    ),
    workload: inShort(wanted, request.told),
    requests: planned.requests,
  };
}

const nothing = { requests: [], refusal: null };

async function requestsOf(
  backend: Backend,
  wanted: Wanted,
  key: string,
): Promise<{ readonly requests: readonly NativeRequest[]; readonly refusal: string | null }> {
  try {
    return { requests: await backend.plan(wanted, key), refusal: null };
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    if (!error.temporary) return { requests: [], refusal: error.message };
    throw new FathomError('BACKEND_UNAVAILABLE', error.message, { cause: error });
  }
}

async function consider(
  sites: Sites,
  actor: Actor,
  { wish, chosen, wanted }: PlanRequest,
  backend: Backend,
): Promise<ConsideredBackend> {
  const { name, type } = backend;
  const reason = misfit(wish, backend);
  if (reason !== null) {
    return {
      backend: name,
      type,
      fits: false,
      reason: `Passed over: ${reason.why}.`,
      warning: null,
    };
  }
  const isChosen = name === chosen?.name;
  return {
    backend: name,
    type,
    fits: true,
    reason: isChosen
      ? reasonOf(chosen, wish, [])
      : `Passed over: ${chosen?.name ?? ''} ${
          wish.requestedBackend === null ? 'stands before it in the configuration' : 'was asked for'
        }.`,
    warning: await warningOf(sites, actor, name, wanted.workload.resources),
  };
}

async function warningOf(
  sites: Sites,
  actor: Actor,
  name: string,
  resources: Resources,
): Promise<string | null> {
  const health = await sites.health(actor, name);
  if (!health.reachable) return `It cannot be reached now: ${health.message}`;
  return health.capacity === null ? null : lacking(resources, health.capacity);
}

function reasonOf(
  chosen: Backend | null,
  wish: PlanRequest['wish'],
  able: readonly string[],
): string {
  if (chosen === null) return 'No backend that is configured here can do it; each says why below.';
  if (wish.requestedBackend !== null) return `${chosen.name} was asked for, and can do it.`;
  const others = able.length > 1 ? ` of ${able.length} that can` : ' that can';
  return `${chosen.name} is the first${others} do it, in the order of the configuration.`;
}

function inShort(
  { kind, workload }: Wanted,
  told: Pick<PlannedWorkload, 'arguments' | 'seed'>,
): PlannedWorkload {
  const { program, inputs } = workload;
  const sizes = inputs.map(({ content }) =>
    content.kind === 'BLOB' ? content.bytes : Buffer.byteLength(content.text),
  );
  return {
    title: workload.title,
    program:
      program.kind === 'MODULE'
        ? `${program.operation} ${program.module.slug}`
        : program.argv.join(' '),
    ...told,
    resources: workload.resources,
    replicas: kind === 'SERVICE' && 'replicas' in workload ? Number(workload.replicas) : null,
    inputFiles: inputs.length,
    inputBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
  };
}

import type { JobExit, JobStatus } from '../contract/job-runner.ts';
import type { ReplicaStatus, ServiceStatus } from '../contract/service-runner.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { ServiceGrant, ServiceStateRecord, ServiceWish } from './control/record.ts';

type Waiting = JobStatus['waiting'];

/** What the control files of a job say; each file's value as read, null when it is not there. */
export interface JobFacts {
  readonly grant: unknown;
  readonly program: unknown;
  readonly exit: unknown;
  /** Why it has not been granted its resources. */
  readonly queued: Waiting;
}

/** Total: whatever the files hold, there is a status; what we do not know is UNKNOWN, with its text. */
export function observeJob(facts: JobFacts): JobStatus {
  if (facts.exit !== null) return ended(facts.exit);
  const startedAt = numberIn(facts.program, 'at');
  const common = { exit: null, startedAt, endedAt: null };
  if (facts.program !== null) {
    const native = `running, process ${numberIn(facts.program, 'pid') ?? '?'}`;
    return { ...common, phase: 'RUNNING', native, waiting: null };
  }
  if (facts.grant !== null) {
    const waiting = {
      code: 'STARTING',
      message: 'The process is being started.',
      raw: null,
    } as const;
    return { ...common, phase: 'PREPARING', native: 'starting', waiting };
  }
  return { ...common, phase: 'PENDING', native: 'queued', waiting: facts.queued };
}

const causes: readonly string[] = [
  'EXITED',
  'SIGNALLED',
  'OUT_OF_MEMORY',
  'TIME_LIMIT',
  'CANCELLED',
  'NOT_STARTED',
  'UNKNOWN',
] satisfies readonly JobExit['cause'][];

function ended(exit: unknown): JobStatus {
  const cause = textIn(exit, 'cause');
  if (cause === null || !causes.includes(cause)) {
    const native = `exit record ${JSON.stringify(exit) ?? 'unreadable'}`.slice(0, 500);
    return { phase: 'UNKNOWN', native, waiting: null, exit: null, startedAt: null, endedAt: null };
  }
  const code = numberIn(exit, 'code');
  const signal = textIn(exit, 'signal');
  return {
    phase: 'ENDED',
    native: [cause.toLowerCase(), code ?? signal].filter((part) => part !== null).join(' '),
    waiting: null,
    exit: {
      cause: cause as JobExit['cause'],
      code,
      signal,
      message: textIn(exit, 'message') ?? 'It ended.',
    },
    startedAt: numberIn(exit, 'startedAt'),
    endedAt: numberIn(exit, 'endedAt'),
  };
}

export interface ServiceFacts {
  readonly wish: ServiceWish;
  readonly grant: ServiceGrant | null;
  readonly state: ServiceStateRecord | null;
  readonly supervisorAlive: boolean;
  /** Why a new supervisor cannot be started; null when one can. */
  readonly stranded: string | null;
  /** Why not all servers wanted were granted their resources. */
  readonly queued: Waiting;
}

/**
 * READY as soon as one server is; FAILED when all were given up; `replicas` says the rest. A pool
 * that is not complete says why in `waiting`.
 */
export function observeService(facts: ServiceFacts): ServiceStatus {
  const { wish, grant, state } = facts;
  const replicas = facts.supervisorAlive ? (state?.replicas ?? []).map(replicaStatus) : [];
  const count = (phase: ReplicaStatus['phase']): number =>
    replicas.filter((replica) => replica.phase === phase).length;
  const native = `${count('READY')} of ${wish.replicas} servers ready`;
  const common = {
    replicas,
    failure: facts.stranded ?? state?.failure ?? null,
    restarts: state?.restarts ?? 0,
  };
  const slots = grant?.slots.length ?? 0;
  const isLacking = slots < wish.replicas;
  if (wish.released || wish.replicas === 0) {
    const phase = wish.released || replicas.length === 0 ? 'STOPPED' : 'READY';
    return { ...common, phase, native, waiting: null };
  }
  if (facts.stranded !== null) return { ...common, phase: 'FAILED', native, waiting: null };
  if (count('READY') > 0) {
    return { ...common, phase: 'READY', native, waiting: isLacking ? facts.queued : null };
  }
  if (slots === 0) return { ...common, phase: 'PENDING', native, waiting: facts.queued };
  if (replicas.length > 0 && count('FAILED') === replicas.length) {
    return { ...common, phase: 'FAILED', native, waiting: null };
  }
  return { ...common, phase: 'LOADING', native, waiting: loading(facts) };
}

function loading(facts: ServiceFacts): Waiting {
  const delayed = facts.state?.replicas.find(({ phase }) => phase === 'BACKING_OFF');
  if (facts.supervisorAlive && delayed !== undefined) {
    const message = 'A server ended by itself and is about to be started again.';
    return { code: 'BACKING_OFF', message, raw: facts.state?.failure ?? null };
  }
  return { code: 'STARTING', message: 'The servers are being started.', raw: null };
}

function replicaStatus(replica: ServiceStateRecord['replicas'][number]): ReplicaStatus {
  return { id: replica.id, phase: replicaPhase(replica.phase), native: replica.phase };
}

/** A phase of a newer version than ours is not ready for requests, and that is all we can say. */
function replicaPhase(native: string): ReplicaStatus['phase'] {
  if (native === 'READY' || native === 'FAILED') return native;
  return native === 'STOPPING' || native === 'STOPPED' ? 'STOPPED' : 'LOADING';
}

function numberIn(value: unknown, name: string): number | null {
  const found = isJsonObject(value) ? value[name] : null;
  return typeof found === 'number' ? found : null;
}

function textIn(value: unknown, name: string): string | null {
  const found = isJsonObject(value) ? value[name] : null;
  return typeof found === 'string' ? found : null;
}

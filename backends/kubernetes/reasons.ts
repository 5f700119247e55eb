import type { CoreV1Event, V1Pod } from './native.ts';
import type { WaitingCode } from '../../domain/waiting.ts';

export interface Waiting {
  readonly code: WaitingCode;
  readonly message: string;
  readonly raw: string | null;
}

const imageTroubles: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
]);

/**
 * Whether the cluster does not hear of its node any more: the pod is not Ready, and what the node said last is that the
 * program is. It may run on.
 */
export function isOutOfSight({ status }: V1Pod): boolean {
  const main = status?.containerStatuses?.find(({ name }) => name === 'main');
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return main?.ready === true && main.state?.running !== undefined && ready?.status === 'False';
}

/** Why this pod does not run its program; total. `events` are those of the pod. */
export function waitingOfPod(pod: V1Pod, events: readonly CoreV1Event[]): Waiting {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled !== undefined && scheduled.status === 'False') {
    return unscheduled(scheduled.reason ?? '', scheduled.message ?? '');
  }
  if (isOutOfSight(pod)) {
    const message = 'The cluster does not hear of the node that runs it.';
    return { code: 'NODE_UNAVAILABLE', message, raw: spoken('Ready', 'False') };
  }
  const states = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ];
  const waiting = states.find(({ state }) => state?.waiting !== undefined)?.state?.waiting;
  const raw = spoken(waiting?.reason ?? pod.status?.phase, waiting?.message);
  if (waiting?.reason !== undefined && imageTroubles.has(waiting.reason)) {
    const message = sentence(`The image cannot be fetched: ${waiting.message ?? waiting.reason}`);
    return { code: 'IMAGE_UNAVAILABLE', message, raw };
  }
  if (/^Create.*Error$|RunContainerError/.test(waiting?.reason ?? '')) {
    const why = waiting?.message ?? waiting?.reason ?? '';
    const message = sentence(`The container cannot be made: ${why}`);
    return { code: 'HELD', message, raw };
  }
  if (waiting?.reason === 'CrashLoopBackOff') {
    const message = 'The program ended again and again; the cluster starts it again later.';
    return { code: 'BACKING_OFF', message, raw };
  }
  if (scheduled?.status !== 'True') {
    return { code: 'STARTING', message: 'The cluster is looking for a node.', raw };
  }
  return starting(pod, events, raw);
}

/** A Job or Deployment that has no pod: what its controller was told. */
export function waitingWithoutPod(events: readonly CoreV1Event[]): Waiting {
  const failed = latest(events.filter(({ type }) => type === 'Warning'));
  if (failed === null) {
    return { code: 'STARTING', message: 'The cluster has accepted it.', raw: null };
  }
  const raw = spoken(failed.reason, failed.message);
  if (/exceeded quota|quota/i.test(failed.message ?? '')) {
    return { code: 'QUOTA', message: sentence(`A quota of the namespace is reached: ${raw}`), raw };
  }
  return { code: 'UNSCHEDULABLE', message: sentence(`The cluster makes no pod: ${raw}`), raw };
}

function unscheduled(reason: string, said: string): Waiting {
  const raw = spoken(reason, said);
  const of = (code: WaitingCode, text: string): Waiting => ({
    code,
    message: sentence(`${text}: ${said || reason}`),
    raw,
  });
  if (reason === 'SchedulingGated') return of('HELD', 'It is held by a scheduling gate');
  const parts = said.replace(/^[^:]*:/, '').split(/[,.]/);
  const isMismatch = parts.some((part) => /node affinity|node selector|selector/i.test(part));
  const lacks = parts.filter((part) => /Insufficient/i.test(part)).join();
  // With a selector for a model and no node of it, nothing else matters.
  if (isMismatch && lacks === '') return of('NO_ACCELERATOR', 'No node is of the kind asked for');
  if (/gpu/i.test(lacks)) return of('RESOURCES_BUSY', 'No node has so many free accelerators');
  if (lacks !== '') return of('RESOURCES_BUSY', 'No node has enough that is free');
  if (/unschedulable|unreachable|not-?ready|untolerated taint/i.test(said)) {
    return of('NODE_UNAVAILABLE', 'The nodes that could run it take nothing now');
  }
  if (/persistentvolumeclaim|volume/i.test(said)) {
    return of('DEPENDENCY', 'Its volume is not ready');
  }
  return of('UNSCHEDULABLE', 'No node takes it');
}

function starting(pod: V1Pod, events: readonly CoreV1Event[], raw: string | null): Waiting {
  const last = latest(events.filter(({ reason }) => reason !== 'Scheduled'));
  const said = last === null ? raw : spoken(reasonOf(last), last.message);
  if (last?.reason === 'Pulling') {
    return { code: 'PULLING_IMAGE', message: 'The node is fetching the image.', raw: said };
  }
  if (last?.reason === 'FailedMount' || last?.reason === 'FailedAttachVolume') {
    return {
      code: 'DEPENDENCY',
      message: sentence(`A volume cannot be mounted: ${said}`),
      raw: said,
    };
  }
  const bringing = pod.status?.initContainerStatuses?.find(({ state }) => state?.running);
  if (bringing !== undefined && bringing.name === 'fetch') {
    return { code: 'TRANSFERRING_DATA', message: 'Its files are being brought.', raw: said };
  }
  return { code: 'STARTING', message: 'A node has it and is starting it.', raw: said };
}

/** Which container it is about, where that is not the program: two of one image say the same. */
function reasonOf({ reason, involvedObject }: CoreV1Event): string | undefined {
  const container = /\{(.+)\}$/.exec(involvedObject?.fieldPath ?? '')?.[1] ?? 'main';
  return container === 'main' ? reason : `${reason ?? ''} (${container})`;
}

function latest(events: readonly CoreV1Event[]): CoreV1Event | null {
  const at = (event: CoreV1Event): number =>
    new Date(event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? 0).getTime();
  return events.toSorted((a, b) => at(a) - at(b)).at(-1) ?? null;
}

/** What the cluster said has a full stop or none. */
export function sentence(text: string): string {
  const trimmed = text.trimEnd();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

function spoken(reason: string | undefined, message: string | undefined): string | null {
  return [reason, message].filter((part) => (part ?? '') !== '').join(': ') || null;
}

import type { JobStatus } from '../contract/job-runner.ts';
import type { WaitingCode } from '../../domain/waiting.ts';
import type {
  NativeAllocation,
  NativeEvaluation,
  NativeEvent,
  NativePlacementFailure,
  NativeTaskState,
} from './native.ts';
import { serverTaskName } from './stock.ts';

type Waiting = NonNullable<JobStatus['waiting']>;

/** Why there is no allocation. Total: what we do not know is UNKNOWN, verbatim in `raw`. `evaluations` of this job, any order. */
export function waitingWithoutPlace(evaluations: readonly NativeEvaluation[]): Waiting {
  const latest = evaluations.toSorted(byIndex).at(-1);
  if (latest === undefined) {
    return {
      code: 'STARTING',
      message: 'Nomad has it and has not looked at it yet.',
      raw: null,
    };
  }
  // A blocked evaluation repeats why it is blocked; older ones of Nomad leave that to the one before.
  const failed = evaluations
    .toSorted(byIndex)
    .findLast(({ FailedTGAllocs }) => Object.keys(FailedTGAllocs ?? {}).length > 0);
  if (latest.QuotaLimitReached) {
    const message = 'The quota of the namespace is reached.';
    return { code: 'QUOTA', message, raw: latest.QuotaLimitReached };
  }
  const isWaiting = latest.Status === 'blocked' || latest.Status === 'complete';
  if (failed !== undefined && isWaiting) {
    const [failure] = Object.values(failed.FailedTGAllocs ?? {});
    if (failure !== undefined) return waitingForPlace(failure);
  }
  const raw = [latest.Status, latest.TriggeredBy, latest.StatusDescription]
    .filter(Boolean)
    .join(': ');
  switch (latest.Status) {
    case 'pending':
    case 'complete':
      return { code: 'STARTING', message: 'Nomad is looking for a node.', raw };
    case 'blocked':
      return { code: 'RESOURCES_BUSY', message: 'It waits for a node that could take it.', raw };
    case 'failed':
    case 'canceled':
    case 'cancelled':
      return { code: 'BACKING_OFF', message: 'Nomad could not place it and will try again.', raw };
    default:
      return { code: 'UNKNOWN', message: 'Nomad gives a reason that is not known here.', raw };
  }
}

/** Why an allocation is there and its program does not run. */
export function waitingInPlace(allocation: NativeAllocation, task: string): Waiting {
  const { [task]: own, [serverTaskName]: server } = allocation.TaskStates ?? {};
  // A driver waits for the server that it drives.
  const state = server?.State === 'pending' ? server : own;
  const before = beforeMain(allocation, task);
  if (before !== null) {
    const message = 'The data are being brought to the node.';
    return { code: 'TRANSFERRING_DATA', message, raw: before };
  }
  const event = lastEvent(state);
  const raw = event === null ? null : eventText(event);
  const text = event?.DisplayMessage ?? '';
  if (event?.Type === 'Driver' && /pull|download|image/i.test(text)) {
    return { code: 'PULLING_IMAGE', message: 'The image is being fetched.', raw };
  }
  // Nomad says last that it will try again.
  const failure = event?.Type === 'Restarting' ? state?.Events?.at(-2) : event;
  if (failure !== undefined && failure !== null && isOfImage(failure)) {
    const message = 'The image cannot be fetched.';
    return { code: 'IMAGE_UNAVAILABLE', message, raw: eventText(failure) };
  }
  if (event?.Type === 'Downloading Artifacts' || event?.Type === 'Failed Artifact Download') {
    const message = 'Files are being brought to the node.';
    return { code: 'TRANSFERRING_DATA', message, raw };
  }
  if (event?.Type === 'Restarting' || event?.Type === 'Restart Signaled') {
    return { code: 'BACKING_OFF', message: 'It ended and is being started again.', raw };
  }
  return { code: 'STARTING', message: 'A node has it and is starting it.', raw };
}

function isOfImage({ DisplayMessage: text = '' }: NativeEvent): boolean {
  return /pull|image/i.test(text) && /fail|error|not found|denied/i.test(text);
}

/** Said of a job that a node holds, but that the servers have lost sight of. */
export const outOfSight = 'Nomad has lost sight of the node; the program may go on.';

export function eventText({ Type, DisplayMessage }: NativeEvent): string {
  const said = (DisplayMessage ?? '').trim();
  return said === '' ? (Type ?? 'unknown event') : `${Type ?? 'event'}: ${said}`;
}

export function lastEvent(state: NativeTaskState | undefined): NativeEvent | null {
  return state?.Events?.at(-1) ?? null;
}

function waitingForPlace(failure: NativePlacementFailure): Waiting {
  const filtered = Object.keys(failure.ConstraintFiltered ?? {});
  const exhausted = Object.keys(failure.DimensionExhausted ?? {});
  const raw = placementText(failure);
  const say = (code: WaitingCode, message: string): Waiting => ({ code, message, raw });
  if ((failure.QuotaExhausted ?? []).length > 0) {
    return say('QUOTA', 'The quota of the namespace is reached.');
  }
  // Some node has all it needs, and others are using it.
  if (exhausted.length > 0 || (failure.NodesExhausted ?? 0) > 0) {
    const what = exhausted.length === 0 ? 'resources' : exhausted.join(', ');
    return say('RESOURCES_BUSY', `It waits for ${what} on nodes that could run it.`);
  }
  if (filtered.some((one) => /missing devices|device/i.test(one))) {
    return say('NO_ACCELERATOR', 'No node has such accelerators.');
  }
  const available = Object.values(failure.NodesAvailable ?? {});
  const hasNone = available.every((count) => count === 0);
  if (filtered.length === 0 && (hasNone || (failure.NodesEvaluated ?? 0) === 0)) {
    return say('NODE_UNAVAILABLE', 'No node of its datacenters is ready.');
  }
  const why = filtered.length === 0 ? '' : ` (${filtered.join('; ')})`;
  return say('UNSCHEDULABLE', `No node satisfies its constraints${why}.`);
}

/** As Nomad's own command line puts it. */
function placementText(failure: NativePlacementFailure): string {
  const counts = (
    title: string,
    of: Readonly<Record<string, number>> | null | undefined,
  ): string[] => Object.entries(of ?? {}).map(([name, count]) => `${title} ${name}: ${count}`);
  return [
    `nodes evaluated: ${failure.NodesEvaluated ?? 0}`,
    ...counts('available in', failure.NodesAvailable),
    ...counts('filtered by', failure.ConstraintFiltered),
    ...counts('filtered class', failure.ClassFiltered),
    ...counts('exhausted', failure.DimensionExhausted),
    ...(failure.QuotaExhausted ?? []).map((quota) => `quota: ${quota}`),
  ].join('; ');
}

/** What a task that comes before the program is doing; null when none is. */
function beforeMain({ TaskStates }: NativeAllocation, task: string): string | null {
  const others = Object.entries(TaskStates ?? {}).filter(([name]) => name !== task);
  const running = others.find(([name, { State }]) => name === 'fetch' && State !== 'dead');
  if (running === undefined) return null;
  const event = lastEvent(running[1]);
  return `${running[0]} ${running[1].State ?? ''}${event === null ? '' : `: ${eventText(event)}`}`;
}

function byIndex(a: NativeEvaluation, b: NativeEvaluation): number {
  return (a.CreateIndex ?? 0) - (b.CreateIndex ?? 0);
}

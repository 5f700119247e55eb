/**
 * Why something is not running: one enum over what Slurm, Nomad, Kubernetes, OpenWhisk and our own machine say.
 * `raw` keeps the native evidence beside it.
 */
export const waitingCodes = {
  DISPATCHING: 'About to be handed to a backend.',
  STARTING: 'The backend has it and is starting it.',
  TRANSFERRING_DATA: 'The data set is being brought to where it runs.',
  PULLING_IMAGE: 'The image is being fetched.',
  IMAGE_UNAVAILABLE: 'The image cannot be fetched.',
  RESOURCES_BUSY: 'The resources exist but others are using them.',
  RESOURCES_EXCEED_SITE: 'More is asked for than the site has.',
  NO_ACCELERATOR: 'No accelerator of the kind asked for exists there.',
  PRIORITY: 'Others come first.',
  QUOTA: 'A quota or a limit of the site is reached.',
  DEPENDENCY: 'It waits for another job.',
  SWEEP_LIMIT: 'Others of its sweep run first.',
  HELD: 'It was put on hold.',
  NODE_UNAVAILABLE: 'The nodes that could run it are down, drained or reserved.',
  UNSCHEDULABLE: 'No node satisfies its constraints.',
  NO_BACKEND: 'No configured backend offers what it needs.',
  BACKEND_UNREACHABLE: 'The backend does not answer; nothing was lost, we look again.',
  BACKEND_REFUSING: 'The backend answers with errors; we try again.',
  RATE_LIMITED: 'The backend asked us to slow down.',
  AUTHENTICATION: 'The backend refuses our credentials.',
  PROBING: 'The sample request is being answered.',
  BACKING_OFF: 'An earlier try failed; the next one is due at nextAttemptAt.',
  UNKNOWN: 'The backend gave a reason that we do not know; see raw.',
} as const satisfies Record<string, string>;

export type WaitingCode = keyof typeof waitingCodes;

export interface Waiting {
  readonly code: WaitingCode;
  /** A sentence for a person, specific to this case. */
  readonly message: string;
  /** Epoch milliseconds since when this reason holds. */
  readonly since: number;
  readonly nextAttemptAt: number | null;
  /** What the backend said, verbatim. */
  readonly raw: string | null;
}

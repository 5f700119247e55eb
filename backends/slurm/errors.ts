import type { BackendErrorKind } from '../contract/error.ts';
import { BackendError } from '../contract/error.ts';

/** Sentences of Slurm and ssh, in the order in which they are tried. */
const forms: readonly (readonly [RegExp, BackendErrorKind])[] = [
  [/permission denied \(|host key verification failed/i, 'Unauthorized'],
  [/could not resolve hostname|connection (refused|timed out|closed|reset)/i, 'Unavailable'],
  [/unable to contact slurm controller|unable to connect|socket timed out/i, 'Unavailable'],
  [/zero bytes were transmitted|communication (connection|shutdown)/i, 'Unavailable'],
  [/backup controller|controller is in standby|unable to resolve|timeout/i, 'Unavailable'],
  [/slurmdbd?:? .*(connection|unable)|database connection/i, 'Unavailable'],
  [/temporarily unable to accept|try again|resource temporarily/i, 'RateLimited'],
  [/rate.?limit|too many requests/i, 'RateLimited'],
  [/(submit|submission) limit|maxsubmit|violates accounting\/qos policy/i, 'NoCapacity'],
  [/access\/permission denied|authentication|munge|credential/i, 'Unauthorized'],
  [/invalid (user|group) id/i, 'Unauthorized'],
  [/command not found|no such file or directory/i, 'Unavailable'],
  [/invalid|not available|not permitted|not supported|exceeds|not specified/i, 'Rejected'],
  [/unrecognized|unknown|too (many|large)|must be set/i, 'Rejected'],
];

/** What kind of error Slurm's own sentence means; null for one that is not known here. */
export function kindOfWords(said: string): BackendErrorKind | null {
  return forms.find(([form]) => form.test(said))?.[1] ?? null;
}

/** A file system's refusal: it may work again later. */
export function asBackendError(error: unknown, operation: string, what: string): BackendError {
  if (error instanceof BackendError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new BackendError('Unavailable', operation, `${what}: ${reason}`, { cause: error });
}

/** The same would be refused again. */
export function isForGood(error: unknown): error is BackendError {
  return (
    error instanceof BackendError && (error.kind === 'Rejected' || error.kind === 'Unsupported')
  );
}

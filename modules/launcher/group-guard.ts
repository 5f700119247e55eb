import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A shell that waits on a pipe which only we hold: if we are killed, the pipe ends and it kills the process group, so that a
 * second start does not meet the first. Without a shell (some images have none) the container ends with us. Writing `done`
 * to its standard input lets it go.
 */
export function guardGroup(pid: number): ChildProcess {
  const script = 'read -r word; test "$word" = done || kill -s KILL -- "-$0"';
  const guard = spawn('/bin/sh', ['-c', script, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    cwd: '/',
    detached: true,
  });
  guard.once('error', () => undefined);
  guard.stdin.once('error', () => undefined);
  guard.unref();
  return guard;
}

import { readFileSync } from 'node:fs';
import type { Program } from '../../backends/contract/workload.ts';

/** The first process of a container cannot end itself by a signal; what it started can. */
export function shellInContainer(script: string, ...argv: string[]): Program {
  return inShell('exit $?', script, argv);
}

/** The same for an engine whose log is not collected any further once the container is over. */
export function lingeringShell(script: string, ...argv: string[]): Program {
  return inShell('code=$?; sleep 2; exit $code', script, argv);
}

function inShell(last: string, script: string, argv: readonly string[]): Program {
  const first = `/bin/sh -c "$0" "$@"; ${last}`;
  return { kind: 'COMMAND', argv: ['/bin/sh', '-c', first, script, 'sh', ...argv], image: null };
}

/**
 * The source of `model-server.mjs` as it is in a container: it listens where others look (`port` is an expression), and is
 * told from others by when it started, since each is process 1 of its own, which no signal of its own ends.
 */
export function modelServerInContainer(port: string): string {
  const path = new URL('../contract/backend/model-server.mjs', import.meta.url);
  const changes: readonly [RegExp, string][] = [
    [/listen\(.+, '127\.0\.0\.1'/, `listen(${port}, '0.0.0.0'`],
    [/process\.kill\(process\.pid, 'SIGKILL'\)/, 'process.exit(137)'],
    [/process\.pid/g, 'Math.floor(performance.timeOrigin * 1000)'],
  ];
  return changes.reduce(
    (source, [what, instead]) => {
      const changed = source.replace(what, instead);
      if (changed === source) throw new Error(`model-server.mjs has no ${String(what)}`);
      return changed;
    },
    readFileSync(path, 'utf8'),
  );
}

import { BackendError } from '../contract/error.ts';
import type { Delivery } from '../contract/delivery.ts';
import type { InputFile, JobWorkload } from '../contract/workload.ts';
import { assertInputPaths } from '../work-folder/inputs.ts';
import { shellCommand, shellWord } from './cli/shell-words.ts';
import type { SlurmSettings } from './config.ts';
import type { BatchRequest } from './native.ts';
import type { Launch } from './translate.ts';
import { translateJob } from './translate.ts';

/**
 * Where no folder is shared: the batch script makes a work folder on its node and runs the launcher in it, which fetches the
 * data and brings everything back. What is run, with its environment and secrets, is one of the fetched files, so the script
 * holds nothing but the way there: a token that opens this job's delivery while it lasts.
 */

/** Among the inputs; the launcher deletes it before the program starts. */
const programInput = '.fathom-program.json';

/** Pure, as `translateJob`; the script still lacks the address and the token. */
export function translateDelivered(
  workload: JobWorkload,
  settings: SlurmSettings,
  job: { readonly name: string; readonly mark: string },
): { readonly request: BatchRequest; readonly launch: Launch } {
  if ((workload.resources.nodes ?? 1) > 1) {
    const message = 'A job has one node here: its nodes would share no folder.';
    throw new BackendError('Unsupported', 'translate', message);
  }
  // Stands for the work folder, whose place only the node knows.
  const folder = `/fathom-${job.mark}`;
  const { request, launch } = translateJob(workload, settings, { ...job, folder });
  const paths = [...workload.inputs.map(({ path }) => path), programInput];
  assertInputPaths(paths);
  const returning = settings.returnSeconds / 60;
  return {
    launch,
    request: {
      ...request,
      // Both are there on every node; nothing is written.
      folder: '/tmp',
      output: '/dev/null',
      timeLimitMinutes: Math.ceil(request.timeLimitMinutes + returning),
      script: nodeScript(settings, job, launch),
    },
  };
}

/** What the launcher fetches. */
export function deliveredInputs(workload: JobWorkload, launch: Launch): readonly InputFile[] {
  const program = {
    argv: launch.argv,
    environment: { ...launch.environment, ...workload.secrets },
    workFolder: launch.workFolder,
  };
  const text = JSON.stringify(program);
  return [...workload.inputs, { path: programInput, content: { kind: 'TEXT', text } }];
}

/** In the script and not in the environment that Slurm is asked for: accounting may keep that for all time. */
export function withDelivery({ script }: BatchRequest, { url, token }: Delivery): string {
  const [first = '', ...rest] = script.split('\n');
  const lines = [
    first,
    `FATHOM_DELIVERY_URL=${shellWord(url)}`,
    `FATHOM_DELIVERY_TOKEN=${shellWord(token)}`,
    'export FATHOM_DELIVERY_URL FATHOM_DELIVERY_TOKEN',
  ];
  return [...lines, ...rest].join('\n');
}

/**
 * Each job of Slurm has a folder of its own, also when it took one of ours twice: the delivery knows one launcher. A stop is
 * passed on once, since a second one means that results may stay behind. What could not be brought stays where it is.
 */
function nodeScript(
  settings: SlurmSettings,
  { name, mark }: { readonly name: string; readonly mark: string },
  launch: Launch,
): string {
  const options = [
    ...['--program', programInput, '--no-echo'],
    ...['--time-limit', String(launch.timeLimitMs / 1000)],
    ...['--grace', String(launch.stopGraceMs / 1000)],
    ...['--give-up', String(settings.returnSeconds)],
  ];
  return `#!/bin/sh
umask 077
PATH=\${PATH:-/usr/local/bin:/usr/bin:/bin}
USER=\${USER:-$(id -un)}
LOGNAME=$USER
HOME=\${HOME:-$(getent passwd "$USER" | cut -d: -f6)}
export PATH USER LOGNAME HOME
base=${settings.nodeFolder === null ? '${SLURM_TMPDIR:-${TMPDIR:-/tmp}}' : shellWord(settings.nodeFolder)}
work=$base/${shellWord(`fathom-${name}-${mark}`)}.$SLURM_JOB_ID
mkdir -p "$base" && mkdir "$work" && cd "$work" || exit 73
child= told=
stop() { [ -z "$told" ] && [ -n "$child" ] && told=yes && kill -TERM "$child"; }
trap stop TERM
trap '' HUP INT USR1 USR2
${shellCommand(settings.launcher)} run --work "$work" ${shellCommand(options)} &
child=$!
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2> /dev/null || break
done
cd /
if [ -e "$work/.fathom/told.json" ] || ! [ -e "$work/.fathom/started.json" ]; then rm -rf "$work"; fi
exit "$code"
`;
}

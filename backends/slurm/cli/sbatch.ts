import type { BatchRequest } from '../native.ts';

/** The options of `sbatch`; the script comes on its standard input. */
export function sbatchArguments(request: BatchRequest): readonly string[] {
  return [
    '--parsable',
    // After a node failed, a job would silently run a second time.
    '--no-requeue',
    // Nothing of the environment of whoever submits.
    '--export=NIL',
    `--job-name=${request.name}`,
    `--comment=${request.comment}`,
    `--chdir=${request.folder}`,
    `--output=${request.output}`,
    `--error=${request.output}`,
    `--nodes=${request.nodes}`,
    `--ntasks=${request.nodes}`,
    ...(request.nodes === 1 ? [] : ['--ntasks-per-node=1']),
    `--cpus-per-task=${request.cpus}`,
    `--mem=${request.memoryMiB}M`,
    `--time=${request.timeLimitMinutes}`,
    ...option('partition', request.partition),
    ...option('qos', request.qos),
    ...option('account', request.account),
    ...option('constraint', request.constraint),
    ...option('reservation', request.reservation),
    ...option('gres', gresOf(request)),
    ...option('array', request.array?.tasks ?? null),
    ...option('dependency', afterOf(request)),
  ];
}

/** `gpu:a100:2`, `gpu:2`; null without GPUs. */
export function gresOf({ gpus }: BatchRequest): string | null {
  if (gpus === null) return null;
  return ['gpu', ...(gpus.type === null ? [] : [gpus.type]), gpus.count].join(':');
}

/** However the other one ends; one that Slurm has forgotten is over. */
export function afterOf({ array }: BatchRequest): string | null {
  const after = array?.after ?? null;
  return after === null ? null : `afterany:${after}`;
}

function option(name: string, value: string | null): readonly string[] {
  return value === null ? [] : [`--${name}=${value}`];
}

/** What a submit asked for, whether it came as options of sbatch or as fields of slurmrestd. */
export interface FakeRequest {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly gpus: { readonly count: number; readonly model: string | null } | null;
}

export function requestedBy(asked: unknown): FakeRequest {
  const fields = Array.isArray(asked) ? optionsOf(asked) : (asked as Fields);
  return {
    cpus: numberOf(fields['cpus_per_task'] ?? fields['cpus-per-task']),
    memoryMiB: numberOf(fields['memory_per_node'] ?? fields['mem']),
    gpus: gpusOf(fields['gres'] ?? fields['tres_per_node']),
  };
}

/** `gpu:a100:2`, `gpu:2`, and with `gres/` or `gres:` before it. */
export function gpusOf(gres: unknown): FakeRequest['gpus'] {
  const found = /^(?:gres[/:])?gpu(?::([^:]+))?:(\d+)$/.exec(typeof gres === 'string' ? gres : '');
  return found === null ? null : { count: Number(found[2]), model: found[1] ?? null };
}

type Fields = { readonly [name: string]: unknown };

function optionsOf(argv: readonly unknown[]): Fields {
  return Object.fromEntries(
    argv.map((word) => {
      const [name = '', ...value] = String(word).replace(/^--/, '').split('=');
      return [name, value.join('=')];
    }),
  );
}

/** A number, `300M`, or `{ set, number }`. */
function numberOf(value: unknown): number {
  if (typeof value === 'object' && value !== null && 'number' in value) return Number(value.number);
  return Number(String(value).replace(/M$/, ''));
}

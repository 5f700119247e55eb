import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './process.ts';
import { type Result, rounded, type Row } from './result.ts';

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

const sites = [
  { name: 'all at once', slots: Infinity, jobMs: 0 },
  // Ten thousand of them wait for minutes; what they cost meanwhile is the question.
  { name: '100 slots of 250 ms', slots: 100, jobMs: 250 },
] as const;

/** `--runs 1000` for that number alone. */
const only = Number(process.argv[process.argv.indexOf('--runs') + 1]);
const counts = only > 0 ? [only] : [1_000, 5_000, 10_000];

/** Runs queued and drained through the reconciler, each number in a process and a store of its own. */
export async function drain(): Promise<Result> {
  const rows: Row[] = [];
  for (const site of sites) {
    for (const count of counts) {
      rows.push(await drained(count, site));
      console.log(JSON.stringify(rows.at(-1)));
    }
  }
  return {
    about: 'Runs through the reconciler, from their acceptance to their end, for each of them.',
    rows,
    ours: Object.fromEntries(rows.map((row) => [row.name, row])),
    peers: {},
    ratios: {},
  };
}

async function drained(
  count: number,
  { name, slots, jobMs }: (typeof sites)[number],
): Promise<Row> {
  const argv = [join(root, 'bench', 'drain-process.ts'), count, slots, jobMs].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: root });
  const said = JSON.parse(stdout) as {
    readonly queued: Cost;
    readonly drained: Cost;
    readonly looks: number;
    readonly rssMiB: number;
  };
  return {
    name: `${count} runs, ${name}`,
    'queue CPU ms': rounded(said.queued.cpuMs, 2),
    'drain CPU ms': rounded(said.drained.cpuMs, 2),
    'runs /s': rounded(1000 / said.drained.ms, 0),
    looks: rounded(said.looks, 1),
    'RSS MiB': said.rssMiB,
  };
}

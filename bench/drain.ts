import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './process.ts';
import { rounded, type Row } from './result.ts';

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

const sites = [
  { name: 'all at once', slots: Infinity, jobMs: 0 },
  // Ten thousand of them wait for minutes; what they cost meanwhile is the question.
  { name: '100 slots of 250 ms', slots: 100, jobMs: 250 },
] as const;

/** Runs queued and drained, each number in a process and a store of its own. */
export async function drains(counts: readonly number[] = [1000, 5000, 10_000]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, slots, jobMs } of sites) {
    for (const count of counts) {
      const argv = [join(root, 'bench', 'drain-process.ts'), count, slots, jobMs].map(String);
      const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: root });
      const said = JSON.parse(stdout) as {
        readonly queued: Cost;
        readonly drained: Cost;
        readonly looks: number;
        readonly rssMiB: number;
      };
      rows.push({
        name: `${count} runs, ${name}`,
        'queue CPU ms': rounded(said.queued.cpuMs, 2),
        'drain CPU ms': rounded(said.drained.cpuMs, 2),
        'runs /s': rounded(1000 / said.drained.ms, 0),
        looks: rounded(said.looks, 1),
        'RSS MiB': said.rssMiB,
      });
    }
  }
  return rows;
}

import { cpus, loadavg, totalmem } from 'node:os';

export interface Row {
  readonly name: string;
  readonly [figure: string]: number | string;
}

export interface Result {
  readonly about: string;
  readonly rows: readonly Row[];
  readonly ours: object;
  readonly peers: object;
  readonly ratios: object;
}

export function present(name: string, { about, rows, ours, peers, ratios }: Result): void {
  const [first] = cpus();
  const machine = {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString().slice(0, 10),
    // Of the last minutes, the bench's own work included: what else ran here spoils times more than CPU figures.
    loadAverage: loadavg().map((load) => rounded(load, 1)),
  };
  console.log(`\n${about}\n`);
  console.table(Object.fromEntries(rows.map(({ name: row, ...figures }) => [row, figures])));
  console.log(JSON.stringify({ bench: name, ours, peers, ratios, machine }));
}

/** The value at `share` (0 to 1) of the sorted values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

/** How many times as much, for a person to read. */
export function ratio(own: number | undefined, other: number | undefined): number {
  return rounded((own ?? NaN) / (other ?? NaN), 2);
}

import type { Resources } from '../../domain/resources.ts';
import type { Allocation, Capacity } from './allocation.ts';
import { free } from './allocation.ts';
import type { LaunchRecord } from './control/record.ts';

type Waiting = Pick<LaunchRecord, 'labels' | 'name' | 'resources'>;

/** An allocation and whose it is; null for one that is not known here. */
export type Holding = Allocation & { readonly holder: Pick<Waiting, 'labels' | 'name'> | null };

const named = 3;

/** Why it waits, for a person: what is free, who holds the most of what it lacks, and who stands before it. Ids, no names. */
export function queueMessage(
  { resources }: Waiting,
  capacity: Capacity,
  held: readonly Holding[],
  first: Waiting | null,
): string {
  const { cpus, memoryMiB } = free(capacity, held);
  const left = `${amounts(cpus, memoryMiB)} are free, ${amounts(resources.cpus, resources.memoryMiB)} are asked for.`;
  const gpus = resources.gpus === null ? '' : ` ${gpusLeft(capacity, held)}`;
  const fits = resources.cpus <= cpus + 1e-9 && resources.memoryMiB <= memoryMiB;
  const others = fits && resources.gpus === null ? '' : ` ${holders(resources, held)}`;
  return `${left}${gpus}${others}${first === null ? '' : ` ${behind(first, fits)}`}`.trim();
}

function holders(resources: Resources, held: readonly Holding[]): string {
  const wantsGpus = resources.gpus !== null;
  const weight = (one: Allocation): number => (wantsGpus ? one.gpus.length * 1e6 : 0) + one.cpus;
  const byOwner = Map.groupBy(held, ({ holder, id }) => holderName(holder, id));
  const sums = [...byOwner].map(([name, all]) => ({
    name,
    weight: all.reduce((sum, one) => sum + weight(one), 0),
    cpus: all.reduce((sum, one) => sum + one.cpus, 0),
    memoryMiB: all.reduce((sum, one) => sum + one.memoryMiB, 0),
    gpus: all.reduce((sum, one) => sum + one.gpus.length, 0),
  }));
  const most = sums.toSorted((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));
  const said = most.slice(0, named).map((one) => {
    const gpus = one.gpus === 0 ? '' : ` and ${one.gpus} GPU${one.gpus === 1 ? '' : 's'}`;
    return `${one.name} holds ${amounts(one.cpus, one.memoryMiB)}${gpus}`;
  });
  if (said.length === 0) return '';
  const rest = most.length - said.length;
  return `${said.join(', ')}${rest === 0 ? '' : `, and ${rest} more hold the rest`}.`;
}

function behind(first: Waiting, fits: boolean): string {
  const { cpus, memoryMiB } = first.resources;
  const name = holderName(first, first.name);
  const start = `${name}, which waits for ${amounts(cpus, memoryMiB)}, comes first`;
  return fits
    ? `${start} and would be delayed; with a shorter \`resources.timeLimitSeconds\` this one may pass it.`
    : `${start}.`;
}

function gpusLeft(capacity: Capacity, held: readonly Allocation[]): string {
  const taken = new Set(held.flatMap(({ gpus }) => gpus));
  const idle = capacity.gpus.filter(({ index }) => !taken.has(index));
  return `${idle.length} of ${capacity.gpus.length} GPUs are free.`;
}

/** The platform's id of it, which says nothing to those who may not see it. */
function holderName(holder: Holding['holder'], id: string): string {
  const { run, deployment } = holder?.labels ?? {};
  return run ?? deployment ?? holder?.name ?? id;
}

function amounts(cpus: number, memoryMiB: number): string {
  const round = (value: number): number => Math.round(value * 100) / 100;
  const count = round(cpus);
  return `${count} processor${count === 1 ? '' : 's'} and ${round(memoryMiB)} MiB of memory`;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Handle } from '../../backends/contract/workload.ts';
import { nativeText } from '../contract/backend/under-test.ts';
import type { RealSlurm } from './slurm.ts';

/** It does so in rounds of ten seconds, where jobs are kept no longer. Nobody but Slurm is asked. */
export async function untilForgotten(slurm: RealSlurm, handles: readonly Handle[]): Promise<void> {
  const numbers = new Set(handles.map((handle) => numberOf(handle).split('_')[0]));
  const limit = performance.now() + 150_000;
  for (;;) {
    const known = await slurm.command('squeue', '--noheader', '--states=all', '--format=%A %F');
    if (!known.split(/\s+/).some((number) => numbers.has(number))) return;
    if (performance.now() > limit) throw new Error(`Slurm never forgot: ${known}`);
    await sleep(500);
  }
}

export function numberOf(handle: Handle): string {
  return nativeText(handle, 'id');
}

import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SharedTraffic } from '../../../server/shared-traffic.ts';

async function two(): Promise<{ folder: string; one: SharedTraffic; other: SharedTraffic }> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-traffic-'));
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const now = (): number => Date.now();
  const one = new SharedTraffic(folder, now);
  const other = new SharedTraffic(folder, now);
  onTestFinished(async () => {
    one.close();
    other.close();
    vi.useRealTimers();
    await rm(folder, { recursive: true });
  });
  return { folder, one, other };
}

describe('calls under way in several processes', () => {
  it('are known to each other while they last, and no longer', async () => {
    const { folder, one, other } = await two();
    one.begin('end_a');
    one.begin('end_a');
    other.begin('end_a');
    vi.advanceTimersByTime(500);
    expect([one.inFlight('end_a'), other.inFlight('end_a')]).toEqual([3, 3]);
    expect(other.inFlight('end_b')).toBe(0);
    one.end('end_a', 1);
    one.end('end_a', 2);
    expect([one.inFlight('end_a'), one.answeredAt('end_a')]).toEqual([1, 2]);
    vi.advanceTimersByTime(500);
    expect(other.inFlight('end_a')).toBe(1);
    other.end('end_a', null);
    vi.advanceTimersByTime(500);
    expect([one.inFlight('end_a'), other.inFlight('end_a')]).toEqual([0, 0]);
    expect(await readdir(folder)).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are not believed for ever of a process that was killed', async () => {
    const { folder, one, other } = await two();
    one.begin('end_a');
    vi.advanceTimersByTime(500);
    expect(other.inFlight('end_a')).toBe(1);
    const longAgo = new Date(Date.now() - 60_000);
    for (const name of await readdir(folder)) await utimes(join(folder, name), longAgo, longAgo);
    expect(other.inFlight('end_a')).toBe(0);
  });
});

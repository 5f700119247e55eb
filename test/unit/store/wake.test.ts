import { describe, expect, it, vi } from 'vitest';
import { Wake } from '../../../store/relational/wake.ts';

describe('wake', () => {
  const never = (): Promise<boolean> => Promise.resolve(false);

  it('leaves no listener behind, whichever way a wait ends', async () => {
    const wake = new Wake();
    const stop = new AbortController();
    const aborted = wake.wait(['a', 'b'], never, stop.signal);
    const notified = wake.wait(['c'], never, new AbortController().signal);
    const ready = wake.wait(['d'], () => Promise.resolve(true), stop.signal);
    const failing = wake.wait(['e'], () => Promise.reject(new Error('no')), stop.signal);
    expect(wake.size).toBe(5);
    await ready;
    await failing;
    expect(wake.size).toBe(3);
    wake.notify('c');
    await notified;
    stop.abort();
    await aborted;
    expect(wake.size).toBe(0);
  });

  it('wakes everybody who waits for a topic, once', async () => {
    const wake = new Wake();
    const signal = new AbortController().signal;
    const waiting = Array.from({ length: 1000 }, () => wake.wait(['a'], never, signal));
    wake.notify('a');
    await Promise.all(waiting);
    expect(wake.size).toBe(0);
    wake.notify('a');
  });

  it('looks after it listens, so a notice between the two is not missed', async () => {
    const wake = new Wake();
    let isThere = false;
    const waiting = wake.wait(
      ['a'],
      () => {
        const seen = isThere;
        isThere = true;
        wake.notify('a');
        return Promise.resolve(seen);
      },
      new AbortController().signal,
    );
    await expect(waiting).resolves.toBeUndefined();
  });

  it('lets everybody go when it is closed', async () => {
    const wake = new Wake();
    const signal = new AbortController().signal;
    const waiting = [wake.wait(['a'], never, signal), wake.wait(['b'], never, signal)];
    wake.close();
    await Promise.all(waiting);
    await expect(wake.wait(['a'], never, signal)).resolves.toBeUndefined();
    expect(wake.size).toBe(0);
  });

  it('has waiters look again when others wrote, and asks nobody while nobody waits', async () => {
    vi.useFakeTimers();
    try {
      let asked = 0;
      let theirs = 0;
      let seen = 0;
      const wake = new Wake({
        everyMs: 50,
        haveWritten: () => {
          asked += 1;
          const isNew = theirs > seen;
          seen = theirs;
          return isNew;
        },
      });
      await vi.advanceTimersByTimeAsync(1_000);
      expect(asked).toBe(0);
      let looks = 0;
      let ended = false;
      const ready = (): Promise<boolean> => {
        looks += 1;
        return Promise.resolve(theirs >= 2);
      };
      const waiting = wake
        .wait(['a'], ready, new AbortController().signal)
        .then(() => (ended = true));
      await vi.advanceTimersByTimeAsync(500);
      expect([looks, asked, ended]).toEqual([1, 10, false]);
      // Not what this one waits for: it looks, and goes on waiting.
      theirs = 1;
      await vi.advanceTimersByTimeAsync(100);
      expect([looks, ended]).toEqual([2, false]);
      theirs = 2;
      await vi.advanceTimersByTimeAsync(50);
      await waiting;
      expect([looks, ended, wake.size]).toEqual([3, true, 0]);
      await vi.advanceTimersByTimeAsync(50);
      const before = asked;
      await vi.advanceTimersByTimeAsync(1_000);
      expect(asked).toBe(before);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

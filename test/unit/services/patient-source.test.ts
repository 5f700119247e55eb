import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FathomError } from '../../../domain/errors.ts';
import { patient } from '../../../services/patient-source.ts';

describe('a record whose store is away', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const recordThat = (read: () => Promise<readonly number[]>) =>
    patient<number>({
      read,
      position: (entry) => entry,
      changed: () => Promise.resolve(),
      ended: () => Promise.resolve(false),
    });

  it('is read when it is back', async () => {
    let asked = 0;
    const record = recordThat(async () => {
      asked += 1;
      if (asked < 4) throw new FathomError('STORE_UNAVAILABLE', 'away');
      return [1, 2];
    });
    const read = record.read(0, 10);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await read).toEqual([1, 2]);
    expect(asked).toBe(4);
  });

  it('is given up after a while, and at once for any other reason', async () => {
    const away = recordThat(() => Promise.reject(new FathomError('STORE_UNAVAILABLE', 'away')));
    const read = away.read(0, 10).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(70_000);
    expect(await read).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const closed = recordThat(() => Promise.reject(new FathomError('SHUTTING_DOWN', 'closed')));
    await expect(closed.read(0, 10)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

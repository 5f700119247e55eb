import { describe, expect, test } from 'vitest';
import { ConnectionError } from '../../../codegen/client/errors.ts';
import { delayAfter, parseRetryAfter, pause } from '../../../codegen/client/retry.ts';

const policy = { attempts: 9, initialMs: 100, maximumMs: 1000 };

describe('the wait after a failure', () => {
  test('doubles up to its maximum, half of it drawn', () => {
    const least = { ...policy, random: () => 0 };
    const most = { ...policy, random: () => 1 };
    const delays = (chosen: typeof least) =>
      [1, 2, 3, 4, 5, 60].map((failures) => delayAfter(failures, new Error('x'), chosen));
    expect(delays(least)).toEqual([50, 100, 200, 400, 500, 500]);
    expect(delays(most)).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  test('is never shorter than what the server asks for, nor absurdly long', () => {
    const asks = (retryAfterMs: number) =>
      delayAfter(1, new ConnectionError('busy', { retryAfterMs }), { ...policy, random: () => 0 });
    expect(asks(3000)).toBe(3000);
    expect(asks(1)).toBe(50);
    expect(asks(1e12)).toBe(600_000);
  });

  test('ends at once when the caller aborts', async () => {
    const controller = new AbortController();
    const waiting = pause(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  test.each([
    [null, null],
    ['3', 3000],
    ['Thu, 01 Jan 2026 00:00:07 GMT', 7000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', null],
  ])('%j is %j ms', (value, ms) => {
    expect(parseRetryAfter(value, now)).toBe(ms);
  });
});

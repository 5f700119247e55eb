import { describe, expect, test } from 'vitest';
import { Listeners } from '../../../../backends/wakes/listeners.ts';

const never = 60_000;

function made() {
  const closing = new AbortController();
  const followed: AbortSignal[] = [];
  const listeners = new Listeners(closing.signal, (signal) => followed.push(signal));
  return { closing, followed, listeners };
}

describe('who listens', () => {
  test('is woken by what is told of its name, and nobody else is', async () => {
    const { listeners } = made();
    const quiet = new AbortController().signal;
    const one = listeners.listen('one', quiet);
    const other = listeners.listen('other', quiet);
    let isOtherWoken = false;
    const others = other.next(never).then(() => (isOtherWoken = true));
    const woken = one.next(never);
    listeners.ring('one');
    await woken;
    expect(isOtherWoken).toBe(false);
    listeners.ringAll();
    expect(await others).toBe(true);
    one.stop();
    other.stop();
  });

  test('hears at once of what was told before it waited, and of that only once', async () => {
    const { listeners } = made();
    const one = listeners.listen('one', new AbortController().signal);
    listeners.ring('one');
    await one.next(never);
    let isWoken = false;
    const again = one.next(never).then(() => (isWoken = true));
    await Promise.resolve();
    expect(isWoken).toBe(false);
    listeners.ring('one');
    expect(await again).toBe(true);
    one.stop();
  });

  test('is woken by its own signal and by the closing, and when its time is over', async () => {
    const { listeners, closing } = made();
    const leaving = new AbortController();
    const one = listeners.listen('one', leaving.signal);
    const two = listeners.listen('two', new AbortController().signal);
    const woken = [one.next(never), two.next(1)];
    leaving.abort();
    expect(await Promise.all(woken)).toHaveLength(2);
    closing.abort();
    expect(await Promise.all([one.next(never), two.next(never)])).toHaveLength(2);
    one.stop();
    two.stop();
  });

  test('are followed from the first on until the last has left, and anew after that', () => {
    const { listeners, followed } = made();
    const quiet = new AbortController().signal;
    const one = listeners.listen('one', quiet);
    const same = listeners.listen('one', quiet);
    expect(followed).toHaveLength(1);
    one.stop();
    expect(followed[0]?.aborted).toBe(false);
    same.stop();
    expect(followed[0]?.aborted).toBe(true);
    listeners.listen('one', quiet).stop();
    expect(followed.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});

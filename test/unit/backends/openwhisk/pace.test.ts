import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pace } from '../../../../backends/openwhisk/pace.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;

function paced(): Pace {
  return new Pace({ now: () => Date.now(), random: () => 0.5 }, 1000);
}

test('nothing waits before a refusal', async () => {
  expect(await paced().turn('x', Date.now(), never)).toBeUndefined();
});

test('after a refusal beyond the deadline it says when to come again', async () => {
  const pace = paced();
  pace.refused();
  const late = pace.turn('x', Date.now() + 500, never);
  await expect(late).rejects.toMatchObject({ kind: 'RateLimited', retryAfterMs: 1000 });
  pace.refused();
  pace.refused();
  const later = pace.turn('x', Date.now() + 500, never);
  await expect(later).rejects.toMatchObject({ retryAfterMs: 4000 });
});

test('pauses grow to sixteen times the first, and no further', async () => {
  const pace = paced();
  for (let time = 0; time < 50; time++) pace.refused();
  const late = pace.turn('x', Date.now() + 500, never);
  await expect(late).rejects.toMatchObject({ retryAfterMs: 16_000 });
});

test('one tries first, and its success lets all others through', async () => {
  vi.useRealTimers();
  const pace = new Pace({ now: () => Date.now(), random: () => 0.5 }, 20);
  pace.refused();
  const through: number[] = [];
  let withTheFirst = 0;
  const turns = [1, 2, 3].map(async (number) => {
    await pace.turn('x', Date.now() + 5000, never);
    through.push(number);
    if (through.length === 1) {
      await new Promise((next) => setTimeout(next, 5));
      withTheFirst = through.length;
      pace.accepted();
    }
  });
  await Promise.all(turns);
  expect({ withTheFirst, all: through.length }).toEqual({ withTheFirst: 1, all: 3 });
});

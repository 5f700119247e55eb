import { beforeEach, describe, expect, test } from 'vitest';
import { BackendError, type BackendErrorKind } from '../../../../backends/contract/error.ts';
import { Circuits } from '../../../../services/sites/circuits.ts';

let now = 0;
let circuits: Circuits;

beforeEach(() => {
  now = 1_000_000;
  circuits = new Circuits({ now: () => now, random: () => 1 });
});

const error = (kind: BackendErrorKind, more: { readonly retryAfterMs?: number } = {}) =>
  new BackendError(kind, 'inspect', 'So it is.', more);

function fail(kind: BackendErrorKind = 'Unavailable', backend = 'a') {
  return circuits.failed(backend, error(kind));
}

function shut(kind?: BackendErrorKind) {
  for (let times = 0; times < 3; times += 1) fail(kind);
}

describe('a circuit of a backend', () => {
  test('is shut by several failures in a row, and only for that backend', () => {
    expect([fail(), fail()]).toEqual([null, null]);
    expect(circuits.enter('a')).toBeNull();
    expect(fail()?.until).toBe(now + 1_000);
    expect(circuits.enter('a')).toMatchObject({ since: now, until: now + 1_000 });
    expect(circuits.enter('b')).toBeNull();
  });

  test('is not shut by failures with a success between them, nor by what the backend answered', () => {
    fail();
    fail();
    circuits.succeeded('a');
    expect([fail(), fail()]).toEqual([null, null]);
    expect(fail('NotFound')).toBeNull();
    expect([fail(), fail(), fail('Rejected'), fail()]).toEqual([null, null, null, null]);
  });

  test('lets one in when its time is over, and the others when that one came through', () => {
    shut();
    now += 1_000;
    expect(circuits.enter('a')).toBeNull();
    expect(circuits.enter('a')).toMatchObject({ onTrial: true, until: now + 2_000 });
    circuits.succeeded('a');
    expect(circuits.enter('a')).toBeNull();
    expect(circuits.enter('a')).toBeNull();
  });

  test('waits twice as long after each try that failed, up to a bound', () => {
    shut();
    const delays = Array.from({ length: 8 }, () => {
      now = circuits.enter('a')?.until ?? now;
      circuits.enter('a');
      return (fail()?.until ?? 0) - now;
    });
    expect(delays).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
    expect(circuits.enter('a')?.since).toBe(1_000_000);
  });

  test('is not shut for longer by calls that were under way when it was shut', () => {
    shut();
    const until = circuits.enter('a')?.until;
    for (let late = 0; late < 20; late += 1) fail();
    expect(circuits.enter('a')?.until).toBe(until);
  });

  test('keeps away as long as the backend asks to', () => {
    fail();
    fail();
    const asked = circuits.failed('a', error('RateLimited', { retryAfterMs: 90_000 }));
    expect(asked?.until).toBe(now + 90_000);
  });

  test('lets another one try when nothing is heard of the one that did', () => {
    shut();
    now += 1_000;
    expect(circuits.enter('a')).toBeNull();
    now += 30_000;
    expect(circuits.enter('a')).toBeNull();
  });
});

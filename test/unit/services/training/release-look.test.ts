import { beforeEach, describe, expect, test } from 'vitest';
import { BackendError, type BackendErrorKind } from '../../../../backends/contract/error.ts';
import { untraced } from '../../../../domain/traces.ts';
import type { Surroundings } from '../../../../services/surroundings.ts';
import { ReleaseLook } from '../../../../services/training/release-look.ts';
import { MemoryJobs } from '../../../fakes/memory-jobs.ts';

let now = 0;
let logged: string[] = [];
let backend: MemoryJobs;
let release: ReleaseLook;

beforeEach(() => {
  now = 1_000_000;
  logged = [];
  backend = new MemoryJobs('site');
  const attempt = {
    backend: 'site',
    handle: { backend: 'site', version: 1, native: { key: 'k' } },
  };
  const at = {
    store: { attempts: { get: async (id: string) => (id === 'att' ? attempt : null) } },
    backends: { get: (name: string) => (name === 'site' ? backend : null), all: () => [backend] },
    ambient: { now: () => now, random: () => 0 },
    traces: untraced,
    log: (_level: string, message: string) => void logged.push(message),
  };
  release = new ReleaseLook(at as unknown as Surroundings);
});

const look = () => release.look('att', {} as never);

function refuse(kind: BackendErrorKind, more: { readonly retryAfterMs?: number } = {}) {
  backend.failure = (operation) => new BackendError(kind, operation, 'So it is.', more);
}

describe('what an attempt left at its backend', () => {
  test('is removed, and that is all', async () => {
    expect(await look()).toBeNull();
    expect(backend.calls).toEqual(['release']);
    expect(await release.look('other', {} as never)).toBeNull();
  });

  test('is tried again later while the backend cannot be reached, ever more seldom, quietly', async () => {
    refuse('Unavailable');
    for (let times = 0; times < 3; times += 1) expect(await look()).toBe(now + 5_000);
    expect(await look()).toBe(now + 750);
    expect(backend.countOf('release')).toBe(3);
    expect(logged).toEqual([]);
    now += 750;
    backend.failure = () => null;
    expect(await look()).toBeNull();
  });

  test('is as good as removed when the backend does not know it', async () => {
    refuse('NotFound');
    expect(await look()).toBeNull();
  });

  test('is left for an hour and told to the operator when it is refused for good', async () => {
    refuse('Rejected');
    expect(await look()).toBe(now + 3_600_000);
    expect(logged).toEqual(['site did not remove what att left: So it is.']);
  });

  test('waits as long as the backend asks to', async () => {
    refuse('RateLimited', { retryAfterMs: 20_000 });
    expect(await look()).toBe(now + 20_000);
  });
});

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Answered } from '../../backends/contract/function-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type {
  FunctionSuite,
  FunctionsUnderTest,
} from '../contract/backend/functions-under-test.ts';
import { json, predictPath, suiteOf } from '../contract/backend/functions-under-test.ts';
import { asPlatform } from './openwhisk.ts';

const minuteMs = 60_000;
/** More of them in a minute would be a load test, and no longer a question. */
const mostCalls = 1000;

/** Where the patience and the throttles of a real platform end, and what the adapter makes of it. Slow: nothing is cut short. */
export function platformBounds(open: () => Promise<FunctionsUnderTest>): void {
  describe('what a real OpenWhisk bounds', { timeout: 240_000 }, () => {
    let opened: FunctionSuite | null = null;
    const suite = (): FunctionSuite => {
      if (opened === null) throw new Error('nothing was opened');
      return opened;
    };
    beforeAll(async () => {
      opened = suiteOf(await open());
    }, 60_000);
    afterAll(() => opened?.under.destroy());

    test('a call that outlasts its patience of 60 s becomes a ticket, and an answer when it has ended', async () => {
      const handle = await warmed(suite(), { timeLimitSeconds: 150 });
      const begun = Date.now();
      const said = await slowCall(suite(), handle, 63_000, 140_000);
      const waited = Date.now() - begun;
      if (said.kind !== 'TICKET') throw new Error('it was answered');
      expect(waited).toBeGreaterThan(59_000);
      expect(await suite().under.functions.result(handle, said.ticket)).toBeNull();
      const { start, response } = await suite().resolved(handle, said.ticket);
      expect(response.status).toBe(200);
      expect(start).toMatchObject({ cold: false, initMs: null });
      expect(start.durationMs).toBeGreaterThanOrEqual(63_000);
    });

    test('more calls at once than are allowed are held back, and all of them are answered', async () => {
      const handle = await warmed(suite());
      const { callsAtOnce } = (await suite().under.functions.status(handle)).limits;
      if (callsAtOnce === null || callsAtOnce > 100) throw new Error('no bound to be met here');
      let isOver = false;
      const calls = Array.from({ length: callsAtOnce + 4 }, () =>
        suite().answered(handle, { text: 'all of them', sleepMs: 1500 }, 180_000),
      );
      const all = Promise.all(calls).finally(() => (isOver = true));
      all.catch(() => null);
      // Counted and let in are two things: some that come together are let in beyond the limit.
      expect(await firstRefusal(() => isOver)).toMatch(
        new RegExp(
          `^Too many concurrent requests in flight \\(count: \\d+, allowed: ${callsAtOnce}\\)`,
        ),
      );
      const statuses = (await all).map(({ response }: Answered) => response.status);
      expect(statuses).toEqual(calls.map(() => 200));
    });

    test('a minute that is used up is waited for, and who cannot wait is told when to come again', async () => {
      const handle = await warmed(suite());
      const { callsPerMinute } = (await suite().under.functions.status(handle)).limits;
      if (callsPerMinute === null || callsPerMinute > mostCalls) {
        throw new Error(`limits-actions-invokes-perMinute must be at most ${mostCalls} here`);
      }
      // The minute is one of the calendar: it is used up at its beginning.
      await new Promise((next) => setTimeout(next, minuteMs - (Date.now() % minuteMs) + 100));
      const minute = Math.floor(Date.now() / minuteMs);
      expect(await useUp(callsPerMinute)).toMatch(
        new RegExp(
          `^Too many requests in the last minute \\(count: \\d+, allowed: ${callsPerMinute}\\)`,
        ),
      );
      const error = await suite().errorOf(() => suite().answered(handle, {}, 1500));
      expect(error.kind).toBe('RateLimited');
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect((await suite().answered(handle, {}, 120_000)).response.status).toBe(200);
      expect(Math.floor(Date.now() / minuteMs)).toBeGreaterThan(minute);
    });
  });
}

async function warmed(
  { under, workload, deploy, within }: FunctionSuite,
  more: { readonly timeLimitSeconds?: number } = {},
): Promise<Handle> {
  const { resources } = workload();
  const handle = await deploy({ resources: { ...resources, ...more } });
  onTestFinished(() => under.backend.release(handle));
  await under.functions.warm(handle, 1, within(90_000));
  await under.settled();
  return handle;
}

function slowCall({ under, within }: FunctionSuite, handle: Handle, sleepMs: number, ms: number) {
  const body = Buffer.from(JSON.stringify({ sleepMs }));
  const request = { method: 'POST', path: predictPath, headers: json, body } as const;
  return under.functions.invoke(handle, request, within(ms));
}

/** A call of what is not there counts, and costs nobody a container. Null when it was not refused for its number. */
async function refusalOfNothing(): Promise<string | null> {
  const { url, key } = asPlatform();
  const answer = await fetch(`${url}/api/v1/namespaces/_/actions/nothing-of-this-name`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(key).toString('base64')}` },
  });
  const { error } = (await answer.json()) as { readonly error: string };
  if (answer.status !== 429) return null;
  expect(answer.headers.get('retry-after')).toBeNull();
  return error;
}

async function firstRefusal(isOver: () => boolean): Promise<string | null> {
  while (!isOver()) {
    const refusal = await refusalOfNothing();
    if (refusal !== null) return refusal;
    await new Promise((next) => setTimeout(next, 250));
  }
  return null;
}

async function useUp(calls: number): Promise<string | null> {
  for (let made = 0; made <= calls + 10; made += 10) {
    const refusals = await Promise.all(Array.from({ length: 10 }, refusalOfNothing));
    const found = refusals.find((refusal) => refusal !== null);
    if (found !== undefined) return found;
  }
  return null;
}

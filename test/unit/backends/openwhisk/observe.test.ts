import { describe, expect, test } from 'vitest';
import { limitsOf } from '../../../../backends/openwhisk/limits.ts';
import { logLine } from '../../../../backends/openwhisk/log-lines.ts';
import { actionOf, answerOf, startOf } from '../../../../backends/openwhisk/observe.ts';
import { formTicket, parseTicket } from '../../../../backends/openwhisk/tickets.ts';
import { refusal } from '../../../../backends/openwhisk/errors.ts';
import type { Json, JsonObject } from '../../../../domain/json.ts';

const annotations = [
  { key: 'path', value: 'guest/a' },
  { key: 'waitTime', value: 1200 },
];

function activation(status: string, result: Json, more: JsonObject = {}): JsonObject {
  return { activationId: 'a', duration: 40, annotations, response: { status, result }, ...more };
}

function errorOf(document: unknown): unknown {
  try {
    answerOf('invoke', document);
  } catch (error) {
    return `${(error as { kind: string }).kind}: ${(error as Error).message}`;
  }
  return null;
}

describe('an activation', () => {
  test('with an initialisation was cold, without one warm; without annotations nobody knows', () => {
    expect(startOf({ annotations, duration: 40 })).toEqual({
      cold: false,
      waitMs: 1200,
      initMs: null,
      durationMs: 40,
    });
    const cold = { annotations: [...annotations, { key: 'initTime', value: 0 }] };
    expect(startOf(cold)).toMatchObject({ cold: true, initMs: 0, durationMs: null });
    expect(startOf({})).toMatchObject({ cold: null, waitMs: null });
  });

  test('that succeeded carries the response of the module, text or base64 by its type', () => {
    const result = (contentType: string, body: Json): JsonObject => ({
      statusCode: 201,
      headers: { 'Content-Type': contentType, 'content-length': 5, many: ['a', 'b'] },
      body,
    });
    const bodies = [
      ['application/json', '{"a":"ü"}', '{"a":"ü"}'],
      ['text/plain; charset=utf-8', 'ü', 'ü'],
      ['application/problem+json', '{}', '{}'],
      ['image/png', Buffer.from('ü').toString('base64'), 'ü'],
      ['application/json', { a: 1 }, '{"a":1}'],
      ['text/plain', null, ''],
    ] as const;
    for (const [type, body, text] of bodies) {
      const { response } = answerOf('invoke', activation('success', result(type, body)));
      expect(Buffer.from(response.body).toString()).toBe(text);
      expect(response.status).toBe(201);
      expect(response.headers).toEqual({ 'content-type': type, many: 'a, b' });
    }
  });

  test('that failed says how, by its status and never by a code', () => {
    expect(errorOf(activation('application error', { error: { a: 1 } }))).toBe(
      'Unexpected: The function failed: {"a":1}',
    );
    expect(errorOf(activation('action developer error', { error: 'no' }))).toBe(
      'Unexpected: The container of the function failed: no',
    );
    expect(errorOf(activation('whisk internal error', { error: 'no' }))).toBe(
      'Unavailable: OpenWhisk failed by itself: no',
    );
    expect(errorOf(activation('something new', 'no'))).toBe(
      'Unexpected: The call ended as "something new": no',
    );
  });

  test('of any shape is an answer or an error, never a crash', () => {
    const documents: unknown[] = [
      null,
      5,
      [],
      {},
      { response: {} },
      { response: { status: 'success' } },
    ];
    for (const result of [null, 5, 'x', [1], {}, { a: 1 }, { statusCode: 'x' }]) {
      documents.push(activation('success', result));
    }
    for (const document of documents) expect(errorOf(document)).toMatch(/^Unexpected: .+/);
    const long = errorOf(activation('application error', { error: 'x'.repeat(10_000) }));
    expect(long).toMatch(/^Unexpected: The function failed: x{600}…$/);
  });
});

test('an action is read as far as it goes', () => {
  const exec = { kind: 'blackbox', image: 'a:1' };
  const stored = { version: '0.0.2', updated: 5, exec, limits: { timeout: 7 } };
  expect(actionOf({ ...stored, annotations: [{ key: 'fathom-key', value: 'k' }] })).toEqual({
    key: 'k',
    version: '0.0.2',
    updated: 5,
    image: 'blackbox a:1',
    timeoutMs: 7,
  });
  expect(actionOf(stored)?.key).toBeNull();
  for (const none of [null, [], {}, { version: 1 }, { version: '1' }])
    expect(actionOf(none)).toBeNull();
});

test('limits are those of the namespace, or of the platform in its own units, or unknown', () => {
  const own = { invocationsPerMinute: 60, minActionMemory: 128, maxActionMemory: 512 };
  const limits = { actions_per_minute: 9, concurrent_actions: 30, max_action_duration: 5000 };
  expect(limitsOf(own, { limits })).toEqual({
    callsPerMinute: 60,
    callsAtOnce: 30,
    memoryMiB: { minimum: 128, maximum: 512 },
    timeoutMs: { minimum: 0, maximum: 5000 },
    keepsRecords: true,
  });
  const memory = { limits: { min_action_memory: 134_217_728, max_action_memory: 536_870_912 } };
  expect(limitsOf(null, memory).memoryMiB).toEqual({ minimum: 128, maximum: 512 });
  expect(limitsOf(null, null)).toMatchObject({ callsPerMinute: null, memoryMiB: null });
  expect(limitsOf({ storeActivations: false }, null).keepsRecords).toBe(false);
});

test('lines of a log are read in each of the forms that platforms write', () => {
  const at = Date.parse('2026-01-01T00:00:00.123Z');
  const forms = [
    ['2026-01-01T00:00:00.123456789Z stdout: a  b', at, 'STDOUT', 'a  b'],
    ['2026-01-01T00:00:00.123456789Z stderr: a: b', at, 'STDERR', 'a: b'],
    ['2026-01-01T00:00:00.123456789Z           stdout: x', at, 'STDOUT', 'x'],
    ['2026-01-01T00:00:00.123Z plain', at, 'STDOUT', 'plain'],
    ['2026-01-01T00:00:00.123Z stdout: ', at, 'STDOUT', ''],
    ['no time', 7, 'STDOUT', 'no time'],
  ] as const;
  for (const [raw, time, stream, text] of forms) {
    expect(logLine(raw, 7)).toEqual({ at: time, stream, text });
  }
  const { text } = logLine('é'.repeat(20_000), 7);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
  expect(text).toMatch(/^é+…$/);
});

test('a ticket comes back as it was formed, and nothing else is one', () => {
  const ticket = { activationId: 'ab'.repeat(16), since: 1_767_000_000_000 };
  expect(parseTicket(formTicket(ticket))).toEqual(ticket);
  for (const wrong of [
    '',
    'x.1',
    `${'g'.repeat(32)}.1`,
    `${'a'.repeat(32)}.`,
    `../${'a'.repeat(32)}.1`,
  ]) {
    expect(() => parseTicket(wrong)).toThrow(/no ticket/);
  }
});

test('refusals are kinds, with the transaction that the operator finds', () => {
  const text = JSON.stringify({ error: 'No.', code: 'tid' });
  const kinds = [400, 401, 403, 404, 409, 413, 429, 500, 502, 503].map(
    (status) => refusal('x', status, text).kind,
  );
  expect(kinds).toEqual([
    'Rejected',
    'Unauthorized',
    'Unauthorized',
    'NotFound',
    'Rejected',
    'Rejected',
    'RateLimited',
    'Unavailable',
    'Unavailable',
    'Unavailable',
  ]);
  expect(refusal('x', 400, text).message).toBe('OpenWhisk answered 400: No. (transaction tid)');
  expect(refusal('x', 404, '<html>').kind).toBe('Unavailable');
  expect(refusal('x', 400, '{"error":"old","code":7}').message).toContain('(transaction 7)');
});

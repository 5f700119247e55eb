import { describe, expect, test } from 'vitest';
import { redacted } from '../../../server/log.ts';

describe('a log line', () => {
  test.each([
    [{ authorization: 'Bearer abc' }, 'abc'],
    [{ headers: { 'X-Api-Key': 'k1', cookie: 'c1' } }, 'k1'],
    [{ settings: { userToken: 't1', password: ['p'] } }, 't1'],
    [{ error: 'connect postgres://fathom:pa$$w0rd@db:5432/x failed' }, 'pa$$w0rd'],
    [{ error: 'sent Authorization: Bearer eyJhbGciOi.x-y_z' }, 'eyJhbGciOi'],
    [{ url: 'http://h/blobs/a/b?token=k3y.sig&x=1' }, 'k3y.sig'],
    [{ error: 'redis://:only@h:6379' }, 'only@'],
  ])('does not tell a secret: %j', (entry, secret) => {
    const text = redacted(entry);
    expect(text).not.toContain(secret);
    expect(text).toContain('***');
  });

  test('tells everything else as it is', () => {
    const entry = {
      message: 'A look at trainingRun run_1 failed.',
      requestId: 'req_1',
      url: 'http://127.0.0.1:4000/graphql?query=x',
      tokens: 4000,
      key: 'run_1',
      password: null,
    };
    expect(JSON.parse(redacted(entry))).toEqual(entry);
  });
});

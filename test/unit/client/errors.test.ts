import { describe, expect, test } from 'vitest';
import { accepted, FathomApiError, UserErrors } from '../../../codegen/client/errors.ts';
import { errorClasses } from '../../../codegen/client/generated/error-classes.ts';
import { apiError } from '../../../codegen/client/read-result.ts';
import { errorTable } from '../../../domain/errors.ts';

describe('errors of the server', () => {
  test('have a class for every code of the table, and for no other', () => {
    expect(Object.keys(errorClasses)).toEqual(Object.keys(errorTable));
    for (const code of Object.keys(errorTable)) {
      const error = apiError([{ message: 'No.', extensions: { code } }]);
      expect(error).toBeInstanceOf(errorClasses[code as keyof typeof errorClasses]);
      expect(error).toBeInstanceOf(FathomApiError);
      expect(error.name).toMatch(/^[A-Z]\w+Error$/);
      expect(error.code).toBe(code);
    }
  });

  test('of codes that this client does not know keep the code', () => {
    const error = apiError([
      { message: 'New.', extensions: { code: 'BRAND_NEW', retryable: true } },
    ]);
    expect(error).toMatchObject({ code: 'BRAND_NEW', retryable: true, name: 'FathomApiError' });
  });

  test.each([
    [null],
    ['text'],
    [{}],
    [{ message: 3, extensions: [] }],
    [{ extensions: { code: 'toString' } }],
  ])('that are malformed (%j) are errors all the same', (raw) => {
    const error = apiError([raw]);
    expect(error).toBeInstanceOf(FathomApiError);
    expect(error).toMatchObject({
      retryable: false,
      retryAfterMs: null,
      requestId: null,
      path: [],
    });
  });
});

describe('the payload of a mutation', () => {
  test('gives its object', () => {
    expect(accepted({ thing: { id: 1 }, userErrors: [] }, 'thing')).toEqual({ id: 1 });
  });

  test('without an object throws every reason', () => {
    const userErrors = [
      { code: 'INVALID_ARGUMENT', message: 'Too few.', path: ['a'] },
      { code: 'INVALID_ARGUMENT', message: 'Too many.', path: ['b'] },
    ];
    const take = (): unknown => accepted({ thing: null, userErrors }, 'thing');
    expect(take).toThrow(UserErrors);
    expect(take).toThrow('Too few. Too many.');
  });
});

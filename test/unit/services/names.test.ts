import { describe, expect, test } from 'vitest';
import { checkName } from '../../../services/names.ts';

describe('a name', () => {
  test.each([null, 'x', 'two words', 'ünïcödé 漢字 🙂', 'x'.repeat(120)])(
    '%j is one',
    async (name) => {
      await expect(checkName(name)).resolves.toBeUndefined();
    },
  );

  test.each(['', ' ', 'x'.repeat(121), 'a\0b', 'a\nb', 'a\u001bb', '\ud800', 'a\udc00b'])(
    '%j is none',
    async (name) => {
      await expect(checkName(name)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        inputPath: ['name'],
      });
    },
  );
});

import { describe, expect, test } from 'vitest';
import { sourceFor } from '../../../../services/sites/fit.ts';

const folder = { kind: 'FOLDER', path: '/modules/iris' } as const;
const both = { ...folder, image: 'iris:1.0.0' } as const;
const image = { kind: 'IMAGE', image: 'iris:1.0.0' } as const;

describe('the form of a module that a backend is given', () => {
  test('is the folder where folders run, its image elsewhere, and nothing where neither does', () => {
    const runs = (processes: boolean, images: boolean) =>
      [folder, both, image].map((source) => sourceFor(source, { processes, images }));
    expect(runs(true, true)).toEqual([folder, both, image]);
    expect(runs(true, false)).toEqual([folder, both, null]);
    expect(runs(false, true)).toEqual([null, image, image]);
    expect(runs(false, false)).toEqual([null, null, null]);
  });
});

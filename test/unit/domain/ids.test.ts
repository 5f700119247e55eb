import { describe, expect, test } from 'vitest';
import { idPrefixes, newId, type Noun, nounOf, parseId } from '../../../domain/ids.ts';

const nouns = Object.keys(idPrefixes) as Noun[];

describe('an id', () => {
  test('is parsed as its own noun and as no other', () => {
    for (const noun of nouns) {
      const id = newId(noun, 1_700_000_000_000, () => 0.5);
      for (const other of nouns) expect(parseId(other, id)).toBe(other === noun ? id : null);
      expect(nounOf(id)).toBe(noun);
    }
  });

  test('sorts by the time it was made, to the millisecond', () => {
    const times = [0, 1, 31, 32, 1_000, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1];
    const ids = times.map((at) => newId('TrainingRun', at, () => 0.999));
    expect(ids.toSorted()).toEqual(ids);
  });

  test('refuses every other text', () => {
    const good = newId('TrainingRun', 1, () => 0.99);
    const bad = [
      '',
      'run_',
      'run',
      `${good}0`,
      good.slice(0, -1),
      good.toLowerCase(),
      `x${good}`,
      `${good}\n`,
      'run_8'.padEnd(30, '0'),
      'run_' + 'I'.repeat(26),
    ];
    expect(bad.filter((text) => parseId('TrainingRun', text) !== null)).toEqual([]);
    expect(bad.filter((text) => nounOf(text) !== null)).toEqual([]);
  });

  test('has a prefix of its own for each noun', () => {
    expect(new Set(Object.values(idPrefixes)).size).toBe(nouns.length);
  });
});

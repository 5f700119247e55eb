import { francAll } from 'franc';
import { ArgumentError, numberOf } from '../runtime/arguments.ts';
import type { Predictor } from '../runtime/module.ts';

/** Texts beyond this length add time but no certainty. */
const mostCharacters = 100_000;

/**
 * Languages by the trigrams of a text, as ISO 639-3 codes; `und` when the text is too short to
 * tell.
 */
export function loadLanguagePredictor(): Promise<Predictor> {
  return Promise.resolve({
    facts: { labelSystem: 'ISO 639-3' },
    predict: (values) => {
      const { text } = values;
      if (typeof text !== 'string' || text.trim() === '') {
        throw new ArgumentError('text', 'Must not be empty.');
      }
      if (text.length > mostCharacters) {
        throw new ArgumentError('text', `Must be at most ${mostCharacters} characters.`);
      }
      const ranked = francAll(text).slice(0, numberOf(values, 'topK'));
      return {
        labels: ranked.map(([language]) => language),
        // Not probabilities: nearness of the trigrams, 1 for the best of all languages.
        scores: ranked.map(([, score]) => Number(score.toFixed(4))),
      };
    },
  });
}

import { PermanentError } from '../core/errors.ts';
import { defineHandler } from '../core/task.ts';
import { countWords } from './text.count_words.task.ts';

export default defineHandler(countWords, ({ text, language }) => {
  const words = [...segmenter(language).segment(text)]
    .filter((segment) => segment.isWordLike)
    .map((segment) => segment.segment);
  return {
    words: words.length,
    characters: [...text].length,
    longest_word: words.reduce((longest, word) => (word.length > longest.length ? word : longest), ''),
  };
});

function segmenter(language: string): Intl.Segmenter {
  try {
    return new Intl.Segmenter(language, { granularity: 'word' });
  } catch (error) {
    throw new PermanentError(`${JSON.stringify(language)} is not a BCP 47 language tag`, { cause: error });
  }
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import countWordsHandler from '../../../tasks/text.count_words.handler.ts';
import { runHandler } from '../../../testing/index.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, submit } from '../../support/tasks.ts';

const { pool } = await createDatabase();

/** What the handler makes of a text, without a runner. */
async function count(text: string, language = 'en'): Promise<unknown> {
  return (await runHandler(countWordsHandler, { text, language })).result;
}

test('through a runner: the default language, another one, and one that there is not', async () => {
  await startTestRunner(pool);
  const tasks = await submit(
    pool,
    { name: 'text.count_words', payload: { text: 'Call me Ishmael.' } },
    { name: 'text.count_words', payload: { text: 'Nennt mich Ismael.', language: 'de' } },
    { name: 'text.count_words', payload: { text: 'Call me Ishmael.', language: 'no language' } },
  );
  const ended = await Promise.all(tasks.map(({ id }) => finished(pool, id)));
  expect(ended.map(({ state, result }) => [state, result])).toEqual([
    ['succeeded', { words: 3, characters: 16, longest_word: 'Ishmael' }],
    ['succeeded', { words: 3, characters: 18, longest_word: 'Ismael' }],
    ['failed', null],
  ]);
  // No other attempt would know that language.
  expect(ended[2]).toMatchObject({
    attempt: 1,
    error: { message: '"no language" is not a BCP 47 language tag', retryable: false },
  });
});

test('words are what the rules of the language say, not what is between blanks', async () => {
  expect(await count("Don't panic — it's 3.14!")).toEqual({
    words: 4,
    characters: 24,
    longest_word: "Don't",
  });
  expect(await count('…?!')).toEqual({ words: 0, characters: 3, longest_word: '' });
  // Thai has no blanks between its words.
  const thai = (await count('สวัสดีชาวโลก', 'th')) as { words: number };
  expect(thai.words).toBeGreaterThan(1);
});

test('characters are code points, and of several longest words it is the first', async () => {
  expect(await count('😀 aa bb é')).toMatchObject({ characters: 9, longest_word: 'aa' });
});

test('plain words between blanks are counted as they are', async () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 50 }), async (words) => {
      const text = words.join(' ');
      const longest = Math.max(...words.map(({ length }) => length));
      expect(await count(text)).toEqual({
        words: words.length,
        characters: text.length,
        longest_word: words.find(({ length }) => length === longest),
      });
    }),
  );
});

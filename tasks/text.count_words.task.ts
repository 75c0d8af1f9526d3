import { z } from 'zod';
import { defineTask } from '../core/task.ts';

export const countWords = defineTask({
  name: 'text.count_words',
  version: '1.0.0',
  description: 'Counts the words and characters of a text. `npm run demo` submits it for every paragraph.',
  payload: z.strictObject({
    text: z.string().min(1).max(1_000_000).describe('The text'),
    language: z
      .string()
      .min(2)
      .max(35)
      .default('en')
      .describe('BCP 47 language tag, whose rules decide where words end'),
  }),
  result: z.strictObject({ words: z.int(), characters: z.int(), longest_word: z.string() }),
  example: { text: 'Call me Ishmael.' },
});

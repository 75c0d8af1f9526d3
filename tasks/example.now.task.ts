import { z } from 'zod';
import { defineTask } from '../core/task.ts';

export const now = defineTask({
  name: 'example.now',
  version: '1.0.0',
  description:
    'Tells when it ran, and does nothing else. For measuring what a task costs, and how soon one starts.',
  payload: z.strictObject({}),
  result: z.strictObject({
    at: z.number().describe('Milliseconds since 1970, with fractions, by the clock of its runner'),
  }),
  policy: { dedup: { strategy: 'none' } },
  example: {},
});

import { z } from 'zod';
import { defineTask } from '../../core/task.ts';

export const now = defineTask({
  name: 'example.now',
  version: '1.0.0',
  description: 'Returns the time at which it ran. For measuring the cost of a task and how soon it starts.',
  payload: z.strictObject({}),
  result: z.strictObject({
    at: z.number().describe('Milliseconds since 1970, with fractions, by the clock of its runner'),
  }),
  policy: { dedup: { strategy: 'none' } },
  example: {},
});

import { defineTask } from 'errand';
import { z } from 'zod';

export const reserve = defineTask({
  name: 'orders.reserve',
  version: '1.0.0',
  description: 'Reserves one article of an order in the warehouse.',
  payload: z.strictObject({
    order: z.string().max(40).describe('The number of the order'),
    article: z.string().max(40).describe('The number of the article'),
    pieces: z.int().min(1).max(1_000),
  }),
  result: z.strictObject({ cents: z.int().describe('The price of these pieces') }),
  policy: { maxAttempts: 5 },
  example: { order: 'A-1', article: 'tea-pot', pieces: 2 },
});

import { defineWorkflow, step } from 'errand';
import { z } from 'zod';
import { send } from '../mail/mail.send.task.ts';
import { reserve } from './orders.reserve.task.ts';

export const place = defineWorkflow({
  name: 'orders.place',
  version: '1.0.0',
  description: 'Reserves each article of an order, adds up what it costs, and writes to the customer.',
  payload: z.strictObject({
    order: z.string().max(40).describe('The number of the order'),
    email: z.email().max(200),
    articles: z
      .array(z.strictObject({ article: z.string().max(40), pieces: z.int().min(1).max(1_000) }))
      .min(1)
      .max(100),
  }),
  result: z.strictObject({ cents: z.int().describe('What the order costs') }),
  steps: {
    reserve: step({ map: reserve }),
    bill: step({ after: ['reserve'], result: z.strictObject({ cents: z.int() }) }),
    write: step({ after: ['bill'], run: send }),
  },
  example: {
    order: 'A-1',
    email: 'ann@example.com',
    articles: [
      { article: 'tea-pot', pieces: 1 },
      { article: 'cup', pieces: 4 },
    ],
  },
});

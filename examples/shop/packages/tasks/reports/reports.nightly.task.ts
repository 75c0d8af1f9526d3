import { defineTask } from 'errand';
import { z } from 'zod';

export const nightly = defineTask({
  name: 'reports.nightly',
  version: '1.0.0',
  description: 'Adds up the orders of a day and mails the sum.',
  payload: z.strictObject({
    day: z.iso.date(),
    to: z.email().max(200),
    cents: z.array(z.int()).max(100_000).describe('What each order of the day costs'),
  }),
  result: z.strictObject({ orders: z.int(), cents: z.int() }),
  example: { day: '2026-11-30', to: 'boss@example.com', cents: [2_450, 890] },
});

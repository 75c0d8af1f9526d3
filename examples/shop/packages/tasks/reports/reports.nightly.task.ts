import { defineTask } from 'errand';
import { z } from 'zod';

export const nightly = defineTask({
  name: 'reports.nightly',
  version: '1.0.0',
  description: 'Adds up the orders of a day and mails the sum.',
  payload: z.strictObject({
    to: z.email().max(200),
    day: z.iso.date().optional().describe('Without it, the day before the night of the schedule'),
  }),
  result: z.strictObject({ orders: z.int(), cents: z.int() }),
  example: { to: 'boss@example.com', day: '2026-11-30' },
});

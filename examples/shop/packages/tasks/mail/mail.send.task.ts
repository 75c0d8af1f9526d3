import { defineTask } from 'errand';
import { z } from 'zod';

export const send = defineTask({
  name: 'mail.send',
  version: '1.0.0',
  description: 'Sends an e-mail through the HTTP API of a mail service.',
  payload: z.strictObject({
    to: z.email().max(200),
    subject: z.string().max(200),
    text: z.string().max(10_000),
  }),
  result: z.strictObject({ id: z.string().describe('The id that the mail service gave') }),
  policy: { maxAttempts: 10, backoff: { initialMs: 1_000, factor: 3 }, timeoutMs: 20_000 },
  example: { to: 'ann@example.com', subject: 'Hello', text: 'Good morning.' },
});

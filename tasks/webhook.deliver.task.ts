import { z } from 'zod';
import { callbackUrl } from '../core/network/target_url.ts';
import { defineTask } from '../core/task.ts';

/**
 * Notifies a URL how a task ended (specification L5). The database submits it in the transaction
 * that ends the task, and the API submits it for an operator; nothing else does.
 * migrations/functions/queue_callback.sql repeats its name, version, priority and attempts.
 */
export const deliver = defineTask({
  name: 'webhook.deliver',
  version: '1.0.0',
  description: 'Notifies a callback URL how a task ended. The message is signed per Standard Webhooks.',
  payload: z.strictObject({
    url: callbackUrl.describe('The callback URL'),
    message_id: z.string().describe('The same in every attempt and every redelivery'),
    namespace: z.string().describe('The namespace of the task: its secrets sign the message'),
    body: z
      .strictObject({
        type: z.string(),
        timestamp: z.string(),
        data: z.looseObject({ id: z.string(), name: z.string(), state: z.string() }),
      })
      .describe('The message, as of the end of the task'),
  }),
  result: z.strictObject({ status: z.int().describe('The status of the answer') }),
  policy: {
    // 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, then every 6 h: 12 attempts in about 30 hours.
    maxAttempts: 12,
    backoff: { initialMs: 5_000, factor: 4, maxMs: 21_600_000 },
    timeoutMs: 60_000,
    dedup: { strategy: 'none' },
  },
  example: {
    url: 'https://shop.example.com/errand',
    message_id: 'msg_01890a5dac96774bbcceb302099a8057',
    namespace: 'billing',
    body: {
      type: 'task.succeeded',
      timestamp: '2026-01-31T12:00:00.000Z',
      data: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        name: 'billing.send_invoice',
        state: 'succeeded',
      },
    },
  },
});

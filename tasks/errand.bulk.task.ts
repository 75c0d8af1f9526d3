import { z } from 'zod';
import { MAX_PAYLOAD_CONDITIONS } from '../core/payload_condition.ts';
import { STATES } from '../core/states.ts';
import { defineTask } from '../core/task.ts';

/** The most tasks that one bulk operation may change. For more, narrow the filter. */
export const BULK_LIMIT = 10_000_000;
export const BULK_RATE_LIMIT = 10_000;
/** If a retry matches more than CANARY_ABOVE tasks, CANARY of them are retried first. */
export const CANARY_ABOVE = 100;
export const CANARY = 5;
export const MAX_CANARY = 100;

const filterSchema = z.strictObject({
  name: z.string().optional(),
  namespaces: z.array(z.string()).optional(),
  states: z.array(z.enum(STATES)),
  tag: z.string().optional(),
  initiator: z.string().optional(),
  submittedBy: z.string().optional(),
  scheduleId: z.string().optional(),
  error: z.string().optional(),
  errorGroup: z.string().optional(),
  parentId: z.string().optional(),
  topLevel: z.boolean().optional(),
  createdFrom: z.string().optional(),
  createdTo: z.string().optional(),
  finishedFrom: z.string().optional(),
  finishedTo: z.string().optional(),
  dismissed: z.boolean().optional(),
  payload: z.array(z.string()).max(MAX_PAYLOAD_CONDITIONS).optional(),
});

/**
 * A large bulk operation (specification R5). Only the API submits it, for an operator. It is an
 * ordinary task, so it survives crashes, shows its progress and can be cancelled.
 */
export const bulk = defineTask({
  name: 'errand.bulk',
  version: '1.2.0',
  description: 'Retries or cancels the tasks that match a filter, for an operator.',
  payload: z.strictObject({
    action: z.enum(['retry', 'cancel']).describe('The action for each task'),
    filter: filterSchema.describe('The tasks to change'),
    limit: z.int().min(1).max(BULK_LIMIT).describe('The maximum number of tasks'),
    per_second: z
      .int()
      .min(1)
      .max(BULK_RATE_LIMIT)
      .optional()
      .describe('The maximum number of tasks per second'),
    canary: z
      .int()
      .min(0)
      .max(MAX_CANARY)
      .optional()
      .describe(
        'How many tasks are retried first. The others are retried only if none of these fails as before',
      ),
    actor: z.string().describe('The principal that asked for it'),
    reason: z.string().optional().describe('The reason for the operation'),
    request_id: z.string().optional().describe('X-Request-Id of the request'),
    matched: z.int().min(0).describe('How many tasks matched at the request, for the progress'),
  }),
  result: z.strictObject({ changed: z.int().describe('How many tasks were changed') }),
  policy: { timeoutMs: 86_400_000, dedup: { strategy: 'none' }, priority: -100 },
  example: {
    action: 'retry',
    filter: { name: 'billing.send_invoice', states: ['failed'] },
    limit: 1_000,
    actor: 'user:ann',
    matched: 12,
  },
});

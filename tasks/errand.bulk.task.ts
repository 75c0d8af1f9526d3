import { z } from 'zod';
import { STATES } from '../core/states.ts';
import { defineTask } from '../core/task.ts';

/** What a bulk operation may do at most; beyond it, narrow the filter. */
export const BULK_LIMIT = 10_000_000;
export const BULK_RATE_LIMIT = 10_000;

const filterSchema = z.strictObject({
  name: z.string().optional(),
  namespaces: z.array(z.string()).optional(),
  states: z.array(z.enum(STATES)),
  tag: z.string().optional(),
  initiator: z.string().optional(),
  error: z.string().optional(),
  errorGroup: z.string().optional(),
  parentId: z.string().optional(),
  topLevel: z.boolean().optional(),
  createdFrom: z.string().optional(),
  createdTo: z.string().optional(),
  finishedFrom: z.string().optional(),
  finishedTo: z.string().optional(),
});

/**
 * A large bulk operation (specification R5), submitted by the API for an operator and by nobody else: it is a task like any
 * other, so that it survives crashes, shows its progress and can be cancelled.
 */
export const bulk = defineTask({
  name: 'errand.bulk',
  version: '1.0.0',
  description: 'Retries or cancels what matches a filter, for an operator.',
  payload: z.strictObject({
    action: z.enum(['retry', 'cancel']).describe('What is done to each task'),
    filter: filterSchema.describe('Which tasks'),
    limit: z.int().min(1).max(BULK_LIMIT).describe('How many at most'),
    per_second: z.int().min(1).max(BULK_RATE_LIMIT).optional().describe('How fast at most'),
    actor: z.string().describe('Who wants it'),
    reason: z.string().optional().describe('Why'),
    request_id: z.string().optional().describe('X-Request-Id of the request'),
    matched: z.int().min(0).describe('How many there were at the request, for the progress'),
  }),
  result: z.strictObject({ changed: z.int().describe('How many it was done to') }),
  policy: { timeoutMs: 86_400_000, dedup: { strategy: 'none' }, priority: -100 },
  example: {
    action: 'retry',
    filter: { name: 'billing.send_invoice', states: ['failed'] },
    limit: 1_000,
    actor: 'user:ann',
    matched: 12,
  },
});

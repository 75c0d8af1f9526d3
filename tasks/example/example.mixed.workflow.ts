import { z } from 'zod';
import { defineWorkflow, step } from '../../core/workflow.ts';

const number = z.strictObject({ number: z.int() });
const policy = { maxAttempts: 3 };

export const mixed = defineWorkflow({
  name: 'example.mixed',
  version: '1.0.0',
  description:
    'Seven steps: parallel branches, a step that joins them, and a step that is skipped for odd numbers.',
  payload: z.strictObject({
    number: z.int().min(-10_000).max(10_000).describe('The number for the first step'),
  }),
  steps: {
    add_one: step({ result: number, policy }),
    double: step({ after: ['add_one'], result: number, policy }),
    square: step({ after: ['add_one'], result: number, policy }),
    sum: step({ after: ['double', 'square'], result: number, policy }),
    halve: step({ after: ['add_one'], conditional: true, result: number, policy }),
    total: step({ after: ['sum', 'halve'], result: number, policy }),
    report: step({ after: ['total'], result: z.strictObject({ text: z.string() }), policy }),
  },
  policy,
  example: { number: 3 },
});

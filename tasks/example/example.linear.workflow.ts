import { z } from 'zod';
import { defineWorkflow, step } from '../../core/workflow.ts';

const number = z.strictObject({ number: z.int() });
const policy = { maxAttempts: 3 };

export const linear = defineWorkflow({
  name: 'example.linear',
  version: '1.0.0',
  description: 'Four steps in a row. Each uses the number of the step before.',
  payload: z.strictObject({
    number: z.int().min(-10_000).max(10_000).describe('The number for the first step'),
  }),
  steps: {
    double: step({ result: number, policy }),
    add_ten: step({ after: ['double'], result: number, policy }),
    square: step({ after: ['add_ten'], result: number, policy }),
    negate: step({ after: ['square'], result: number, policy }),
  },
  policy,
  example: { number: 3 },
});

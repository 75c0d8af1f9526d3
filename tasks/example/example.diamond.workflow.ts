import { z } from 'zod';
import { defineWorkflow, step } from '../../core/workflow.ts';

const number = z.strictObject({ number: z.int() });
const policy = { maxAttempts: 3 };

export const diamond = defineWorkflow({
  name: 'example.diamond',
  version: '1.0.0',
  description: 'One step, then two in parallel, then one that uses the results of both.',
  payload: z.strictObject({
    number: z.int().min(-10_000).max(10_000).describe('The number for the first step'),
  }),
  steps: {
    double: step({ result: number, policy }),
    add_one: step({ after: ['double'], result: number, policy }),
    square: step({ after: ['double'], result: number, policy }),
    sum: step({ after: ['add_one', 'square'], result: number, policy }),
  },
  policy,
  example: { number: 3 },
});

import { z } from 'zod';
import { defineWorkflow, step } from '../../core/workflow.ts';

const number = z.strictObject({ number: z.int() });
const policy = { maxAttempts: 3 };

export const tree = defineWorkflow({
  name: 'example.tree',
  version: '1.0.0',
  description:
    'One step, two after it, and two after each of those. The result has the results of the last four steps.',
  payload: z.strictObject({
    number: z.int().min(-10_000).max(10_000).describe('The number for the first step'),
  }),
  steps: {
    root: step({ result: number, policy }),
    left: step({ after: ['root'], result: number, policy }),
    right: step({ after: ['root'], result: number, policy }),
    left_minus: step({ after: ['left'], result: number, policy }),
    left_plus: step({ after: ['left'], result: number, policy }),
    right_minus: step({ after: ['right'], result: number, policy }),
    right_plus: step({ after: ['right'], result: number, policy }),
  },
  policy,
  example: { number: 3 },
});

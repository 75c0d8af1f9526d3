import { defineSteps } from '../../core/workflow.ts';
import { linear } from './example.linear.workflow.ts';

export default defineSteps(linear, {
  steps: {
    double: { handler: ({ number }) => ({ number: number * 2 }) },
    add_ten: { handler: (_payload, { results }) => ({ number: results.double.number + 10 }) },
    square: { handler: (_payload, { results }) => ({ number: results.add_ten.number ** 2 }) },
    negate: { handler: (_payload, { results }) => ({ number: -results.square.number }) },
  },
});

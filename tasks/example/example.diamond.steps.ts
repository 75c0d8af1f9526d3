import { defineSteps } from '../../core/workflow.ts';
import { diamond } from './example.diamond.workflow.ts';

export default defineSteps(diamond, {
  steps: {
    double: { handler: ({ number }) => ({ number: number * 2 }) },
    add_one: { handler: (_payload, { results }) => ({ number: results.double.number + 1 }) },
    square: { handler: (_payload, { results }) => ({ number: results.double.number ** 2 }) },
    sum: { handler: (_payload, { results }) => ({ number: results.add_one.number + results.square.number }) },
  },
});

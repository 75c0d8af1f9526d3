import { defineSteps } from '../../core/workflow.ts';
import { mixed } from './example.mixed.workflow.ts';

export default defineSteps(mixed, {
  steps: {
    add_one: { handler: ({ number }) => ({ number: number + 1 }) },
    double: { handler: (_payload, { results }) => ({ number: results.add_one.number * 2 }) },
    square: { handler: (_payload, { results }) => ({ number: results.add_one.number ** 2 }) },
    sum: { handler: (_payload, { results }) => ({ number: results.double.number + results.square.number }) },
    halve: {
      when: ({ results }) => results.add_one.number % 2 === 0,
      handler: (_payload, { results }) => ({ number: results.add_one.number / 2 }),
    },
    total: {
      handler: (_payload, { results }) => ({ number: results.sum.number + (results.halve?.number ?? 0) }),
    },
    report: { handler: (_payload, { results }) => ({ text: `The total is ${results.total.number}` }) },
  },
});

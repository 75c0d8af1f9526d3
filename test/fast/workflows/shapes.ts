import { z } from 'zod';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';

const number = z.strictObject({ value: z.number() });
/** What the workflows of tests have in common. */
export const base = { version: '1.0.0', description: 'For tests', payload: number, example: { value: 1 } };

/** double → both plus and minus → sum of both. */
export const diamond = defineWorkflow({
  ...base,
  name: 'graph.diamond',
  steps: {
    double: step({ result: number }),
    plus: step({ after: ['double'], result: number }),
    minus: step({ after: ['double'], result: number }),
    sum: step({ after: ['plus', 'minus'], result: number }),
  },
});

export const diamondCode = defineSteps(diamond, {
  steps: {
    double: { handler: ({ value }) => ({ value: value * 2 }) },
    plus: { handler: (_payload, { results }) => ({ value: results.double.value + 1 }) },
    minus: { handler: (_payload, { results }) => ({ value: results.double.value - 1 }) },
    sum: { handler: (_payload, { results }) => ({ value: results.plus.value + results.minus.value }) },
  },
});

/** Four steps in a row, each adding one. */
export const linear = defineWorkflow({
  ...base,
  name: 'graph.linear',
  steps: {
    one: step({ result: number }),
    two: step({ after: ['one'], result: number }),
    three: step({ after: ['two'], result: number }),
    four: step({ after: ['three'], result: number }),
  },
});

export const linearCode = defineSteps(linear, {
  steps: {
    one: { handler: ({ value }) => ({ value: value + 1 }) },
    two: { handler: (_payload, { results }) => ({ value: results.one.value + 1 }) },
    three: { handler: (_payload, { results }) => ({ value: results.two.value + 1 }) },
    four: { handler: (_payload, { results }) => ({ value: results.three.value + 1 }) },
  },
});

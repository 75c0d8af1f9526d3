import { defineSteps } from '../../core/workflow.ts';
import { tree } from './example.tree.workflow.ts';

export default defineSteps(tree, {
  steps: {
    root: { handler: ({ number }) => ({ number: number * 10 }) },
    left: { handler: (_payload, { results }) => ({ number: results.root.number - 5 }) },
    right: { handler: (_payload, { results }) => ({ number: results.root.number + 5 }) },
    left_minus: { handler: (_payload, { results }) => ({ number: results.left.number - 1 }) },
    left_plus: { handler: (_payload, { results }) => ({ number: results.left.number + 1 }) },
    right_minus: { handler: (_payload, { results }) => ({ number: results.right.number - 1 }) },
    right_plus: { handler: (_payload, { results }) => ({ number: results.right.number + 1 }) },
  },
});

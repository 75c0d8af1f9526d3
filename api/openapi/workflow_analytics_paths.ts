import type { JsonSchema } from '../../core/schema.ts';
import { RUNS_READ_LIMIT } from '../../store/stats_workflows.ts';
import { span, windowParameter } from './analytics_paths.ts';
import { failures, jsonAnswer } from './answers.ts';
import type { Paths } from './document.ts';
import { nameParameter, namespaceParameter } from './handler_paths.ts';
import { extended, object, ref } from './schemas.ts';

const text: JsonSchema = { type: 'string' };
const texts: JsonSchema = { type: 'array', items: text };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** The component schemas of the figures of a workflow. */
export const workflowAnalyticsSchemas: Record<string, JsonSchema> = {
  StepFigures: extended('Figures', 'What finished of one step', {
    step: text,
    name: { ...text, description: 'Its name as a task' },
    after: { ...texts, description: 'The steps that it waits for' },
    on_critical_path: { ...count, description: 'In how many of the runs that were looked at' },
  }),
  CriticalPath: object(
    'The steps that decided when the last runs ended: what makes them faster, makes the runs faster',
    {
      runs: {
        ...count,
        maximum: RUNS_READ_LIMIT,
        description: `The last that finished in the window and of which a step was run, ${RUNS_READ_LIMIT} at most`,
      },
      typical: { ...texts, description: 'What most of them had, first to last; empty when there is none' },
      typical_runs: { ...count, description: 'How many had that' },
    },
  ),
  WorkflowAnalytics: object('How a workflow and its steps did', {
    ...span,
    name: text,
    namespace: text,
    runs: ref('Figures'),
    critical_path: ref('CriticalPath'),
    steps: { type: 'array', items: ref('StepFigures'), description: 'In the order of the definition' },
  }),
};

/** The path of the figures of a workflow (specification R8). */
export function workflowAnalyticsPaths(): Paths {
  return {
    '/v1/analytics/workflows/{namespace}/{name}': {
      get: {
        tags: ['analytics'],
        operationId: 'getWorkflowAnalytics',
        summary: 'How the runs of a workflow did, step by step',
        parameters: [namespaceParameter, nameParameter, windowParameter],
        responses: { 200: jsonAnswer('The figures', ref('WorkflowAnalytics')), ...failures(404) },
      },
    },
  };
}

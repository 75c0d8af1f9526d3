import { z } from 'zod';
import { closest } from '../../core/registry.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { criticalPath, type PathStep } from '../../core/workflows/critical_path.ts';
import { type Finished, noneFinished, readFinished } from '../../store/stats/stats.ts';
import {
  listWorkflowNames,
  type RegisteredWorkflow,
  RUNS_READ_LIMIT,
  readRecentRuns,
  readWorkflows,
} from '../../store/workflows/stats_workflows.ts';
import type { Operation, RequestContext } from '../context.ts';
import { nameParameter, namespaceParameter, notRegistered, seenBy } from '../handlers/handlers.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { extended, object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { type Figures, span, toFigures, windowParameter } from '../stats/figures.ts';

const text: JsonSchema = { type: 'string' };
const texts: JsonSchema = { type: 'array', items: text };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** The component schemas of a workflow's statistics. */
export const workflowAnalyticsSchemas: Record<string, JsonSchema> = {
  StepFigures: extended('Figures', 'Statistics of one step', {
    step: text,
    name: { ...text, description: 'The name of the step as a task' },
    after: { ...texts, description: 'The steps that it waits for' },
    on_critical_path: { ...count, description: 'In how many of the read runs it is on the critical path' },
  }),
  CriticalPath: object(
    'The steps that decided when the last runs ended. To make the runs faster, make these steps faster',
    {
      runs: {
        ...count,
        maximum: RUNS_READ_LIMIT,
        description: `The number of read runs: the last ones that finished in the window and ran a step, at most ${RUNS_READ_LIMIT}`,
      },
      typical: {
        ...texts,
        description: 'The most frequent critical path, first step to last. Empty if there is none',
      },
      typical_runs: { ...count, description: 'The number of runs with that path' },
    },
  ),
  WorkflowAnalytics: object('Statistics of a workflow and its steps', {
    ...span,
    name: text,
    namespace: text,
    runs: ref('Figures'),
    critical_path: ref('CriticalPath'),
    steps: {
      type: 'array',
      items: ref('StepFigures'),
      description: 'The steps in the order of the definition',
    },
  }),
};

/** The path of a workflow's statistics (specification R8). */
export function workflowAnalyticsPaths(): Paths {
  return {
    '/v1/analytics/workflows/{namespace}/{name}': {
      get: {
        tags: ['analytics'],
        operationId: 'getWorkflowAnalytics',
        summary: 'Read statistics of the runs of a workflow, step by step',
        parameters: [namespaceParameter, nameParameter, windowParameter],
        responses: { 200: jsonAnswer('The statistics', ref('WorkflowAnalytics')), ...failures(404) },
      },
    },
  };
}

const querySchema = z.object({ window_minutes: z.int() });

/**
 * `GET /v1/analytics/workflows/{namespace}/{name}` (specification R8): statistics of a workflow's runs in a
 * window and of each of its steps, and the steps that decided how long the last runs took. The name is the
 * part after the namespace, or the full name.
 */
export const workflowAnalytics: Operation = async (context, request, response) => {
  const { window_minutes: windowMinutes } = parseQuery(querySchema, request);
  const { namespace, name } = request.params;
  const { steps, ...workflow } = await find(context, String(namespace), String(name));
  const { from, to, byName } = await readFinished(
    context.reads,
    { windowMinutes },
    { namespaces: null, names: [workflow.name, ...steps.map((step) => step.name)] },
  );
  const paths = pathsOf(await readRecentRuns(context.reads, workflow.name, from));
  response.json({
    from,
    to,
    ...workflow,
    runs: figuresOf(byName, workflow.name),
    critical_path: typicalOf(paths),
    steps: steps.map((step) => ({
      step: step.step,
      name: step.name,
      after: step.after,
      on_critical_path: paths.filter((path) => path.includes(step.step)).length,
      ...figuresOf(byName, step.name),
    })),
  });
};

async function find(context: RequestContext, namespace: string, name: string): Promise<RegisteredWorkflow> {
  const full = `${namespace}.${name}`;
  const found = await readWorkflows(context.reads, seenBy(context), [full, name]);
  // The full name may be `a.b` or `a.a.b`.
  const workflow = found.find((one) => one.name === full) ?? found.find((one) => one.namespace === namespace);
  if (workflow !== undefined) return workflow;
  const close = closest(full, await listWorkflowNames(context.reads, seenBy(context)));
  throw notRegistered(`workflow ${JSON.stringify(full)}`, close);
}

function figuresOf(byName: Map<string, Finished>, name: string): Figures {
  return toFigures(byName.get(name) ?? noneFinished());
}

/** The critical paths of the runs in which at least one step ran. */
function pathsOf(runs: PathStep[][]): string[][] {
  return runs.map(criticalPath).filter((path) => path.length > 0);
}

/** The most frequent path; of equally frequent ones, the one of the latest run. */
function typicalOf(paths: string[][]): { runs: number; typical: string[]; typical_runs: number } {
  const alike = [...Map.groupBy(paths, (path) => path.join()).values()];
  const [most = []] = alike.sort((a, b) => b.length - a.length);
  return { runs: paths.length, typical: most[0] ?? [], typical_runs: most.length };
}

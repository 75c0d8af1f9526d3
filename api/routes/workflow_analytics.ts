import { z } from 'zod';
import { criticalPath, type PathStep } from '../../core/critical_path.ts';
import { closest } from '../../core/registry.ts';
import { type Finished, noneFinished, readFinished } from '../../store/stats.ts';
import {
  listWorkflowNames,
  type RegisteredWorkflow,
  readRecentRuns,
  readWorkflows,
} from '../../store/stats_workflows.ts';
import type { Call, Operation } from '../call.ts';
import { type Figures, toFigures } from '../figures.ts';
import { parseQuery } from '../request.ts';
import { notRegistered, seenBy } from './get_handler.ts';

const querySchema = z.object({ window_minutes: z.int() });

/**
 * `GET /v1/analytics/workflows/{namespace}/{name}` (specification R8): how the runs of a workflow did in a window, how each
 * of its steps did, and which steps decided how long the last runs took. The name is what follows the namespace, or all of
 * it.
 */
export const workflowAnalytics: Operation = async (call, request, response) => {
  const { window_minutes: windowMinutes } = parseQuery(querySchema, request);
  const { namespace, name } = request.params;
  const { steps, ...workflow } = await find(call, String(namespace), String(name));
  const { from, to, byName } = await readFinished(
    call.reads,
    { windowMinutes },
    { namespaces: null, names: [workflow.name, ...steps.map((step) => step.name)] },
  );
  const paths = pathsOf(await readRecentRuns(call.reads, workflow.name, from));
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

async function find(call: Call, namespace: string, name: string): Promise<RegisteredWorkflow> {
  const full = `${namespace}.${name}`;
  const found = await readWorkflows(call.reads, seenBy(call), [full, name]);
  // `a.a.b` may be a name as well as `a.b`.
  const workflow = found.find((one) => one.name === full) ?? found.find((one) => one.namespace === namespace);
  if (workflow !== undefined) return workflow;
  const close = closest(full, await listWorkflowNames(call.reads, seenBy(call)));
  throw notRegistered(`workflow ${JSON.stringify(full)}`, close);
}

function figuresOf(byName: Map<string, Finished>, name: string): Figures {
  return toFigures(byName.get(name) ?? noneFinished());
}

/** Of runs of which a step has been run, the steps that decided when they ended. */
function pathsOf(runs: PathStep[][]): string[][] {
  return runs.map(criticalPath).filter((path) => path.length > 0);
}

/** The path that most runs had; of several the one that a later run had. */
function typicalOf(paths: string[][]): { runs: number; typical: string[]; typical_runs: number } {
  const alike = [...Map.groupBy(paths, (path) => path.join()).values()];
  const [most = []] = alike.sort((a, b) => b.length - a.length);
  return { runs: paths.length, typical: most[0] ?? [], typical_runs: most.length };
}

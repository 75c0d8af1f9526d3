import type { Pool } from 'pg';
import { PermanentError } from '../../core/errors.ts';
import { parseResult } from '../../core/payload.ts';
import { inWords } from '../../core/states.ts';
import type { GraphStep, Handler, TaskContext } from '../../core/task.ts';
import type { WorkflowDefinition } from '../../core/workflow.ts';
import { finalSteps, isFailureStep, ON_FAILURE } from '../../core/workflows/graph.ts';
import { type Child, readChildren } from '../../store/workflows/steps.ts';
import { steadily } from '../record/retry_until_available.ts';
import { toChildren } from './children.ts';
import type { AttemptContext } from './context.ts';
import { skip, waitForChildren, waitForStep } from './continuation.ts';
import { type RegisteredHandler, resultText } from './execute.ts';

/** As many as a batch may have items. */
const MAX_CHILDREN = 10_000;
/** How many failed children an error names. */
const NAMED = 5;

type Given = { payload: unknown; results: Record<string, unknown> };

/** The code of a step, without its types. */
type StepCode = {
  when?: (given: Given) => unknown;
  handler?: (payload: unknown, context: TaskContext) => unknown;
  payload?: (given: Given) => unknown;
  payloads?: (given: Given) => unknown;
};

/** The code of a workflow, without its types (see WorkflowHandlers). */
export type WorkflowCode = {
  steps: Record<string, StepCode>;
  output?: (given: Given) => unknown;
  onFailure?: (payload: unknown, context: TaskContext) => unknown;
};

/**
 * The registered handlers of a workflow: one for each step, and one for the workflow itself. The
 * workflow is due when none of its steps is due or running any more, and then reads their results.
 * Throws if a step has no code.
 */
export function workflowHandlers(
  pool: Pool,
  workflow: WorkflowDefinition,
  code: WorkflowCode,
): [string, RegisteredHandler][] {
  const steps = workflow.graph.steps.map((step): [string, RegisteredHandler] => {
    const handler = step.step === ON_FAILURE ? failureHandler(pool, code) : stepHandler(pool, step, code);
    const successors = [workflow.name, ...nextSteps(workflow, step)];
    const endParent = endOf(workflow, step, code);
    const registered = { definition: step.definition, handler: handler as Handler, successors };
    return [step.definition.name, endParent === null ? registered : { ...registered, endParent }];
  });
  const handler = handlerOf(pool, workflow, code) as Handler;
  return [[workflow.name, { definition: workflow, handler }], ...steps];
}

function nextSteps({ graph }: WorkflowDefinition, { step }: GraphStep): string[] {
  return graph.steps.filter(({ after }) => after.includes(step)).map(({ definition }) => definition.name);
}

/**
 * How a workflow ends by the result of a step: if it is the only last one, and there is no code for the output.
 * A workflow has no limits, so it needs no slots for that. The result is judged as that of the workflow; if it
 * does not fit, the workflow's attempt says so.
 */
function endOf(
  workflow: WorkflowDefinition,
  { step }: GraphStep,
  { output }: WorkflowCode,
): EndParent | null {
  const [only, ...others] = finalSteps(workflow.graph);
  if (step !== only || others.length > 0 || output !== undefined) return null;
  return async (result) => {
    try {
      const judged = await parseResult(workflow, JSON.parse(result ?? 'null'), '/result');
      return { endsParent: { name: workflow.name, result: resultText(workflow, judged) ?? 'null' } };
    } catch {
      return null;
    }
  };
}

type EndParent = NonNullable<RegisteredHandler['endParent']>;

type StepHandler = (payload: unknown, context: AttemptContext) => Promise<unknown>;

function stepHandler(pool: Pool, step: GraphStep, { steps }: WorkflowCode): StepHandler {
  const code = steps[step.step];
  if (code === undefined) throw new Error(`No code is registered for the step ${step.definition.name}`);
  const work = step.child === null ? ownWork(code) : childWork(pool, step, code);
  return async (payload, context) => {
    const given = { payload, results: context.results };
    // Evaluated once: if the step has children, it has already started.
    if (!context.due.hasChildren && code.when !== undefined && !(await code.when(given))) return skip();
    return work(payload, context);
  };
}

function ownWork({ handler }: StepCode): StepHandler {
  return async (payload, context) => handler?.(payload, context);
}

/**
 * Submits the children of a step. When they are done, gives their results; those of a list in the
 * order of its items.
 */
function childWork(pool: Pool, step: GraphStep, code: StepCode): StepHandler {
  const { child: definition, kind } = step;
  return async (payload, context) => {
    const { due } = context;
    if (due.hasChildren) {
      const results = resultsOf(await childrenOf(pool, context, due.id));
      return kind === 'map' ? results : results[0];
    }
    const given = { payload, results: context.results };
    const payloads = kind === 'map' ? await code.payloads?.(given) : [await code.payload?.(given)];
    if (!Array.isArray(payloads)) {
      throw new PermanentError(`\`payloads\` of the step \`${step.step}\` must give an array`);
    }
    if (payloads.length > MAX_CHILDREN) {
      throw new PermanentError(
        `${payloads.length} children of the step \`${step.step}\` are more than ${MAX_CHILDREN}`,
      );
    }
    if (payloads.length === 0 || definition === null) return [];
    return waitForChildren(await toChildren(step, definition, payloads, due));
  };
}

function resultsOf(children: Child[]): unknown[] {
  const failed = children.filter(({ state }) => !isDone(state));
  if (failed.length > 0) throw stepsFailed(failed, children.length);
  return children.map(({ result }) => result);
}

/** Runs when no step can continue: gives the output, or fails if steps failed. */
function handlerOf(pool: Pool, { graph }: WorkflowDefinition, code: WorkflowCode): StepHandler {
  const last = finalSteps(graph);
  return async (payload, context) => {
    const children = await childrenOf(pool, context, context.due.id);
    const onFailure = children.find(({ step }) => step === ON_FAILURE);
    const steps = children.filter(({ step }) => step !== null && !isFailureStep(step));
    const failed = steps.filter(({ state }) => state === 'failed' || state === 'cancelled');
    if (failed.length > 0) {
      if (onFailure?.state === 'waiting') return waitForStep(ON_FAILURE);
      throw stepsFailed(failed, steps.length);
    }
    const results = Object.fromEntries(
      steps.flatMap(({ step, skipped, result }) => (step === null || skipped ? [] : [[step, result]])),
    );
    if (code.output !== undefined) return code.output({ payload, results });
    const [only, ...others] = last;
    if (only !== undefined && others.length === 0) return results[only];
    return Object.fromEntries(last.map((step) => [step, results[step] ?? null]));
  };
}

function failureHandler(pool: Pool, { onFailure }: WorkflowCode): StepHandler {
  return async (payload, context) => {
    const children = await childrenOf(pool, context, context.due.parentId ?? context.due.id);
    const failed = children.flatMap(({ step, state, error }) =>
      step !== null && (state === 'failed' || state === 'cancelled')
        ? [{ step, message: error?.message ?? `was ${state}` }]
        : [],
    );
    return onFailure?.(payload, Object.assign(context, { failed }));
  };
}

function childrenOf(pool: Pool, context: AttemptContext, id: string): Promise<Child[]> {
  return steadily(context, 'reading the results of the steps', () => readChildren(pool, id));
}

function isDone(state: Child['state']): boolean {
  return state === 'succeeded' || state === 'resolved';
}

/** The error of a task whose children failed. An operator can retry it together with them. */
function stepsFailed(failed: Child[], of: number): PermanentError {
  const described = failed.slice(0, NAMED).map(({ step, name, state, error }) => {
    const how = state === 'failed' ? `failed: ${error?.message ?? 'no error'}` : inWords(state);
    return `${step ?? name} ${how}`;
  });
  const rest = failed.length > NAMED ? ` (and ${failed.length - NAMED} more)` : '';
  return new PermanentError(`${failed.length} of ${of} did not succeed: ${described.join('; ')}${rest}`, {
    code: 'STEP_FAILED',
    metadata: {
      failed: failed.slice(0, 100).map(({ id, step, name, state }) => ({ id, step, name, state })),
    },
  });
}

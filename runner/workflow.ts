import type { Pool } from 'pg';
import { PermanentError } from '../core/errors.ts';
import { finalSteps, isFailureStep, ON_FAILURE } from '../core/graph.ts';
import type { GraphStep, Handler, TaskContext } from '../core/task.ts';
import type { WorkflowDefinition } from '../core/workflow.ts';
import { type Child, readChildren } from '../store/steps.ts';
import { toChildren } from './children.ts';
import type { AttemptContext } from './context.ts';
import { skip, waitForChildren, waitForStep } from './continuation.ts';
import type { Executable } from './execute.ts';

/** As many as a batch has items. */
const MAX_CHILDREN = 10_000;
/** Failed children that an error names. */
const NAMED = 5;

type Given = { payload: unknown; results: Record<string, unknown> };

/** The code of a step, without the types that it was written with. */
type StepCode = {
  when?: (given: Given) => unknown;
  handler?: (payload: unknown, context: TaskContext) => unknown;
  payload?: (given: Given) => unknown;
  payloads?: (given: Given) => unknown;
};

/** The code of a workflow, without the types that it was written with (see WorkflowHandlers). */
export type WorkflowCode = {
  steps: Record<string, StepCode>;
  output?: (given: Given) => unknown;
  onFailure?: (payload: unknown, context: TaskContext) => unknown;
};

/**
 * What a runner executes of a workflow: each step, and the workflow itself, which is due when no step of it is due or under
 * way any more, and sees then what they came to. Throws when a step has no code.
 */
export function workflowExecutables(
  pool: Pool,
  workflow: WorkflowDefinition,
  code: WorkflowCode,
): [string, Executable][] {
  const steps = workflow.graph.steps.map((step): [string, Executable] => {
    const handler = step.step === ON_FAILURE ? failureHandler(pool, code) : stepHandler(pool, step, code);
    return [step.definition.name, { definition: step.definition, handler: handler as Handler }];
  });
  const handler = wholeHandler(pool, workflow, code) as Handler;
  return [[workflow.name, { definition: workflow, handler }], ...steps];
}

type StepHandler = (payload: unknown, context: AttemptContext) => Promise<unknown>;

function stepHandler(pool: Pool, step: GraphStep, { steps }: WorkflowCode): StepHandler {
  const code = steps[step.step];
  if (code === undefined) throw new Error(`No code is registered for the step ${step.definition.name}`);
  const work = step.child === null ? ownWork(code) : childWork(pool, step, code);
  return async (payload, context) => {
    const given = { payload, results: context.results };
    // Asked once: with children it has begun.
    if (!context.due.hasChildren && code.when !== undefined && !(await code.when(given))) return skip();
    return work(payload, context);
  };
}

function ownWork({ handler }: StepCode): StepHandler {
  return async (payload, context) => handler?.(payload, context);
}

/** Submits its children, and gives their results when they are done: those of a list in its order. */
function childWork(pool: Pool, step: GraphStep, code: StepCode): StepHandler {
  const { child: definition, kind } = step;
  return async (payload, context) => {
    const { due } = context;
    if (due.hasChildren) {
      const results = resultsOf(await readChildren(pool, due.id));
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

/** What is left to do when no step can go on: the output of all, or the failure of some. */
function wholeHandler(pool: Pool, { graph }: WorkflowDefinition, code: WorkflowCode): StepHandler {
  const last = finalSteps(graph);
  return async (payload, context) => {
    const children = await readChildren(pool, context.due.id);
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
    const children = await readChildren(pool, context.due.parentId ?? context.due.id);
    const failed = children.flatMap(({ step, state, error }) =>
      step !== null && (state === 'failed' || state === 'cancelled')
        ? [{ step, message: error?.message ?? `was ${state}` }]
        : [],
    );
    return onFailure?.(payload, Object.assign(context, { failed }));
  };
}

function isDone(state: Child['state']): boolean {
  return state === 'succeeded' || state === 'resolved';
}

/** What made a task fail whose children did. It is retried by an operator, with them. */
function stepsFailed(failed: Child[], of: number): PermanentError {
  const told = failed.slice(0, NAMED).map(({ step, name, state, error }) => {
    return `${step ?? name} ${state === 'cancelled' ? 'was cancelled' : `failed: ${error?.message ?? 'no error'}`}`;
  });
  const rest = failed.length > NAMED ? ` (and ${failed.length - NAMED} more)` : '';
  return new PermanentError(`${failed.length} of ${of} did not succeed: ${told.join('; ')}${rest}`, {
    code: 'STEP_FAILED',
    metadata: {
      failed: failed.slice(0, 100).map(({ id, step, name, state }) => ({ id, step, name, state })),
    },
  });
}

import type { Pool } from 'pg';
import type { StoredResult } from '../core/definitions/stored.ts';
import type { Schema, SchemaInput, SchemaOutput } from '../core/schema.ts';
import { type BoundTo, definitionOfCode, type TaskDefinition } from '../core/task.ts';
import { isWorkflow, type ResultsOfStep, type WorkflowDefinition } from '../core/workflow.ts';
import { openBatch } from '../runner/execute/batch.ts';
import { registration } from '../runner/execute/batch_call.ts';
import type { Ending } from '../runner/execute/continuation.ts';
import { type WorkflowCode, workflowHandlers } from '../runner/execute/workflow.ts';
import type { AttemptOptions, Collected, CollectedTask } from './collected.ts';
import { attemptOnce, collected } from './fake_attempt.ts';

/** The result of a definition as a caller gets it: JSON, so dates are text. */
type ResultOf<D extends TaskDefinition> = D['result'] extends Schema
  ? StoredResult<SchemaOutput<D['result']>>
  : unknown;

/** What one attempt has given. */
export type HandlerRun<D extends TaskDefinition> = Collected & { result: ResultOf<D> };

/** What one attempt of a step has given. */
export type StepRun = Collected & {
  /** Null if the step was skipped, or waits for its children. */
  result: unknown;
  /** Whether its condition did not hold. */
  skipped: boolean;
  /** The tasks that a step with `run` or `map` starts. */
  children: CollectedTask[];
};

/**
 * Runs one attempt of a handler that `defineHandler` has made, without a database: it parses the payload by
 * the schema of its definition, and checks the result as a runner does. Throws what the handler throws. A batch
 * handler gets a batch of one.
 */
export async function runHandler<D extends TaskDefinition>(
  handler: ((payload: never, context: never) => unknown) & BoundTo<D>,
  payload: SchemaInput<D['payload']>,
  options: AttemptOptions = {},
): Promise<HandlerRun<D>> {
  const definition = definitionOfCode(handler);
  if (definition === undefined || isWorkflow(definition))
    throw new TypeError(
      'runHandler takes the result of defineHandler(…); for steps of a workflow use runStep',
    );
  const { ending, ...more } = await attemptOnce(registration(definition, handler), payload, options);
  return { result: resultOf(ending) as ResultOf<D>, ...more };
}

/**
 * Runs a batch handler, which `defineBatchHandler` has made, for one batch of these payloads. Gives what each
 * task has given, in their order, as `Promise.allSettled` does: a task that fails has its error as `reason`, and
 * so have all if their keys differ. Throws a TypeError if the payloads are more than a batch may have.
 */
export async function runBatchHandler<D extends TaskDefinition>(
  handler: ((items: never, context: never) => unknown) & BoundTo<D>,
  payloads: readonly SchemaInput<D['payload']>[],
  options: Omit<AttemptOptions, 'id'> = {},
): Promise<PromiseSettledResult<HandlerRun<D>>[]> {
  const definition = definitionOfCode(handler);
  if (definition?.batch === undefined)
    throw new TypeError('runBatchHandler takes the result of defineBatchHandler(…)');
  const { size } = definition.batch;
  if (payloads.length > size)
    throw new TypeError(
      `${payloads.length} payloads are more than a batch of ${definition.name} has: ${size}`,
    );
  const registered = registration(definition, handler);
  const batch = openBatch({
    ...{ size: payloads.length, waitMs: MAX_WAIT_MS },
    call(members) {
      const keys = new Set(members.map(({ key }) => key));
      const problem = new TypeError(
        `These payloads never share a batch, their keys differ: ${[...keys].join(', ')}`,
      );
      if (keys.size > 1) for (const { reject } of members) reject(problem);
      else registered.callMany?.(members);
    },
    ...{ onClosed: () => {}, onEmpty: () => {} },
  });
  const seats = payloads.map(() => batch.tryJoin());
  return Promise.allSettled(
    payloads.map(async (payload, index) => {
      const { ending, ...more } = await attemptOnce(registered, payload, options, {}, seats[index] ?? null);
      return { result: resultOf(ending) as ResultOf<D>, ...more };
    }),
  );
}

/** The batch starts when its last attempt has arrived; a schema that waits for longer is no schema. */
const MAX_WAIT_MS = 60_000;

/**
 * Runs one attempt of a step of a workflow: `code` is what `defineSteps` has made. `results` are those of the
 * steps before. A step that runs other tasks gives these as `children`. Throws what the step throws.
 */
export async function runStep<W extends WorkflowDefinition, Name extends keyof W['steps'] & string>(
  code: BoundTo<W>,
  name: Name,
  payload: SchemaInput<W['payload']>,
  options: AttemptOptions & { readonly results?: Partial<ResultsOfStep<W, Name>> } = {},
): Promise<StepRun> {
  const workflow = definitionOfCode(code);
  if (workflow === undefined || !isWorkflow(workflow))
    throw new TypeError('runStep takes the result of defineSteps(…); for another handler use runHandler');
  const step = workflow.graph.steps.find((one) => one.step === name);
  // Only a step whose children have ended reads the database.
  const handlers = new Map(workflowHandlers(NO_DATABASE, workflow, code as unknown as WorkflowCode));
  const registered = step === undefined ? undefined : handlers.get(step.definition.name);
  if (registered === undefined) {
    const names = workflow.graph.steps.map((one) => one.step).join(', ');
    throw new TypeError(`${workflow.name} has no step ${name}: it has ${names}`);
  }
  const { results = {}, ...given } = options;
  const { ending, ...more } = await attemptOnce(registered, payload, given, results);
  return {
    result: resultOf(ending),
    skipped: ending.kind === 'succeeded' && ending.skipped === true,
    children: ending.kind === 'continued' && 'children' in ending ? ending.children.map(collected) : [],
    ...more,
  };
}

const NO_DATABASE = null as unknown as Pool;

function resultOf(ending: Ending): unknown {
  if (ending.kind !== 'succeeded' || ending.result === null) return null;
  return JSON.parse(ending.result);
}

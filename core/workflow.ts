import { getCallSites } from 'node:util';
import type { PolicyInput } from './definitions/policy.ts';
import type { StoredResult } from './definitions/stored.ts';
import type { Schema, SchemaInput, SchemaOutput } from './schema.ts';
import {
  type BoundTo,
  bindCode,
  type Graph,
  type GraphStep,
  makeDefinition,
  refusal,
  type TaskContext,
  type TaskDefinition,
  type TaskInput,
} from './task.ts';
import { checkGraph, ON_FAILURE } from './workflows/graph.ts';

/**
 * These settings would have no effect on a step: it is not submitted, and it is kept as long as its workflow.
 */
type StepPolicyInput = Omit<PolicyInput<never>, (typeof WORKFLOW_POLICY)[number]>;
const WORKFLOW_POLICY = ['dedup', 'retentionHours'] as const;
/** The members of a policy with limits: only what does the work has them. */
const LIMITS = ['concurrency', 'rate'] as const;

/** A step, as its author writes it. Without `run` and `map`, it has a handler. */
export type StepInput = {
  /** The steps that must be done before. The handler gets their results by these names. */
  after?: readonly string[];
  /** The schema of its handler's result. */
  result?: Schema;
  policy?: StepPolicyInput;
  /**
   * The step has a condition. If it does not hold, the step is skipped, and later steps continue without its
   * result.
   */
  conditional?: true;
  /** The step is one task of this definition, which may be a workflow. */
  run?: TaskDefinition;
  /** The step is one parallel task of this definition for each payload of a list. */
  map?: TaskDefinition;
};

type Steps = Record<string, StepInput>;

/** The step that runs if other steps failed. It comes after all of them and has a handler. */
type FailureInput = Pick<StepInput, 'result' | 'policy'> & {
  [K in Exclude<keyof StepInput, 'result' | 'policy'>]?: never;
};

/** A workflow. It is submitted like any other task. */
export type WorkflowDefinition<
  Name extends string = string,
  Payload extends Schema = Schema,
  Result extends Schema | undefined = Schema | undefined,
  S extends Steps = Steps,
  OnFailure extends FailureInput | undefined = FailureInput | undefined,
> = TaskDefinition<Name, Payload, Result> & {
  readonly graph: Graph;
  /** The types of its handlers come from these. */
  readonly steps: S;
  readonly onFailure: OnFailure;
};

/** Keeps the literal names in `after`, so that results can be typed by them. */
export function step<const S extends StepInput>(input: S): S {
  return input;
}

/** A step may name any other step in `after`. Any other name does not compile. */
type Linked<S extends Steps> = { [K in keyof S]: { after?: readonly Exclude<keyof S & string, K>[] } };

/**
 * Defines a workflow (W1): a graph of steps, each of which is a task. With `result`, its handlers compute its
 * output. Otherwise its result is that of its last step, or the results of all its last steps by name (W8).
 * Throws, and names the file, if the graph is invalid (see `checkGraph`), and in the same cases as
 * `defineTask`.
 */
export function defineWorkflow<
  const Name extends string,
  Payload extends Schema,
  const S extends Steps,
  Result extends Schema | undefined = undefined,
  const OnFailure extends FailureInput | undefined = undefined,
>(
  workflow: TaskInput<Name, Payload, Result> & {
    steps: S & Linked<S>;
    /** Runs after a step has failed for good and no other step can continue, before the workflow fails. */
    onFailure?: OnFailure;
  },
): WorkflowDefinition<Name, Payload, Result, S, OnFailure> {
  const file = getCallSites(2)[1]?.scriptName ?? 'unknown file';
  const refuse = refusal(workflow.name, file);
  checkGraph(workflow.steps, refuse);
  const root = makeDefinition(workflow, file);
  // So a task that waits for its children holds no slot (Q8).
  const limited = LIMITS.find((member) => root.policy[member] !== undefined);
  if (limited !== undefined)
    refuse(`a workflow cannot have policy.${limited}, because its steps do the work: set it in the steps`);
  const graphStep = (name: string, input: StepInput): GraphStep => {
    if (input.run !== undefined && input.map !== undefined)
      refuse(`the step ${name} cannot have both run and map: remove one`);
    const unread = WORKFLOW_POLICY.find((member) => Object.hasOwn(input.policy ?? {}, member));
    if (unread !== undefined) refuse(`the step ${name} cannot have policy.${unread}: set it in the workflow`);
    const child = input.run ?? input.map ?? null;
    if (child !== null && input.result !== undefined)
      refuse(`the step ${name} must not have a result: its result is that of ${child.name}`);
    const limit = LIMITS.find((member) => input.policy?.[member] !== undefined);
    if (child !== null && limit !== undefined)
      refuse(`the step ${name} cannot have policy.${limit}: set it in ${child.name}, which does the work`);
    return {
      step: name,
      after: input.after ?? [],
      conditional: input.conditional ?? false,
      kind: input.run ? 'run' : input.map ? 'map' : 'handler',
      child,
      definition: stepDefinition(root, name, input),
      priority: input.policy?.priority ?? null,
    };
  };
  const steps = Object.entries(workflow.steps).map(([name, input]) => graphStep(name, input));
  if (workflow.onFailure !== undefined) steps.push(graphStep(ON_FAILURE, workflow.onFailure as StepInput));
  return Object.freeze({
    ...root,
    graph: { steps },
    steps: workflow.steps,
    onFailure: workflow.onFailure as OnFailure,
  });
}

/** The definition of a step as a task: `<workflow>.<step>`, with the payload of its workflow. */
function stepDefinition(root: TaskDefinition, name: string, input: StepInput): TaskDefinition {
  const made = makeDefinition(
    {
      name: `${root.name}.${name}`,
      version: root.version,
      upcast: Object.fromEntries(root.upcasts),
      description: `The step ${name} of ${root.name}`,
      payload: root.payload,
      example: root.example as SchemaInput<Schema>,
      ...(input.result === undefined ? {} : { result: input.result }),
      ...(input.policy === undefined ? {} : { policy: input.policy as PolicyInput }),
    },
    root.file,
  );
  return Object.freeze({ ...made, workflow: root.name });
}

type ResultOf<D extends TaskDefinition> = D['result'] extends Schema
  ? StoredResult<SchemaOutput<D['result']>>
  : unknown;

/** The result of a step for later steps: JSON, so dates are text. */
type StepResult<S extends StepInput> = S extends { map: infer D extends TaskDefinition }
  ? ResultOf<D>[]
  : S extends { run: infer D extends TaskDefinition }
    ? ResultOf<D>
    : S extends { result: infer R extends Schema }
      ? StoredResult<SchemaOutput<R>>
      : unknown;

type ResultIn<S extends StepInput> = S extends { conditional: true }
  ? StepResult<S> | undefined
  : StepResult<S>;

/** The results of the steps before a step, by name. The result of a skipped step is undefined. */
type ResultsFor<All extends Steps, S extends StepInput> = S extends { after: readonly (infer Before)[] }
  ? { readonly [K in Before & keyof All & string]: ResultIn<All[K]> }
  : Record<never, never>;

/** The values that a step's condition and payload functions receive. */
type Given<W extends WorkflowDefinition, S extends StepInput> = {
  payload: SchemaOutput<W['payload']>;
  results: ResultsFor<W['steps'], S>;
};

/** The context of a step's handler, with the results of the steps before it. */
export type StepContext<Results = Record<string, unknown>> = TaskContext & { readonly results: Results };

type Maybe<T> = T | Promise<T>;

/** The type that the handler of a step may return. */
type Gives<S extends { result?: Schema }> = Maybe<
  S extends { result: infer R extends Schema } ? SchemaInput<R> : unknown
>;

type Condition<W extends WorkflowDefinition, S extends StepInput> = S extends { conditional: true }
  ? { when: (given: Given<W, S>) => Maybe<boolean> }
  : { when?: never };

type Work<W extends WorkflowDefinition, S extends StepInput> = S extends {
  map: infer D extends TaskDefinition;
}
  ? { payloads: (given: Given<W, S>) => Maybe<SchemaInput<D['payload']>[]> }
  : S extends { run: infer D extends TaskDefinition }
    ? { payload: (given: Given<W, S>) => Maybe<SchemaInput<D['payload']>> }
    : {
        handler: (
          payload: SchemaOutput<W['payload']>,
          context: StepContext<ResultsFor<W['steps'], S>>,
        ) => Gives<S>;
      };

/** The context of one step of a workflow. */
export type ResultsOfStep<W extends WorkflowDefinition, Name extends keyof W['steps']> = ResultsFor<
  W['steps'],
  W['steps'][Name]
>;

/** A failed step, as `onFailure` receives it. */
export type FailedStep = { step: string; message: string };

/** The code of a workflow: the work of each step, and the output if the workflow has a result. */
export type WorkflowHandlers<W extends WorkflowDefinition> = {
  steps: { [K in keyof W['steps']]: Work<W, W['steps'][K]> & Condition<W, W['steps'][K]> };
} & (W['result'] extends Schema
  ? {
      output: (given: {
        payload: SchemaOutput<W['payload']>;
        results: { readonly [K in keyof W['steps']]: ResultIn<W['steps'][K]> };
      }) => Maybe<SchemaInput<W['result']>>;
    }
  : { output?: never }) &
  (W['onFailure'] extends FailureInput
    ? {
        onFailure: (
          payload: SchemaOutput<W['payload']>,
          context: TaskContext & { readonly failed: readonly FailedStep[] },
        ) => Gives<W['onFailure']>;
      }
    : { onFailure?: never });

/** Whether a definition defines a workflow. */
export function isWorkflow(definition: TaskDefinition): definition is WorkflowDefinition {
  return definition.graph !== undefined;
}

/** Binds the code of a workflow to its definition, which gives types to payload and results. */
export function defineSteps<W extends WorkflowDefinition>(
  workflow: W,
  handlers: WorkflowHandlers<W>,
): WorkflowHandlers<W> & BoundTo<W> {
  bindCode(workflow, handlers);
  return handlers as WorkflowHandlers<W> & BoundTo<W>;
}

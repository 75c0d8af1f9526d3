import { getCallSites } from 'node:util';
import { checkGraph, ON_FAILURE } from './graph.ts';
import type { PolicyInput } from './policy.ts';
import type { Schema, SchemaInput, SchemaOutput } from './schema.ts';
import type { StoredResult } from './stored.ts';
import {
  type Graph,
  type GraphStep,
  makeDefinition,
  refusal,
  type TaskContext,
  type TaskDefinition,
  type TaskInput,
} from './task.ts';

/** A step as it is written down. With neither `run` nor `map` it has a handler of its own. */
export type StepInput = {
  /** The steps that must be done before; their results arrive in the handler by these names. */
  after?: readonly string[];
  /** What its handler gives. */
  result?: Schema;
  policy?: PolicyInput;
  /** It has a condition, without which it is skipped; those after it then go on without its result. */
  conditional?: true;
  /** It is one task of this definition, maybe a workflow itself. */
  run?: TaskDefinition;
  /** It is one task of this definition for each of a list of payloads, side by side. */
  map?: TaskDefinition;
};

type Steps = Record<string, StepInput>;

/** The step that is run when others failed: it comes after all of them, whichever, and has a handler. */
type FailureInput = Pick<StepInput, 'result' | 'policy'> & {
  [K in Exclude<keyof StepInput, 'result' | 'policy'>]?: never;
};

/** A workflow: to those who submit it a task like any other. */
export type WorkflowDefinition<
  Name extends string = string,
  Payload extends Schema = Schema,
  Result extends Schema | undefined = Schema | undefined,
  S extends Steps = Steps,
  OnFailure extends FailureInput | undefined = FailureInput | undefined,
> = TaskDefinition<Name, Payload, Result> & {
  readonly graph: Graph;
  /** What its handlers are typed by. */
  readonly steps: S;
  readonly onFailure: OnFailure;
};

/** Keeps the names in `after` as they are written, so that results can be typed by them. */
export function step<const S extends StepInput>(input: S): S {
  return input;
}

/** Each step may come after any other one by its name; any other name does not compile. */
type Linked<S extends Steps> = { [K in keyof S]: { after?: readonly Exclude<keyof S & string, K>[] } };

/**
 * Defines a workflow (W1): a graph of steps, each of which is a task. With `result` it has an output of its own, else
 * its result is that of its last step, or those of all its last steps by their names (W8). Throws, naming the file, when
 * the graph is none (see `checkGraph`) or for what `defineTask` throws.
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
    /** Run when a step has failed for good and nothing else can go on, before the workflow fails. */
    onFailure?: OnFailure;
  },
): WorkflowDefinition<Name, Payload, Result, S, OnFailure> {
  const file = getCallSites(2)[1]?.scriptName ?? 'unknown file';
  const refuse = refusal(workflow.name, file);
  checkGraph(workflow.steps, refuse);
  const whole = makeDefinition(workflow, file);
  const graphStep = (name: string, input: StepInput): GraphStep => {
    if (input.run !== undefined && input.map !== undefined)
      refuse(`the step ${name} can not both run and map`);
    const child = input.run ?? input.map ?? null;
    if (child !== null && input.result !== undefined)
      refuse(`the step ${name} has the result of ${child.name}`);
    return {
      step: name,
      after: input.after ?? [],
      conditional: input.conditional ?? false,
      kind: input.run ? 'run' : input.map ? 'map' : 'handler',
      child,
      definition: stepDefinition(whole, name, input),
      priority: input.policy?.priority ?? null,
    };
  };
  const steps = Object.entries(workflow.steps).map(([name, input]) => graphStep(name, input));
  if (workflow.onFailure !== undefined) steps.push(graphStep(ON_FAILURE, workflow.onFailure as StepInput));
  return Object.freeze({
    ...whole,
    graph: { steps },
    steps: workflow.steps,
    onFailure: workflow.onFailure as OnFailure,
  });
}

/** A step as a task: `<workflow>.<step>`, with the payload of its workflow. */
function stepDefinition(whole: TaskDefinition, name: string, input: StepInput): TaskDefinition {
  const made = makeDefinition(
    {
      name: `${whole.name}.${name}`,
      version: whole.version,
      upcast: Object.fromEntries(whole.upcasts),
      description: `The step ${name} of ${whole.name}`,
      payload: whole.payload,
      example: whole.example as SchemaInput<Schema>,
      ...(input.result === undefined ? {} : { result: input.result }),
      ...(input.policy === undefined ? {} : { policy: input.policy }),
    },
    whole.file,
  );
  return Object.freeze({ ...made, workflow: whole.name });
}

type ResultOf<D extends TaskDefinition> = D['result'] extends Schema
  ? StoredResult<SchemaOutput<D['result']>>
  : unknown;

/** What those after a step get of it: JSON, so text for a date. */
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

/** The results of the steps that one comes after, by their names; that of a skipped one is undefined. */
type ResultsFor<All extends Steps, S extends StepInput> = S extends { after: readonly (infer Before)[] }
  ? { readonly [K in Before & keyof All & string]: ResultIn<All[K]> }
  : Record<never, never>;

/** What a step can go by before it runs. */
type Given<W extends WorkflowDefinition, S extends StepInput> = {
  payload: SchemaOutput<W['payload']>;
  results: ResultsFor<W['steps'], S>;
};

/** What the handler of a step gets beside the payload of its workflow. */
export type StepContext<Results = Record<string, unknown>> = TaskContext & { readonly results: Results };

type Maybe<T> = T | Promise<T>;

/** What a handler may give for a step. */
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

/** What failed, for the step that is run then. */
export type FailedStep = { step: string; message: string };

/** The code of a workflow: of each step what it does, and the output if it has one. */
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

/** Whether a definition is that of a workflow. */
export function isWorkflow(definition: TaskDefinition): definition is WorkflowDefinition {
  return definition.graph !== undefined;
}

/** Binds the code of a workflow to its definition, so that payload and results are typed by it. */
export function defineSteps<W extends WorkflowDefinition>(
  _workflow: W,
  handlers: WorkflowHandlers<W>,
): WorkflowHandlers<W> {
  return handlers;
}

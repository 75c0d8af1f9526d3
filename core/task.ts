import { getCallSites } from 'node:util';
import type { Logger } from 'pino';
import { checkExample, compilePayload, compileResult } from './compile.ts';
import { type DedupStrategy, type Policy, type PolicyInput, policySchema } from './policy.ts';
import type { JsonSchema, Schema, SchemaInput, SchemaOutput } from './schema.ts';
import { checkedUpcasts, type Upcast, type Upcasts } from './upcast.ts';
import type { Judge } from './verdict/judge.ts';
import { VERSION_PATTERN } from './version.ts';

/** Always with a namespace, so that no name collides with a route such as /v1/tasks/stats (specification T6). */
export const NAME_PATTERN = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_-]*)+$/;
export const NAME_MAX_LENGTH = 128;

/** A typed unit of work: everything but its handler, so that the API can load it without the handler's code. */
export type TaskDefinition<
  Name extends string = string,
  Payload extends Schema = Schema,
  Result extends Schema | undefined = Schema | undefined,
> = {
  readonly name: Name;
  /** The part of the name before the first dot. */
  readonly namespace: string;
  readonly version: string;
  /** What brings payloads of older versions to this one. */
  readonly upcasts: ReadonlyMap<string, Upcast>;
  readonly description: string;
  readonly payload: Payload;
  readonly result: Result;
  readonly policy: Policy;
  /** An accepted payload, shown in the docs; it has gone the whole way of a payload, as JSON, when the definition loaded. */
  readonly example: SchemaInput<Payload>;
  /** These describe. What judges is beside them. */
  readonly payloadJsonSchema: JsonSchema;
  readonly resultJsonSchema: JsonSchema | undefined;
  readonly judges: {
    readonly payload: Judge;
    /** Of what a handler gave. */
    readonly result: Judge | undefined;
    /** Of JSON that stands for that. */
    readonly resultJson: Judge | undefined;
  };
  /** Where it was defined, for messages about it. */
  readonly file: string;
  /** Of a workflow: its steps and what they wait for. */
  readonly graph?: Graph;
  /** Of a step: the name of its workflow. Nobody submits a step. */
  readonly workflow?: string;
};

/** A step of a workflow, as everything but its handler knows it. */
export type GraphStep = {
  readonly step: string;
  /** The steps that it waits for. */
  readonly after: readonly string[];
  /** Whether it may be skipped. */
  readonly conditional: boolean;
  /** What it does: its own handler, one task of another definition, or a list of them. */
  readonly kind: 'handler' | 'run' | 'map';
  /** What its children are of; null for one with a handler. */
  readonly child: TaskDefinition | null;
  /** The step as a task. */
  readonly definition: TaskDefinition;
  /** Null: that of its workflow. */
  readonly priority: number | null;
};

/** The steps of a workflow, in the order of their definition; ON_FAILURE, if there is one, comes last. */
export type Graph = { readonly steps: readonly GraphStep[] };

/**
 * What a handler gets beside its payload. `signal` and `log` are made when they are first asked for: pass the context on
 * as it is, since a copy made by spreading it has neither.
 */
export type TaskContext = {
  /** The task's id (UUIDv7). */
  readonly id: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  /**
   * The trace context (W3C traceparent) to pass on: of this attempt's span when the runner makes spans, else of the submission's
   * caller. Null when there is none.
   */
  readonly traceparent: string | null;
  /** Aborted when the runner needs the attempt to end; `signal.reason` says why. */
  readonly signal: AbortSignal;
  /**
   * Its lines carry the task id, the name, the attempt and the request id of the submission. Those of `info` and
   * above are stored with the task.
   */
  readonly log: Logger;
  /** Shows in the record how far the attempt is: a fraction from 0 to 1, and a note. */
  progress(fraction: number, note?: string): void;
  /**
   * Submits another task when this attempt succeeds, in the transaction that records its result: both or neither. Up to
   * 1,000 in an attempt. Rejects when the payload does not fit.
   */
  submit<D extends TaskDefinition>(
    definition: D,
    payload: SchemaInput<D['payload']>,
    options?: FollowUpOptions,
  ): Promise<void>;
};

/** How a follow-up differs from what its definition says; what is not given is as there. */
export type FollowUpOptions = {
  priority?: number;
  delayMs?: number;
  dedup?: DedupStrategy;
  dedupKey?: string;
  maxAttempts?: number;
  tags?: string[];
  reason?: string;
};

/** What the handler of a definition may return: the input of its result schema, or anything JSON without one. */
export type HandlerResult<D extends TaskDefinition> = D['result'] extends Schema
  ? SchemaInput<D['result']>
  : unknown;

/** The code that does the work. Throw to be retried, throw PermanentError not to be. */
export type Handler<D extends TaskDefinition = TaskDefinition> = (
  payload: SchemaOutput<D['payload']>,
  context: TaskContext,
) => Promise<HandlerResult<D>> | HandlerResult<D>;

/**
 * Defines a task. `payload` must describe objects that JSON can carry; `policy` gets its defaults.
 * Throws, naming the file, when any of it is not acceptable (specification T5, T6).
 */
export function defineTask<
  const Name extends string,
  Payload extends Schema,
  Result extends Schema | undefined = undefined,
>(task: TaskInput<Name, Payload, Result>): TaskDefinition<Name, Payload, Result> {
  return makeDefinition(task, getCallSites(2)[1]?.scriptName ?? 'unknown file');
}

/** What a definition is made of, as it is written down. */
export type TaskInput<Name extends string, Payload extends Schema, Result extends Schema | undefined> = {
  name: Name;
  version: string;
  /** By older versions: makes of a payload of that version one of this version. `upcastFrom` types them. */
  upcast?: Upcasts<NoInfer<Payload>>;
  description: string;
  payload: Payload;
  /** An accepted payload. */
  example: SchemaInput<Payload>;
  result?: Result;
  policy?: PolicyInput;
};

/** Makes the definition of a task or a workflow that is written in `file`. Throws as `defineTask` does. */
export function makeDefinition<
  Name extends string,
  Payload extends Schema,
  Result extends Schema | undefined,
>(task: TaskInput<Name, Payload, Result>, file: string): TaskDefinition<Name, Payload, Result> {
  const refuse = refusal(task.name, file);
  if (!NAME_PATTERN.test(task.name) || task.name.length > NAME_MAX_LENGTH) {
    refuse(
      `the name must match ${NAME_PATTERN}, namespace first, with ${NAME_MAX_LENGTH} characters at most`,
    );
  }
  if (!VERSION_PATTERN.test(task.version))
    refuse(`the version ${task.version} must match ${VERSION_PATTERN}`);
  const policy = policySchema.safeParse(task.policy ?? {});
  if (!policy.success) {
    const issues = policy.error.issues.map(
      (issue) => `${['policy', ...issue.path].join('.')}: ${issue.message}`,
    );
    return refuse(issues.join('; '));
  }
  const payload = compilePayload(task.payload, refuse);
  checkExample(payload, task.example, refuse);
  const result = task.result === undefined ? undefined : compileResult(task.result, refuse);
  return Object.freeze({
    name: task.name,
    namespace: namespaceOf(task.name),
    version: task.version,
    upcasts: checkedUpcasts(task.version, task.upcast ?? {}, refuse),
    description: task.description,
    payload: task.payload,
    result: task.result as Result,
    policy: policy.data,
    example: task.example,
    payloadJsonSchema: payload.jsonSchema,
    resultJsonSchema: result?.jsonSchema,
    judges: { payload: payload.judge, result: result?.judge, resultJson: result?.judgeJson },
    file,
  });
}

/** Binds a handler to its definition, so that its payload and result are typed by it. */
export function defineHandler<D extends TaskDefinition>(_definition: D, handler: Handler<D>): Handler<D> {
  return handler;
}

/** The namespace of a task name: the part before the first dot. */
export function namespaceOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

export type Refuse = (why: string) => never;

/** Throws what is wrong with a definition, with where it is written. */
export function refusal(name: string, file: string): Refuse {
  return (why) => {
    throw new Error(`Task definition ${JSON.stringify(name)} in ${file}: ${why}`);
  };
}

import { getCallSites } from 'node:util';
import type { Logger } from 'pino';
import { type BatchInput, type BatchSettings, batchSettings } from './definitions/batch.ts';
import { checkExample, compilePayload, compileResult } from './definitions/compile.ts';
import { type DedupStrategy, type Policy, type PolicyInput, policySchema } from './definitions/policy.ts';
import { checkedUpcasts, type Upcast, type Upcasts } from './definitions/upcast.ts';
import { VERSION_PATTERN } from './definitions/version.ts';
import { ratesOf } from './limits/rates.ts';
import { rulesOf } from './limits/rules.ts';
import type { JsonSchema, Schema, SchemaInput, SchemaOutput } from './schema.ts';
import type { Judge } from './verdict/judge.ts';

/**
 * A name always has a namespace, so that it cannot collide with a route such as /v1/tasks/stats
 * (specification T6).
 */
export const NAME_PATTERN = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_-]*)+$/;
export const NAME_MAX_LENGTH = 128;

/** A typed unit of work without its handler, so that the API can load it without the handler's code. */
export type TaskDefinition<
  Name extends string = string,
  Payload extends Schema = Schema,
  Result extends Schema | undefined = Schema | undefined,
> = {
  readonly name: Name;
  /** The part of the name before the first dot. */
  readonly namespace: string;
  readonly version: string;
  /** The functions that convert payloads of older versions to this version. */
  readonly upcasts: ReadonlyMap<string, Upcast>;
  readonly description: string;
  readonly payload: Payload;
  readonly result: Result;
  readonly policy: Policy;
  /** How tasks come together for a batch handler; undefined if the handler gets one at a time. */
  readonly batch?: BatchSettings;
  /**
   * A valid payload for the docs. When the definition loads, it is validated in the same way as a submitted
   * payload, as JSON.
   */
  readonly example: SchemaInput<Payload>;
  /** These schemas are for documentation. `judges` validates values. */
  readonly payloadJsonSchema: JsonSchema;
  readonly resultJsonSchema: JsonSchema | undefined;
  readonly judges: {
    readonly payload: Judge;
    /** Validates the value that a handler returned. */
    readonly result: Judge | undefined;
    /** Validates JSON that replaces that value. */
    readonly resultJson: Judge | undefined;
  };
  /** Problems of its schemas that should be corrected soon. The log of a start shows them. */
  readonly warnings: readonly string[];
  /** The file that defines it, for messages. */
  readonly file: string;
  /** The steps of a workflow and their dependencies. */
  readonly graph?: Graph;
  /** The workflow of a step. Steps are not submitted. */
  readonly workflow?: string;
};

/** A step of a workflow without its handler. */
export type GraphStep = {
  readonly step: string;
  /** The steps that it waits for. */
  readonly after: readonly string[];
  /** Whether the step may be skipped. */
  readonly conditional: boolean;
  /** The kind of work: a handler, one task of another definition, or a list of such tasks. */
  readonly kind: 'handler' | 'run' | 'map';
  /** The definition of its children; null for a step with a handler. */
  readonly child: TaskDefinition | null;
  /** The step as a task. */
  readonly definition: TaskDefinition;
  /** Null: the priority of its workflow. */
  readonly priority: number | null;
};

/** The steps of a workflow in the order of their definition. ON_FAILURE, if there is one, comes last. */
export type Graph = { readonly steps: readonly GraphStep[] };

/**
 * The second argument of a handler. `signal` and `log` are created on first use. Pass the context on as it
 * is: a copy made by spreading it lacks them.
 */
export type TaskContext = {
  /** The task's id (UUIDv7). */
  readonly id: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  /**
   * The trace context (W3C traceparent) to pass on: that of this attempt's span if the runner makes spans,
   * otherwise that of the submission. Null if there is none.
   */
  readonly traceparent: string | null;
  /** The time of the schedule that this task or step stands for, also if it is late. Null without a schedule. */
  readonly scheduledFor: Date | null;
  /** Aborted when the attempt must end; `signal.reason` says why. */
  readonly signal: AbortSignal;
  /**
   * Its lines contain the task id, the name, the attempt and the request id of the submission. Lines of
   * `info` and above are stored with the task.
   */
  readonly log: Logger;
  /** Reports the progress of the attempt for its record: a fraction from 0 to 1, and a note. */
  progress(fraction: number, note?: string): void;
  /**
   * Submits another task if this attempt succeeds, in the transaction that records its result: both or
   * neither. At most 1,000 per attempt. Rejects if the payload is invalid.
   */
  submit<D extends TaskDefinition>(
    definition: D,
    payload: SchemaInput<D['payload']>,
    options?: FollowUpOptions,
  ): Promise<void>;
};

/** Options that override the definition of a follow-up task. Missing options keep its values. */
export type FollowUpOptions = {
  priority?: number;
  delayMs?: number;
  /** A task that has not started this long after its due time ends as `expired`. */
  expiresInMs?: number;
  /** The key of the limits of the definition, in place of the one that they compute. */
  concurrencyKey?: string;
  /** How long an attempt may take, in place of `timeoutMs` of the policy. */
  timeoutMs?: number;
  dedup?: DedupStrategy;
  dedupKey?: string;
  /** The last payload within so many seconds wins, and each moves the due time. */
  debounceSeconds?: number;
  /** The first submission within so many seconds counts. */
  throttleSeconds?: number;
  maxAttempts?: number;
  tags?: string[];
  reason?: string;
};

/**
 * The type that the handler of a definition may return: the input of its result schema, or any JSON value
 * without one.
 */
export type HandlerResult<D extends TaskDefinition> = D['result'] extends Schema
  ? SchemaInput<D['result']>
  : unknown;

/** The code that does the work. Throw an error for another attempt, or a PermanentError for none. */
export type Handler<D extends TaskDefinition = TaskDefinition> = (
  payload: SchemaOutput<D['payload']>,
  context: TaskContext,
) => Promise<HandlerResult<D>> | HandlerResult<D>;

/**
 * Defines a task. `payload` must describe objects that JSON can represent. `policy` gets its defaults.
 * Throws, and names the file, if a part is invalid (specification T5, T6).
 */
export function defineTask<
  const Name extends string,
  Payload extends Schema,
  Result extends Schema | undefined = undefined,
>(task: TaskInput<Name, Payload, Result>): TaskDefinition<Name, Payload, Result> {
  return makeDefinition(task, getCallSites(2)[1]?.scriptName ?? 'unknown file');
}

/** The parts of a definition, as its author writes them. */
export type TaskInput<Name extends string, Payload extends Schema, Result extends Schema | undefined> = {
  name: Name;
  version: string;
  /**
   * By older version: a function that converts a payload of that version to this version. `upcastFrom` gives
   * it types.
   */
  upcast?: Upcasts<NoInfer<Payload>>;
  description: string;
  payload: Payload;
  /** A valid payload. */
  example: SchemaInput<Payload>;
  result?: Result;
  policy?: PolicyInput<SchemaOutput<NoInfer<Payload>>>;
  /** Brings tasks together for a handler made by `defineBatchHandler`. */
  batch?: BatchInput<SchemaOutput<NoInfer<Payload>>>;
};

/** Makes the definition of a task or a workflow that `file` contains. Throws like `defineTask`. */
export function makeDefinition<
  Name extends string,
  Payload extends Schema,
  Result extends Schema | undefined,
>(task: TaskInput<Name, Payload, Result>, file: string): TaskDefinition<Name, Payload, Result> {
  const refuse = refusal(task.name, file);
  if (!NAME_PATTERN.test(task.name) || task.name.length > NAME_MAX_LENGTH) {
    refuse(
      `the name must match ${NAME_PATTERN}, with the namespace first, and have at most ${NAME_MAX_LENGTH} characters`,
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
  const { concurrency, rate, ...withoutRules } = policy.data;
  const rules = rulesOf(task.name, concurrency, refuse);
  const rates = ratesOf(task.name, rate, refuse);
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
    policy: {
      ...withoutRules,
      ...(rules === undefined ? {} : { concurrency: rules }),
      ...(rates === undefined ? {} : { rate: rates }),
    },
    ...(task.batch === undefined ? {} : { batch: batchSettings(task.batch, withoutRules.timeoutMs, refuse) }),
    example: task.example,
    payloadJsonSchema: payload.jsonSchema,
    resultJsonSchema: result?.jsonSchema,
    judges: { payload: payload.judge, result: result?.judge, resultJson: result?.judgeJson },
    warnings: [...payload.warnings, ...(result?.warnings ?? [])],
    file,
  });
}

/** The code that was bound to a definition. */
const bound = new WeakMap<object, TaskDefinition>();

/** Code with the type of the definition that it was bound to. At run time the property does not exist. */
export type BoundTo<D extends TaskDefinition> = { readonly '~definition'?: D };

/**
 * Binds a handler to its definition, which gives types to its payload and result. Throws if the definition has
 * `batch`.
 */
export function defineHandler<D extends TaskDefinition>(
  definition: D,
  handler: Handler<D>,
): Handler<D> & BoundTo<D> {
  if (definition.batch !== undefined)
    throw new TypeError(
      `${definition.name} has batch, so its handler gets several tasks: use defineBatchHandler`,
    );
  bindCode(definition, handler);
  return handler;
}

/** Remembers that this code, a handler or the steps of a workflow, belongs to a definition. */
export function bindCode(definition: TaskDefinition, code: object): void {
  bound.set(code, definition);
}

/** The definition that code was bound to; undefined if it was not bound. */
export function definitionOfCode(code: unknown): TaskDefinition | undefined {
  return typeof code === 'object' || typeof code === 'function' ? bound.get(code as object) : undefined;
}

/** Whether a value, for example an export of a file, is a definition. */
export function isDefinition(value: unknown): value is TaskDefinition {
  return typeof value === 'object' && value !== null && 'judges' in value && 'payloadJsonSchema' in value;
}

/** The namespace of a task name: the part before the first dot. */
export function namespaceOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

export type Refuse = (why: string) => never;

/** Makes the function that throws a problem of a definition, with the file that contains it. */
export function refusal(name: string, file: string): Refuse {
  return (why) => {
    throw new Error(`Task definition ${JSON.stringify(name)} in ${file}: ${why}`);
  };
}

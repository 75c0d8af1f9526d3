import { z } from 'zod';
import { DEDUP_OPTIONS } from '../../core/definitions/dedup.ts';
import {
  DELAY_LIMIT_SECONDS,
  MAX_ATTEMPTS_LIMIT,
  PRIORITY_LIMIT,
  TIMEOUT_LIMIT_MS,
} from '../../core/definitions/policy.ts';
import { KEY_MAX_LENGTH } from '../../core/limits/key.ts';
import { CALLBACK_URL_MAX_LENGTH } from '../../core/network/target_url.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH, NAME_PATTERN, type TaskDefinition } from '../../core/task.ts';
import { submitted } from '../openapi/schemas/answers.ts';
import type { Components } from '../openapi/schemas/document.ts';
import { ref } from '../openapi/schemas/schemas.ts';

const label = (maxLength: number, description: string): JsonSchema => ({
  type: 'string',
  minLength: 1,
  maxLength,
  description,
});

const timeout = (description: string): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  maximum: TIMEOUT_LIMIT_MS / 1_000,
  description,
});

/**
 * The options of every submission besides its payload (specification S1): their types, and their bounds, both
 * for the OpenAPI document and for the validation of bodies.
 */
export const optionsSchema = z.object({
  version: z
    .string()
    .optional()
    .meta(
      label(
        32,
        'The version of the payload. The submission is refused unless the definition has this version or can convert its payloads',
      ),
    ),
  priority: z.int().optional().meta({
    type: 'integer',
    minimum: -PRIORITY_LIMIT,
    maximum: PRIORITY_LIMIT,
    description: 'Smaller runs first',
  }),
  run_at: z
    .string()
    .optional()
    .meta({ type: 'string', format: 'date-time', description: 'The task does not start before this time' }),
  delay_seconds: z.number().optional().meta({
    type: 'number',
    minimum: 0,
    maximum: DELAY_LIMIT_SECONDS,
    description: 'The task does not start before this delay is over',
  }),
  expires_in_seconds: z.int().optional().meta({
    type: 'integer',
    minimum: 1,
    maximum: DELAY_LIMIT_SECONDS,
    description:
      'If the task has not started so long after it was due, it ends as `expired`. Replaces the value of the policy',
  }),
  concurrency_key: z
    .string()
    .optional()
    .meta(
      label(
        KEY_MAX_LENGTH,
        'Replaces the key that the limits of the definition compute from the payload. Refused if it has no limit with a key',
      ),
    ),
  timeout_seconds: z
    .int()
    .optional()
    .meta(
      timeout('How long an attempt may take. Replaces `timeoutMs` of the policy. Refused for a workflow'),
    ),
  claim_timeout_seconds: z
    .int()
    .optional()
    .meta({
      ...timeout('The older name of `timeout_seconds`. If both are given, they must be equal'),
      deprecated: true,
    }),
  dedup: z
    .enum(DEDUP_OPTIONS)
    .optional()
    .meta({
      type: 'string',
      enum: [...DEDUP_OPTIONS],
      description:
        'Replaces the strategy of the definition. `definition` keeps it even if there is an Idempotency-Key, which then only makes this request safe to repeat',
    }),
  dedup_key: z
    .string()
    .optional()
    .meta(label(512, 'Submissions with the same key are duplicates. Implies the strategy `key`')),
  dedup_window_seconds: z.number().optional().meta({
    type: 'integer',
    minimum: 1,
    maximum: DELAY_LIMIT_SECONDS,
    description: 'After this time the same submission creates a new task',
  }),
  debounce_seconds: z.number().optional().meta({
    type: 'integer',
    minimum: 1,
    maximum: DELAY_LIMIT_SECONDS,
    description:
      'Submissions with the same `dedup_key` (without one, of the same task) are one task until it is due: the last payload wins, and each moves the due time to so many seconds from now. Replaces the value of the policy',
  }),
  throttle_seconds: z.number().optional().meta({
    type: 'integer',
    minimum: 1,
    maximum: DELAY_LIMIT_SECONDS,
    description:
      'For so many seconds, submissions with the same `dedup_key` (without one, of the same task) get the task of the first and change nothing. Replaces the value of the policy',
  }),
  tags: z
    .array(z.string())
    .optional()
    .meta({
      type: 'array',
      maxItems: 20,
      uniqueItems: true,
      items: { type: 'string', minLength: 1, maxLength: 100 },
      description: 'Tags, as filters for lists',
    }),
  initiator: z.string().optional().meta(label(200, 'The person or system that asked for the task')),
  source_system: z.string().optional().meta(label(200, 'The system that submitted the task')),
  reason: z.string().optional().meta(label(1_000, 'The reason for the task')),
  max_attempts: z.int().optional().meta({
    type: 'integer',
    minimum: 1,
    maximum: MAX_ATTEMPTS_LIMIT,
    description: 'Replaces the value of the policy',
  }),
  callback_url: z.string().optional().meta({
    type: 'string',
    maxLength: CALLBACK_URL_MAX_LENGTH,
    pattern: '^[hH][tT][tT][pP][sS]?://[!-~]+$',
    description:
      'A URL that receives the outcome of the task, signed per Standard Webhooks. Needs `WEBHOOK_SECRETS`. `http` or `https`, without credentials. Private addresses need `ALLOW_PRIVATE_TARGETS=true`',
  }),
});

const options: Record<string, JsonSchema> = Object.fromEntries(
  Object.entries(optionsSchema.shape).map(([name, option]) => [name, { ...option.meta() }]),
);

/** In the document, a value or null: an option that is null counts as absent. */
function orNull(option: JsonSchema): JsonSchema {
  const { type, enum: allowed } = option;
  return {
    ...option,
    type: [type, 'null'].flat(),
    ...(Array.isArray(allowed) && { enum: [...allowed, null] }),
  };
}

/** The options that a caller may send as null, besides those of every submission. */
const NAMING_OPTIONS = ['namespace', 'context'];

/**
 * A body without options that are null: callers in many languages send all fields of a record. Everything else
 * stays as it is.
 */
export function givenOptions(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const isOption = (name: string): boolean =>
    Object.hasOwn(optionsSchema.shape, name) || NAMING_OPTIONS.includes(name);
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => value !== null || !isOption(name)),
  );
}

const anyPayload: JsonSchema = { type: 'object', additionalProperties: true };

/** The component schemas of submissions. */
export const submissionSchemas: Record<string, JsonSchema> = {
  SubmissionOptions: {
    type: 'object',
    description: 'The options of every submission besides its payload. Null counts as absent',
    properties: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, orNull(option)])),
  },
};

/** The body of a submission whose payload has the given schema, for validation. */
export function submissionSchema(payload: JsonSchema): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['payload'],
    properties: { payload, ...options },
  };
}

/** The body of a submission in the OpenAPI document: the common options and these properties. */
function submissionOf(properties: Record<string, JsonSchema>, required: string[]): JsonSchema {
  return {
    type: 'object',
    allOf: [ref('SubmissionOptions')],
    required,
    properties,
    unevaluatedProperties: false,
  };
}
/** The properties that name the task in the body. */
const naming = {
  name: label(NAME_MAX_LENGTH, 'The name of the task, without its namespace if `namespace` is given'),
  namespace: label(NAME_MAX_LENGTH, 'The first part of the name, if `name` lacks it'),
};

/** The part of a submission that names its task. */
export const namingSchema: JsonSchema = { type: 'object', required: ['name'], properties: naming };

/** The body of a submission that names its task (specification S2). */
export const namedSubmissionSchema: JsonSchema = submissionOf(
  {
    ...naming,
    namespace: orNull(naming.namespace),
    payload: {
      ...anyPayload,
      description: `The payload, as for the path of the task. Names match ${NAME_PATTERN.source}`,
    },
    context: orNull({ ...anyPayload, description: 'An alias of `payload`' }),
  },
  ['name'],
);

/** The components of one task, except its paths and the schemas of payload and result. */
export function taskComponents(definition: TaskDefinition): Pick<Components, 'schemas' | 'responses'> {
  const { name, resultJsonSchema } = definition;
  const submission = submissionOf({ payload: ref(`${name}.payload`) }, ['payload']);
  // An example here applies to a single submission and to the items of a batch.
  const schemas = {
    [`${name}.submission`]: { ...submission, examples: [{ payload: sentExample(definition) }] },
  };
  if (resultJsonSchema === undefined) return { schemas, responses: {} };
  // Null until there is a result. `anyOf`, because a result may be null itself, and `oneOf` would refuse a
  // value that fits both.
  const result = { anyOf: [ref(`${name}.result`), { type: 'null' }] };
  const answer = { allOf: [ref('SubmitAnswer'), { properties: { task: { properties: { result } } } }] };
  return { schemas, responses: { [name]: submitted(answer) } };
}

/** The paths for submitting one task and many tasks. */
export function pathsOfTask(name: string): [one: string, many: string] {
  return [`/v1/tasks/${name}`, `/v1/tasks/${name}/batch`];
}

/** The example of a definition as JSON: dates become text. */
export function sentExample({ example }: TaskDefinition): unknown {
  return JSON.parse(JSON.stringify(example));
}

/** The form of a name in identifiers: `ExampleEcho` for `example.echo`. Two names may have the same form. */
export function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|[._-]+)(.?)/g, (_match, first: string) => first.toUpperCase());
}

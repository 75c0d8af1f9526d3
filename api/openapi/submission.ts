import { DEDUP_OPTIONS } from '../../core/dedup.ts';
import { DELAY_LIMIT_SECONDS, MAX_ATTEMPTS_LIMIT, PRIORITY_LIMIT } from '../../core/policy.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { CALLBACK_URL_MAX_LENGTH } from '../../core/target_url.ts';
import { NAME_MAX_LENGTH, NAME_PATTERN } from '../../core/task.ts';
import { ref } from './schemas.ts';

/** Items of a batch (specification S3). */
const MAX_BATCH_ITEMS = 10_000;

const label = (maxLength: number, description: string): JsonSchema => ({
  type: 'string',
  minLength: 1,
  maxLength,
  description,
});

/** What every submission may carry beside its payload (specification S1). */
const options: Record<string, JsonSchema> = {
  version: label(
    32,
    'That of the payload. Refuses the submission unless the definition has this version, or brings its payloads to its own',
  ),
  priority: {
    type: 'integer',
    minimum: -PRIORITY_LIMIT,
    maximum: PRIORITY_LIMIT,
    description: 'Smaller runs first',
  },
  run_at: { type: 'string', format: 'date-time', description: 'Not before this time' },
  delay_seconds: {
    type: 'number',
    minimum: 0,
    maximum: DELAY_LIMIT_SECONDS,
    description: 'Not before so long from now',
  },
  dedup: {
    type: 'string',
    enum: [...DEDUP_OPTIONS],
    description:
      'Instead of the strategy of the definition. `definition`: just that, though there is an Idempotency-Key, which then only makes this request safe to repeat',
  },
  dedup_key: label(512, 'What makes two submissions the same; implies the strategy `key`'),
  dedup_window_seconds: {
    type: 'integer',
    minimum: 1,
    maximum: DELAY_LIMIT_SECONDS,
    description: 'After this time the same submission makes a new task',
  },
  tags: {
    type: 'array',
    maxItems: 20,
    uniqueItems: true,
    items: { type: 'string', minLength: 1, maxLength: 100 },
    description: 'To find it by',
  },
  initiator: label(200, 'Who asked for it'),
  source_system: label(200, 'Which system submitted it'),
  reason: label(1_000, 'Why'),
  max_attempts: {
    type: 'integer',
    minimum: 1,
    maximum: MAX_ATTEMPTS_LIMIT,
    description: 'Instead of that of the policy',
  },
  callback_url: {
    type: 'string',
    maxLength: CALLBACK_URL_MAX_LENGTH,
    pattern: '^[hH][tT][tT][pP][sS]?://[!-~]+$',
    description:
      'Where it is told how the task ended, signed per Standard Webhooks: needs `WEBHOOK_SECRETS`. `http` or `https`, without credentials, and not to private addresses unless `ALLOW_PRIVATE_TARGETS=true`',
  },
};

const anyPayload: JsonSchema = { type: 'object', additionalProperties: true };

/** The component schemas of submissions. */
export const submissionSchemas: Record<string, JsonSchema> = {
  SubmissionOptions: {
    type: 'object',
    description: 'What every submission may carry beside its payload',
    properties: options,
  },
};

/** The body of a submission whose payload has the given schema, as it is validated. */
export function submissionSchema(payload: JsonSchema): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['payload'],
    properties: { payload, ...options },
  };
}

/** The body of a submission as the document has it: the common part, and these properties. */
export function submissionOf(properties: Record<string, JsonSchema>, required: string[]): JsonSchema {
  return {
    type: 'object',
    allOf: [ref('SubmissionOptions')],
    required,
    properties,
    unevaluatedProperties: false,
  };
}
/** The body of a batch whose items have the given schema (specification S3). */
export function batchSchema(item: JsonSchema): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['items'],
    properties: { items: { type: 'array', minItems: 1, maxItems: MAX_BATCH_ITEMS, items: item } },
  };
}

/** What names the task in a body that does so itself. */
const naming: JsonSchema = {
  name: label(NAME_MAX_LENGTH, 'Of the task; without its namespace if that is given apart'),
  namespace: label(NAME_MAX_LENGTH, 'The first part of the name, if the name does not have it'),
};

/** As much of a submission as tells its task. */
export const namingSchema: JsonSchema = { type: 'object', required: ['name'], properties: naming };

/** The body of a submission that names its task itself (specification S2). */
export const namedSubmissionSchema: JsonSchema = submissionOf(
  {
    ...naming,
    payload: {
      ...anyPayload,
      description: `As the path of the task has it: names match ${NAME_PATTERN.source}`,
    },
    context: { ...anyPayload, description: 'Another word for payload' },
  },
  ['name'],
);

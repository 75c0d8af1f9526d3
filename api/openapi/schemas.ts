import { MAX_DETAILS, STATUS_BY_CODE } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { NAME_PATTERN } from '../../core/task.ts';

/** A reference to a component schema. */
export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const nullable = (type: string, more: JsonSchema = {}): JsonSchema => ({ type: [type, 'null'], ...more });
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime = nullable('string', { format: 'date-time' });
const uuid: JsonSchema = { type: 'string', format: 'uuid' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };
/** Whatever JSON there is. Without the second line openapi-typescript takes the object for one that has no property. */
export const anyJson: JsonSchema = {
  type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
  additionalProperties: true,
};

/** An object schema whose properties are all required. */
export function object(
  description: string,
  properties: Record<string, JsonSchema>,
  more: JsonSchema = {},
): JsonSchema {
  return { type: 'object', description, required: Object.keys(properties), properties, ...more };
}

/** What a component has, and these properties, all of them required. */
export function extended(
  component: string,
  description: string,
  properties: Record<string, JsonSchema>,
): JsonSchema {
  const more = { type: 'object', required: Object.keys(properties), properties };
  return { description, allOf: [ref(component), more] };
}

const summary: Record<string, JsonSchema> = {
  id: { ...uuid, description: 'UUIDv7: ordered by the time of creation' },
  name: { type: 'string', pattern: NAME_PATTERN.source },
  namespace: { type: 'string', description: 'The part of the name before the first dot' },
  version: { type: 'string', description: 'The version of the definition that it was submitted for' },
  state: { type: 'string', enum: [...STATES] },
  priority: { type: 'integer', description: 'Smaller runs first' },
  attempt: {
    type: 'integer',
    minimum: 1,
    description: 'The attempt that is due or under way, or was the last',
  },
  max_attempts: { type: 'integer', minimum: 1 },
  created_at: time,
  run_at: { ...time, description: 'When the attempt is or was due' },
  started_at: { ...nullableTime, description: 'Start of the attempt that is under way or was the last' },
  finished_at: nullableTime,
  runner_id: nullable('integer', { description: 'The runner that has or had the attempt' }),
  crashes: {
    type: 'integer',
    minimum: 0,
    description: 'How often its runner died under it; three quarantine it',
  },
  cancel_requested_at: { ...nullableTime, description: 'When it was asked to end' },
  progress: nullable('number', { description: 'How far the handler says it is, from 0 to 1' }),
  progress_note: nullable('string', { description: 'What the handler says it is doing' }),
  error: { anyOf: [ref('TaskError'), { type: 'null' }], description: 'Of the last failed attempt' },
  dedup: nullable('string', { enum: ['payload', 'key', 'idempotency_key', null] }),
  dedup_key: nullable('string'),
  tags: { type: 'array', items: { type: 'string' } },
  initiator: nullable('string'),
  source_system: nullable('string'),
  reason: nullable('string'),
  request_id: nullable('string', { description: 'X-Request-Id of the submission' }),
  traceparent: nullable('string', { description: 'W3C trace context of the submission' }),
  callback_url: nullable('string', { description: 'Where it is told how it ended' }),
  parent_id: nullable('string', { format: 'uuid', description: 'The task that it is a part of' }),
  step: nullable('string', { description: 'Which step it is of the workflow that it is a part of' }),
  skipped: {
    type: 'boolean',
    description: 'It counts as done without being run: its condition did not hold',
  },
  children: nullable('integer', {
    description: 'Of how many steps or other tasks it is made; null: of none',
  }),
};

const whole: Record<string, JsonSchema> = {
  payload: { ...anyObject, description: 'As it was submitted' },
  result: { ...anyJson, description: 'What the handler returned' },
};

const attempt: Record<string, JsonSchema> = {
  attempt: { type: 'integer', minimum: 1 },
  outcome: {
    type: 'string',
    enum: ['running', 'succeeded', 'failed', 'interrupted', 'crashed', 'timed_out', 'cancelled'],
  },
  runner: { anyOf: [ref('AttemptRunner'), { type: 'null' }] },
  started_at: nullableTime,
  finished_at: nullableTime,
  error: { anyOf: [ref('TaskError'), { type: 'null' }] },
};

const runner: Record<string, JsonSchema> = {
  id: { type: 'integer', description: 'Of this registration: one that was presumed dead registers anew' },
  host: { type: 'string' },
  pid: { type: 'integer' },
  version: { type: 'string' },
  started_at: time,
  heartbeat_at: time,
  overdue: { type: 'boolean', description: 'Its lease has run out, and nobody has taken its work over yet' },
  in_flight: { type: 'integer', minimum: 0, description: 'Attempts under way at the last heartbeat' },
  concurrency: { type: 'integer', minimum: 1 },
  lease_secs: { type: 'number' },
  task_names: { type: 'array', items: { type: 'string' }, description: 'What it can execute' },
  task_versions: {
    type: ['object', 'null'],
    additionalProperties: { type: 'string' },
    description:
      'The versions of their definitions, by name: it leaves newer tasks to a runner that knows them. Null of a runner that does not tell them',
  },
  ended_at: nullableTime,
  end_reason: nullable('string', { enum: ['stopped', 'lost', null] }),
};

const detail = object('One thing that is wrong, and where', {
  path: { type: 'string', description: 'JSON Pointer (RFC 6901) into /body, /query, /path or /headers' },
  message: { type: 'string' },
});

/** Every schema that operations share. Those of one task are beside its path (task_paths.ts). */
export const sharedSchemas: Record<string, JsonSchema> = {
  Error: {
    type: 'object',
    description: 'Every answer that is not a success',
    required: ['error', 'code', 'request_id'],
    properties: {
      error: { type: 'string', description: 'What was wrong, and what to do' },
      code: { type: 'string', enum: Object.keys(STATUS_BY_CODE) },
      details: {
        type: 'array',
        items: ref('ErrorDetail'),
        maxItems: MAX_DETAILS,
        description: 'What is wrong, and where: the first hundred if there is more',
      },
      request_id: { type: 'string' },
    },
  },
  ErrorDetail: detail,
  TaskError: object('Why an attempt failed', {
    error_type: { type: 'string' },
    message: { type: 'string' },
    error_code: nullable('string'),
    retryable: { type: 'boolean' },
    metadata: { type: ['object', 'null'], additionalProperties: true },
    stack: nullable('string'),
  }),
  AttemptRunner: object('The runner of an attempt', {
    id: { type: 'integer' },
    host: { type: 'string' },
    pid: { type: 'integer' },
  }),
  Attempt: object('One execution of a task by a runner', attempt),
  TaskSummary: object('A task in a list: all but payload and result', summary),
  Task: extended('TaskSummary', 'One submission of a definition', whole),
  TaskRecord: extended('Task', 'A task with its attempts, first to last, and the graph of its steps', {
    attempts: { type: 'array', items: ref('Attempt') },
    workflow: { anyOf: [ref('Workflow'), { type: 'null' }], description: 'Null for all but workflows' },
  }),
  SubmitAnswer: object('The task, and whether this submission made it', {
    task: ref('Task'),
    created: { type: 'boolean' },
    message: { type: 'string' },
  }),
  BatchItem: {
    type: 'object',
    description: 'What became of one item: its task, or what is wrong with it',
    required: ['created'],
    properties: {
      id: uuid,
      state: { type: 'string', enum: [...STATES] },
      created: { type: 'boolean', description: 'Whether this item made a new task' },
      errors: {
        type: 'array',
        items: ref('ErrorDetail'),
        description:
          'What is wrong with it: the first hundred details. A batch has a thousand of them; of an item after these there is one that says so',
      },
    },
  },
  BatchAnswer: object(
    'What became of each item, in order: each is validated on its own, and the valid ones are inserted in one transaction',
    {
      items: { type: 'array', items: ref('BatchItem') },
      created: { type: 'integer', minimum: 0 },
      duplicates: { type: 'integer', minimum: 0 },
      invalid: { type: 'integer', minimum: 0 },
    },
  ),
  TaskList: object('One page of tasks, newest first', {
    tasks: { type: 'array', items: ref('TaskSummary') },
    page: nullable('integer', { description: 'Null for a page that was asked for by cursor' }),
    page_size: { type: 'integer' },
    total: { type: 'integer', description: 'Exact up to 10,000' },
    total_is_estimate: { type: 'boolean' },
    next_cursor: nullable('string', { description: 'For the next page; null on the last' }),
  }),
  RunnerList: object('The runners of the pool', { runners: { type: 'array', items: ref('Runner') } }),
  Runner: object('A registration of a runner', runner),
  TaskAnswer: object('The task after the operation', { task: ref('Task'), message: { type: 'string' } }),
};

import { MAX_DETAILS, STATUS_BY_CODE } from '../../../core/errors.ts';
import type { JsonSchema } from '../../../core/schema.ts';
import { STATES } from '../../../core/states.ts';
import { NAME_PATTERN } from '../../../core/task.ts';

/** A reference to a component schema. */
export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const nullable = (type: string, more: JsonSchema = {}): JsonSchema => ({ type: [type, 'null'], ...more });
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime = nullable('string', { format: 'date-time' });
const uuid: JsonSchema = { type: 'string', format: 'uuid' };
/** The outcomes of a submission that has a task. */
const outcome: JsonSchema = {
  type: 'string',
  enum: ['created', 'duplicate', 'rearmed', 'debounced', 'throttled'],
  description:
    'The effect of the submission. `rearmed`: the task had ended without success and is queued again. `debounced`: the task of its burst waits, and has this payload now. `throttled`: the task of a submission shortly before',
};
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };
/**
 * Any JSON value. Without `additionalProperties`, openapi-typescript would generate an object without
 * properties.
 */
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

/** The properties of a component plus these, all required. */
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
  version: { type: 'string', description: 'The version of the definition at the submission' },
  state: { type: 'string', enum: [...STATES] },
  priority: { type: 'integer', description: 'Smaller runs first' },
  attempt: {
    type: 'integer',
    minimum: 1,
    description: 'The number of the attempt that is due or running, or of the last one',
  },
  max_attempts: { type: 'integer', minimum: 1 },
  created_at: time,
  run_at: { ...time, description: 'When the attempt is or was due' },
  expires_at: {
    ...nullableTime,
    description: 'When it ends as `expired` unless it starts. Null if it does not expire, or has started',
  },
  started_at: { ...nullableTime, description: 'Start of the running or last attempt' },
  finished_at: nullableTime,
  runner_id: nullable('integer', { description: 'The runner of the running or last attempt' }),
  crashes: {
    type: 'integer',
    minimum: 0,
    description:
      'How often its runner died while the task ran. After two crashes it runs alone; the third one quarantines it',
  },
  cancel_requested_at: { ...nullableTime, description: 'When its cancellation was requested' },
  progress: nullable('number', { description: 'The progress that the handler reports, from 0 to 1' }),
  progress_note: nullable('string', { description: 'The note that the handler reports with its progress' }),
  error: { anyOf: [ref('TaskError'), { type: 'null' }], description: 'The error of the last failed attempt' },
  dedup: nullable('string', {
    enum: ['payload', 'key', 'idempotency_key', 'schedule', 'debounce', 'throttle', null],
    description:
      'The kind of key that makes another submission the same task. `schedule`: its schedule and its time',
  }),
  dedup_key: nullable('string'),
  debounced: nullable('integer', {
    minimum: 0,
    description: 'How many later submissions have replaced its payload. Null if it is not debounced',
  }),
  concurrency_key: nullable('string', {
    description: 'The key of the limits of its definition, if the submission gave one',
  }),
  timeout_seconds: nullable('number', {
    description: 'How long an attempt may take, if the submission says so. Null: as its definition says',
  }),
  tags: { type: 'array', items: { type: 'string' } },
  initiator: nullable('string', {
    description: 'The initiator that the submission names. Errand does not verify it',
  }),
  submitted_by: nullable('string', {
    description:
      'The authenticated submitter: `key:<id>` for an API key, `user:<sub>` for a token, `anonymous`, `webhook:<source>`, `sql:<role>`, `task:<id>` for the task that it is a part or a follow-up of, `schedule:<id>`, or `callback`. Null for tasks of older versions',
  }),
  source_system: nullable('string'),
  reason: nullable('string'),
  request_id: nullable('string', { description: 'X-Request-Id of the submission' }),
  traceparent: nullable('string', { description: 'W3C trace context of the submission' }),
  callback_url: nullable('string', { description: 'The URL that receives the outcome of the task' }),
  parent_id: nullable('string', { format: 'uuid', description: 'The task that this task is a part of' }),
  step: nullable('string', { description: 'The name of its step in the workflow' }),
  skipped: {
    type: 'boolean',
    description: 'The step counts as done but did not run, because its condition did not hold',
  },
  children: nullable('integer', {
    description: 'The number of its steps or child tasks. Null if it has none',
  }),
  dismissed_at: {
    ...nullableTime,
    description:
      'When an operator dismissed its failure. Null if it has not failed, or has failed again since',
  },
  resubmitted_as: nullable('string', { format: 'uuid', description: 'The task that replaces it' }),
  resubmission_of: nullable('string', { format: 'uuid', description: 'The task that it replaces' }),
  schedule_id: nullable('string', { description: 'The schedule that submitted it' }),
  scheduled_for: {
    ...nullableTime,
    description: 'The time of its schedule that it stands for. A step has the time of its workflow',
  },
};

const payloadAndResult: Record<string, JsonSchema> = {
  payload: {
    ...anyObject,
    description: 'The submitted payload, with `***` in place of secrets in the headers of `http.request`',
  },
  result: { ...anyJson, description: 'The value that the handler returned' },
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
  id: {
    type: 'integer',
    description: 'The id of this registration. A runner that was presumed dead registers again',
  },
  host: { type: 'string' },
  pid: { type: 'integer' },
  version: { type: 'string' },
  started_at: time,
  heartbeat_at: time,
  overdue: {
    type: 'boolean',
    description: 'Its lease has run out, and its work has not been taken over yet',
  },
  event_loop_delay_ms: nullable('number', {
    minimum: 0,
    description:
      'How late its event loop was in the last one or two minutes, as the 99th percentile in ms. A handler that computes for long delays all others. Null if the runner has not reported it',
  }),
  blocked_since: {
    ...nullableTime,
    description: 'Since then its event loop does not turn at all. Null if it turns',
  },
  in_flight: { type: 'integer', minimum: 0, description: 'Running attempts at the last heartbeat' },
  concurrency: { type: 'integer', minimum: 1 },
  lease_secs: { type: 'number' },
  task_names: { type: 'array', items: { type: 'string' }, description: 'The tasks that it can execute' },
  task_versions: {
    type: ['object', 'null'],
    additionalProperties: { type: 'string' },
    description:
      'The versions of its definitions, by name. It leaves newer tasks to a runner that knows them. Null if the runner does not report them',
  },
  serves: {
    type: ['array', 'null'],
    items: { type: 'string' },
    description:
      'The namespaces and names of a dedicated runner (`RUNNER_NAMESPACES`). Null: it serves everything that it can execute',
  },
  ended_at: nullableTime,
  end_reason: nullable('string', { enum: ['stopped', 'lost', null] }),
};

const detail = object('One problem, and its place in the request', {
  path: { type: 'string', description: 'JSON Pointer (RFC 6901) into /body, /query, /path or /headers' },
  message: { type: 'string' },
});

/** The schemas that operations share. Those of one task are in api/submit/submission_schema.ts. */
export const sharedSchemas: Record<string, JsonSchema> = {
  Error: {
    type: 'object',
    description: 'Every answer that is not a success',
    required: ['error', 'code', 'request_id'],
    properties: {
      error: { type: 'string', description: 'The problem, and what to do' },
      code: { type: 'string', enum: Object.keys(STATUS_BY_CODE) },
      details: {
        type: 'array',
        items: ref('ErrorDetail'),
        maxItems: MAX_DETAILS,
        description: 'The problems and their places: at most the first hundred',
      },
      request_id: { type: 'string' },
    },
  },
  ErrorDetail: detail,
  AttemptRunner: object('The runner of an attempt', {
    id: { type: 'integer' },
    host: { type: 'string' },
    pid: { type: 'integer' },
  }),
  Attempt: object('One execution of a task by a runner', attempt),
  TaskSummary: object('A task without its payload and result, as in lists', summary),
  Task: extended('TaskSummary', 'One submission of a definition', payloadAndResult),
  ShownTask: {
    type: 'object',
    description:
      'A task, as far as these credentials may read it. Without the scope `read`, only its id and its state',
    required: ['id', 'state'],
    properties: { ...summary, ...payloadAndResult },
  },
  TaskRecord: extended('Task', 'A task with its last attempts, and the graph of its steps', {
    attempts: {
      type: 'array',
      items: ref('Attempt'),
      description: 'The last ten attempts in order. `GET /v1/tasks/{id}/attempts` lists all of them in pages',
    },
    attempts_total: { type: 'integer', minimum: 0, description: 'The total number of attempts' },
    workflow: {
      anyOf: [ref('Workflow'), { type: 'null' }],
      description: 'Null if the task is not a workflow',
    },
  }),
  SubmitAnswer: object('The task, and whether this submission created it', {
    task: ref('ShownTask'),
    created: { type: 'boolean' },
    outcome,
    message: { type: 'string' },
    estimated_completion: {
      ...nullableTime,
      description:
        'When the task will probably have ended, from the tasks of its name that succeeded in the last 24 hours. Null if there are none, if it has ended, or if the caller may not read tasks',
    },
  }),
  BatchItem: {
    type: 'object',
    description: 'The outcome of one item: its task, or its problems',
    required: ['created'],
    properties: {
      id: uuid,
      state: { type: 'string', enum: [...STATES] },
      created: { type: 'boolean', description: 'Whether this item created a new task' },
      outcome,
      errors: {
        type: 'array',
        items: ref('ErrorDetail'),
        description:
          'The problems of this item: at most the first hundred. A batch lists at most a thousand; a later item has one entry that says so',
      },
    },
  },
  BatchAnswer: object(
    'The outcome of each item, in order. Each item is validated separately, and the valid ones are inserted in one transaction',
    {
      items: { type: 'array', items: ref('BatchItem') },
      created: { type: 'integer', minimum: 0 },
      duplicates: { type: 'integer', minimum: 0 },
      invalid: { type: 'integer', minimum: 0 },
    },
  ),
  TaskList: object('One page of tasks, newest first', {
    tasks: { type: 'array', items: ref('TaskSummary') },
    page: nullable('integer', { description: 'Null if the page was requested by cursor' }),
    page_size: { type: 'integer' },
    total: {
      type: 'integer',
      description: 'Exact up to 10,000. With `payload`, of the tasks that this page has looked at',
    },
    total_is_estimate: { type: 'boolean' },
    next_cursor: nullable('string', {
      description:
        'The cursor of the next page. Null on the last page. A search by payload may have others after an empty page',
    }),
    rows: {
      type: ['array', 'null'],
      items: ref('TaskRow'),
      description: 'With `fields`: the tasks as rows, and `tasks` is empty. Otherwise null',
    },
    search: {
      anyOf: [ref('PayloadSearch'), { type: 'null' }],
      description: 'With `payload`: how far this page has looked. Otherwise null',
    },
  }),
  TaskRow: {
    type: 'object',
    description:
      'The chosen fields of a task by their names. Of a part of payload, result or error with more than 1,000 characters, only the start of its text is given',
    additionalProperties: anyJson,
  },
  PayloadSearch: object('How far a search by payload has looked for one page', {
    looked_at: {
      type: 'integer',
      minimum: 0,
      description: 'The tasks that match all other filters and were looked at',
    },
    is_bounded: {
      type: 'boolean',
      description: 'Whether it stopped before the last task. The next page goes on with the following tasks',
    },
    matched: { type: 'integer', minimum: 0, description: 'How many of these tasks match' },
    unread: {
      type: 'integer',
      minimum: 0,
      description: 'How many of these tasks have a payload above 64 KiB, which was not searched',
    },
  }),
  RunnerList: object('The runners of the pool', { runners: { type: 'array', items: ref('Runner') } }),
  Runner: object('A registration of a runner', runner),
  TaskAnswer: object('The task after the operation', {
    task: ref('ShownTask'),
    message: { type: 'string' },
  }),
};

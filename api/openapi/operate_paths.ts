import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { failures, jsonAnswer, jsonBody, location } from './answers.ts';
import { bulkSchema, groupRetrySchema } from './bulk.ts';
import type { Operation, Paths } from './document.ts';
import { auditParameters, errorListParameters, type Parameter, reasonParameter } from './parameters.ts';
import { object, ref } from './schemas.ts';

const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableText: JsonSchema = { type: ['string', 'null'] };

const pause = object('A pause, by an operator', {
  target: { type: 'string', description: 'A namespace, or the name of a task' },
  paused_at: time,
  actor: { type: 'string' },
  reason: nullableText,
});

/** The component schemas of what operators do. */
export const operateSchemas: Record<string, JsonSchema> = {
  Pause: pause,
  Queue: object('A queue: the tasks of one name', {
    name: { type: 'string' },
    namespace: { type: 'string' },
    pauses: {
      type: 'array',
      items: ref('Pause'),
      description: 'Of its name and its namespace; empty: it runs',
    },
  }),
  QueueList: object('The queues', { queues: { type: 'array', items: ref('Queue') } }),
  QueueAnswer: object('The queue after the operation', {
    queue: { type: 'string' },
    paused: { type: 'boolean' },
    pause: { anyOf: [ref('Pause'), { type: 'null' }] },
    changed: { type: 'boolean', description: 'Whether it was not so before' },
    message: { type: 'string' },
  }),
  BulkRequest: bulkSchema,
  BulkAnswer: object('What a bulk operation did, or will do', {
    action: { type: 'string', enum: ['retry', 'cancel'] },
    dry_run: { type: 'boolean' },
    matched: { type: 'integer', minimum: 0, description: 'Exact up to 10,000' },
    matched_is_estimate: { type: 'boolean' },
    changed: { type: ['integer', 'null'], description: 'Null: a task of its own does it' },
    task: { anyOf: [ref('Task'), { type: 'null' }], description: 'That task: its progress, its result' },
    message: { type: 'string' },
  }),
  ErrorGroup: object(
    'Failures that are the same trouble, but for ids, numbers and quoted text in the message',
    {
      error_group: { type: 'string', description: 'As GET /v1/tasks takes it' },
      name: { type: 'string' },
      namespace: { type: 'string' },
      error_type: { type: 'string' },
      message: { type: 'string', description: 'Of the newest' },
      count: { type: 'integer', minimum: 1, description: 'Tasks that are failed with it now, up to 10,000' },
      count_is_capped: { type: 'boolean' },
      first_seen: time,
      last_seen: time,
      example: object('The newest', {
        task_id: { type: 'string', format: 'uuid' },
        attempt: { type: 'integer', minimum: 1 },
        error: ref('TaskError'),
      }),
    },
  ),
  ErrorGroupList: object('What tasks are failed with now, the trouble seen last first', {
    groups: { type: 'array', items: ref('ErrorGroup') },
    is_truncated: { type: 'boolean', description: 'Whether there are more kinds of trouble than are listed' },
  }),
  AuditEntry: object('What an operator did', {
    id: { type: 'integer' },
    at: time,
    actor: { type: 'string', description: '`user:<sub>`, `key:<id>` or `anonymous`' },
    action: { type: 'string' },
    task_id: { type: ['string', 'null'], format: 'uuid' },
    namespace: nullableText,
    target: { ...nullableText, description: 'The name of the task, or the queue' },
    reason: nullableText,
    request_id: nullableText,
    details: { type: ['object', 'null'], additionalProperties: true },
  }),
  AuditList: object('The audit trail, newest first', {
    entries: { type: 'array', items: ref('AuditEntry') },
    next_cursor: { ...nullableText, description: 'For the next page; null on the last' },
  }),
};

const queueParameter: Parameter = {
  name: 'queue',
  in: 'path',
  required: true,
  description: 'A namespace, or the name of a task; that of a workflow is with its steps',
  schema: { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH },
};

const errorGroupParameter: Parameter = {
  name: 'error_group',
  in: 'path',
  required: true,
  description: 'The group, as GET /v1/errors has it',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
};

/** The paths of what operators do to many tasks: bulk operations, pauses, groups of errors, the audit trail. */
export function operatePaths(): Paths {
  return {
    '/v1/tasks/retry': {
      post: bulkOperation('retryTasks', 'Queue all failed tasks again that match a filter'),
    },
    '/v1/tasks/cancel': { post: bulkOperation('cancelTasks', 'Cancel all tasks that match a filter') },
    '/v1/errors': {
      get: read(
        'listErrors',
        'errors',
        'What tasks are failed with now, in groups',
        'ErrorGroupList',
        errorListParameters,
      ),
    },
    '/v1/errors/{error_group}/retry': {
      post: {
        tags: ['errors'],
        operationId: 'retryErrorGroup',
        summary: 'Queue all tasks of a group of errors again',
        parameters: [errorGroupParameter],
        requestBody: { ...jsonBody(groupRetrySchema, { per_second: 50 }), required: false },
        responses: bulkAnswers,
      },
    },
    '/v1/queues': { get: read('listQueues', 'queues', 'The queues, and what is paused', 'QueueList') },
    '/v1/queues/{queue}/pause': {
      put: queueOperation('pauseQueue', 'Start nothing more of a namespace or name'),
    },
    '/v1/queues/{queue}/resume': { put: queueOperation('resumeQueue', 'Go on with a namespace or name') },
    '/v1/audit': {
      get: read('listAudit', 'audit', 'What operators did, newest first', 'AuditList', auditParameters),
    },
  };
}

const bulkAnswers = {
  200: jsonAnswer('Done, or counted', ref('BulkAnswer')),
  202: jsonAnswer('A task of its own does it', ref('BulkAnswer'), location),
  ...failures(413, 415),
};

function bulkOperation(operationId: string, summary: string): Operation {
  return {
    tags: ['tasks'],
    operationId,
    summary,
    description:
      'Up to 1,000 at once; more, or at a pace, by a task that shows its progress and can be cancelled.',
    requestBody: jsonBody(ref('BulkRequest'), { filter: { name: 'billing.send_invoice' }, dry_run: true }),
    responses: bulkAnswers,
  };
}

function queueOperation(operationId: string, summary: string): Operation {
  return {
    tags: ['queues'],
    operationId,
    summary,
    parameters: [queueParameter, reasonParameter],
    responses: { 200: jsonAnswer('The queue', ref('QueueAnswer')), ...failures(404) },
  };
}

function read(
  operationId: string,
  tag: string,
  summary: string,
  schema: string,
  parameters: Parameter[] = [],
): Operation {
  const responses = { 200: jsonAnswer(summary, ref(schema)), ...failures() };
  return { tags: [tag], operationId, summary, parameters, responses };
}

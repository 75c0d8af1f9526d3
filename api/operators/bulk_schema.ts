import type { JsonSchema } from '../../core/schema.ts';
import {
  BULK_LIMIT,
  BULK_RATE_LIMIT,
  CANARY,
  CANARY_ABOVE,
  MAX_CANARY,
} from '../../tasks/errand.bulk.task.ts';
import { failures, jsonAnswer, jsonBody, location } from '../openapi/schemas/answers.ts';
import type { Operation, Paths } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { filterParameters } from '../tasks/filter.ts';
import { reasonParameter } from './act.ts';

const options: Record<string, JsonSchema> = {
  dry_run: { type: 'boolean', default: false, description: 'Only count the matching tasks' },
  limit: {
    type: 'integer',
    minimum: 1,
    maximum: BULK_LIMIT,
    description: 'Change at most this many tasks, oldest first',
  },
  per_second: {
    type: 'integer',
    minimum: 1,
    maximum: BULK_RATE_LIMIT,
    description: 'Change at most this many tasks per second. A built-in task does it then',
  },
  canary: {
    type: 'integer',
    minimum: 0,
    maximum: MAX_CANARY,
    description: `Retry this many tasks first, and the others only if none of these fails again with its old error. 0 retries all at once. The default is ${CANARY} if more than ${CANARY_ABOVE} tasks are retried`,
  },
  reason: { type: 'string', minLength: 1, maxLength: 1_000, description: 'The reason, for the audit trail' },
};

/**
 * The body of a bulk operation: the filters of the list, or `all`. An explicit `all` prevents a change of
 * every task by mistake.
 */
export const bulkSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    all: { type: 'boolean', description: 'Apply to every task; replaces the filter' },
    filter: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        filterParameters.map(({ name, schema, description }) => [name, { ...schema, description }]),
      ),
    },
    ...options,
  },
};

/** The body of a bulk operation whose filter is in the path. */
export const groupRetrySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: options,
};

/** The component schemas of bulk operations. */
export const bulkSchemas: Record<string, JsonSchema> = {
  BulkRequest: bulkSchema,
  BulkAnswer: object('The result or the plan of a bulk operation', {
    action: { type: 'string', enum: ['retry', 'cancel'] },
    dry_run: { type: 'boolean' },
    bulk_id: {
      type: ['string', 'null'],
      format: 'uuid',
      description: 'With it, GET /v1/bulk/{bulk_id} shows the states of the tasks. Null for a dry run',
    },
    matched: { type: 'integer', minimum: 0, description: 'Exact up to 10,000' },
    matched_is_estimate: { type: 'boolean' },
    changed: { type: ['integer', 'null'], description: 'Null if a built-in task does it' },
    task: { anyOf: [ref('Task'), { type: 'null' }], description: 'That task, with its progress and result' },
    message: { type: 'string' },
  }),
};

/** The paths of bulk operations. */
export function bulkPaths(): Paths {
  return {
    '/v1/tasks/retry': {
      post: bulkOperation('retryTasks', 'Queue all failed tasks that match a filter again'),
    },
    '/v1/tasks/cancel': { post: bulkOperation('cancelTasks', 'Cancel all tasks that match a filter') },
  };
}

/** The parameter that names a group of errors. */
export const errorGroupParameter: Parameter = {
  name: 'error_group',
  in: 'path',
  required: true,
  description: 'The group, as GET /v1/errors names it',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
};

/** The path of the retry of a group of errors. */
export function groupRetryPaths(): Paths {
  return {
    '/v1/errors/{error_group}/retry': {
      post: {
        tags: ['errors'],
        operationId: 'retryErrorGroup',
        summary: 'Queue all tasks of a group of errors again',
        parameters: [errorGroupParameter, reasonParameter],
        requestBody: { ...jsonBody(groupRetrySchema, { per_second: 50 }), required: false },
        responses: bulkAnswers,
      },
    },
  };
}

const bulkAnswers = {
  200: jsonAnswer('The tasks were changed, or counted', ref('BulkAnswer')),
  202: jsonAnswer('A built-in task does it', ref('BulkAnswer'), location),
  ...failures(413, 415),
};

function bulkOperation(operationId: string, summary: string): Operation {
  return {
    tags: ['tasks'],
    operationId,
    summary,
    description:
      'Up to 1,000 tasks are changed at once. A task does it for more, with a rate limit, or with a canary: it shows its progress and can be cancelled. A retry of more than 100 tasks tries a few first.',
    parameters: [reasonParameter],
    requestBody: jsonBody(ref('BulkRequest'), { filter: { name: 'billing.send_invoice' }, dry_run: true }),
    responses: bulkAnswers,
  };
}

import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';

const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 100;
/** Numbered pages reach this many tasks; beyond it there is the cursor. */
export const MAX_PAGE_REACH = 10_000;
/** Longest wait for a task to finish. */
export const MAX_WAIT_SECONDS = 30;

/** A parameter of an operation. */
export type Parameter = {
  name: string;
  in: string;
  required?: boolean;
  description: string;
  schema: JsonSchema;
};

const query = (name: string, schema: JsonSchema, description: string): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
const text = (maxLength: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength });
const time: JsonSchema = { type: 'string', format: 'date-time' };

export const idParameter: Parameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of the task',
  schema: { type: 'string', format: 'uuid' },
};

export const stepIdParameter: Parameter = {
  name: 'step_id',
  in: 'path',
  required: true,
  description: 'The id of the step, or of another child of that task',
  schema: { type: 'string', format: 'uuid' },
};

export const deliveryIdParameter: Parameter = {
  name: 'delivery_id',
  in: 'path',
  required: true,
  description: 'The id of the delivery',
  schema: { type: 'string', format: 'uuid' },
};

export const idempotencyKeyParameter: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key again gives the same task; with another payload it is 409',
  schema: text(255),
};

export const waitParameter: Parameter = query(
  'wait',
  { type: 'number', minimum: 0, maximum: MAX_WAIT_SECONDS },
  'Answer when the task has finished, or after so many seconds',
);

export const atomicParameter: Parameter = query(
  'atomic',
  { type: 'boolean', default: false },
  'Whether one invalid item refuses all',
);

export const reasonParameter: Parameter = query('reason', text(1_000), 'Why, for the audit trail');

export const endedParameter: Parameter = query(
  'ended',
  { type: 'boolean', default: false },
  'Also those that have left the pool, as long as they are kept',
);

/** What tasks can be narrowed to. */
export const filterParameters: Parameter[] = [
  query('name', text(NAME_MAX_LENGTH), 'Tasks of this name'),
  query('namespace', text(NAME_MAX_LENGTH), 'Tasks whose name starts with this part'),
  query(
    'state',
    { type: 'array', maxItems: STATES.length, items: { type: 'string', enum: [...STATES] } },
    'In one of these states; repeatable',
  ),
  query('tag', text(100), 'With this tag'),
  query('initiator', text(200), 'Asked for by'),
  query('error', text(200), 'With this text in the message of the error, in any case'),
  query('error_group', text(200), 'Failed with the errors of this group of GET /v1/errors'),
  query('parent_id', { type: 'string', format: 'uuid' }, 'Steps and other children of this task'),
  query('top_level', { type: 'boolean' }, 'With true only tasks that are no part of another one'),
  query('created_from', time, 'Created at or after'),
  query('created_to', time, 'Created before'),
  query('finished_from', time, 'Finished at or after'),
  query('finished_to', time, 'Finished before'),
];

export const listParameters: Parameter[] = [
  ...filterParameters,
  query(
    'page',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_REACH, default: 1 },
    `From 1; up to ${MAX_PAGE_REACH} tasks deep, then use the cursor`,
  ),
  query(
    'page_size',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    'Tasks per page',
  ),
  query('cursor', text(100), 'next_cursor of the page before: pages at any depth for the same cost'),
];

export const linesParameters: Parameter[] = [
  query(
    'after',
    { type: 'integer', minimum: 0, maximum: 999_999_999, default: 0 },
    'Lines after the one of this number',
  ),
  query('page_size', { type: 'integer', minimum: 1, maximum: 1_000, default: 100 }, 'Lines per page at most'),
];

export const namespaceParameter: Parameter = query('namespace', text(NAME_MAX_LENGTH), 'Of this namespace');

export const errorListParameters: Parameter[] = [
  query('name', text(NAME_MAX_LENGTH), 'Of tasks of this name'),
  query('namespace', text(NAME_MAX_LENGTH), 'Of tasks whose name starts with this part'),
];

export const auditParameters: Parameter[] = [
  query('task_id', { type: 'string', format: 'uuid' }, 'What was done to this task'),
  query('namespace', text(NAME_MAX_LENGTH), 'What was done in this namespace'),
  query('actor', text(300), 'What this one did'),
  query(
    'action',
    text(50),
    'What was done: cancel, retry, resolve, pause, resume, bulk_cancel, bulk_retry, resend, enable_callback',
  ),
  query('from', time, 'At or after'),
  query('to', time, 'Before'),
  query(
    'page_size',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    'Entries per page',
  ),
  query('cursor', text(100), 'next_cursor of the page before'),
];

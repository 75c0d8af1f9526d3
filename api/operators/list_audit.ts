import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { got } from '../../core/json/json.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { listAudit as readAudit } from '../../store/operators/audit.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import {
  DEFAULT_PAGE_SIZE,
  inQuery,
  MAX_PAGE_SIZE,
  type Parameter,
  textUpTo,
  timeOfQuery,
} from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery, toIsoTime } from '../request.ts';
import { visibleNamespaces } from '../tasks/filter.ts';

const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableText: JsonSchema = { type: ['string', 'null'] };

/** The component schemas of the audit trail. */
export const auditSchemas: Record<string, JsonSchema> = {
  AuditEntry: object('One action of an operator', {
    id: { type: 'integer' },
    at: time,
    actor: { type: 'string', description: '`user:<sub>`, `key:<id>` or `anonymous`' },
    action: { type: 'string' },
    task_id: { type: ['string', 'null'], format: 'uuid' },
    namespace: nullableText,
    target: { ...nullableText, description: 'The name of the task or the queue, or the id of the schedule' },
    reason: nullableText,
    request_id: nullableText,
    details: { type: ['object', 'null'], additionalProperties: true },
  }),
  AuditList: object('The audit trail, newest first', {
    entries: { type: 'array', items: ref('AuditEntry') },
    next_cursor: { ...nullableText, description: 'The cursor of the next page. Null on the last page' },
  }),
};

const auditParameters: Parameter[] = [
  inQuery('task_id', { type: 'string', format: 'uuid' }, 'Actions on this task'),
  inQuery(
    'bulk_id',
    { type: 'string', format: 'uuid' },
    'The actions of this bulk operation on each task: `details.bulk` in its own entry',
  ),
  inQuery('namespace', textUpTo(NAME_MAX_LENGTH), 'Actions in this namespace'),
  inQuery('actor', textUpTo(300), 'Actions of this actor'),
  inQuery(
    'action',
    textUpTo(50),
    'Actions of this kind: cancel, retry, resolve, pause, resume, bulk_cancel, bulk_retry, resend, enable_callback, set_limit, pause_limit, resume_limit, reset_limit, put_schedule, delete_schedule, pause_schedule, resume_schedule, trigger_schedule, backfill_schedule, or resubmit (a submission that changed its duplicate)',
  ),
  inQuery('from', timeOfQuery, 'At or after this time'),
  inQuery('to', timeOfQuery, 'Before this time'),
  inQuery(
    'page_size',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    'Entries per page',
  ),
  inQuery('cursor', textUpTo(100), 'next_cursor of the previous page'),
];

/** The path of the audit trail. */
export function auditPaths(): Paths {
  const summary = 'The actions of operators, newest first';
  return {
    '/v1/audit': {
      get: {
        tags: ['audit'],
        operationId: 'listAudit',
        summary,
        parameters: auditParameters,
        responses: { 200: jsonAnswer(summary, ref('AuditList')), ...failures() },
      },
    },
  };
}

const querySchema = z.object({
  task_id: z.string().optional(),
  bulk_id: z.string().optional(),
  namespace: z.string().optional(),
  actor: z.string().optional(),
  action: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  page_size: z.int(),
  cursor: z.string().optional(),
});

/**
 * `GET /v1/audit` (specification R11): the actions of operators, newest first: actor, action, time and
 * reason.
 */
export const listAudit: Operation = async (context, request, response) => {
  const query = parseQuery(querySchema, request);
  const time = (key: 'from' | 'to'): string | undefined =>
    query[key] === undefined ? undefined : toIsoTime(query[key], `/query/${key}`);
  const { entries, more } = await readAudit(
    context.reads,
    {
      taskId: query.task_id,
      bulkId: query.bulk_id,
      namespaces: visibleNamespaces(context, query.namespace),
      self: context.principal.actor,
      actor: query.actor,
      action: query.action,
      from: time('from'),
      to: time('to'),
      before: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
    },
    query.page_size,
  );
  const last = entries.at(-1);
  response.json({ entries, next_cursor: more && last !== undefined ? String(last.id) : null });
};

/** A cursor is the id of the last entry of a page. */
function decodeCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(cursor)) return Number(cursor);
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      {
        path: '/query/cursor',
        message: `is not a cursor of this API: use next_cursor of the previous page${got(cursor)}`,
      },
    ],
  });
}

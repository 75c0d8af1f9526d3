import { z } from 'zod';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { ERROR_GROUP_STATUSES, listErrorGroups } from '../../store/operators/errors.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery, type Parameter, textUpTo, timeOfQuery } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery, toIsoTime } from '../request.ts';
import { visibleNamespaces } from '../tasks/filter.ts';

const time: JsonSchema = { type: 'string', format: 'date-time' };

/** The component schemas of groups of errors. */
export const errorGroupSchemas: Record<string, JsonSchema> = {
  ErrorGroup: object('Failures with the same error; ids, numbers and quoted text in the message may differ', {
    error_group: { type: 'string', description: 'The group id, as a filter for GET /v1/tasks' },
    name: { type: 'string' },
    namespace: { type: 'string' },
    error_type: { type: 'string' },
    message: { type: 'string', description: 'The message of the newest failure' },
    count: {
      type: 'integer',
      minimum: 1,
      description: 'Failed tasks with this error that were not dismissed, up to 10,000',
    },
    count_is_capped: { type: 'boolean' },
    first_seen: { ...time, description: 'The first failure of the tasks that are failed now' },
    last_seen: time,
    first_version: { type: 'string', description: 'The version of the oldest of these tasks' },
    last_version: { type: 'string', description: 'The version of the newest of these tasks' },
    status: {
      type: 'string',
      enum: [...ERROR_GROUP_STATUSES],
      description:
        'Open, resolved or ignored by an operator, or regressed: it has failed again after it was resolved',
    },
    decision: {
      anyOf: [ref('ErrorGroupDecision'), { type: 'null' }],
      description: 'The decision of an operator. Null for an open group',
    },
    example: object('The newest failure', {
      task_id: { type: 'string', format: 'uuid' },
      attempt: { type: 'integer', minimum: 1 },
      error: ref('TaskError'),
    }),
  }),
  ErrorGroupDecision: object('The resolution of a group of errors, or the decision to ignore it', {
    decided_at: time,
    actor: { type: 'string' },
    reason: { type: ['string', 'null'] },
  }),
  ErrorGroupList: object('The errors of failed tasks, the last seen first', {
    groups: { type: 'array', items: ref('ErrorGroup') },
    is_truncated: { type: 'boolean', description: 'Whether more groups exist' },
  }),
};

const errorListParameters: Parameter[] = [
  inQuery('name', textUpTo(NAME_MAX_LENGTH), 'Only errors of tasks of this name'),
  inQuery('namespace', textUpTo(NAME_MAX_LENGTH), 'Only errors of tasks of this namespace'),
  inQuery('since', timeOfQuery, 'Only groups with a failure at or after this time'),
  inQuery(
    'status',
    {
      type: 'array',
      maxItems: ERROR_GROUP_STATUSES.length,
      items: { type: 'string', enum: [...ERROR_GROUP_STATUSES] },
    },
    'Only groups with this status. Repeat it for several. `open` and `regressed` need somebody',
  ),
];

/** The path of groups of errors. */
export function errorGroupPaths(): Paths {
  const summary = 'The errors of failed tasks, in groups';
  return {
    '/v1/errors': {
      get: {
        tags: ['errors'],
        operationId: 'listErrors',
        summary,
        parameters: errorListParameters,
        responses: { 200: jsonAnswer(summary, ref('ErrorGroupList')), ...failures() },
      },
    },
  };
}

const querySchema = z.object({
  name: z.string().optional(),
  namespace: z.string().optional(),
  since: z.string().optional(),
  status: z.array(z.enum(ERROR_GROUP_STATUSES)).optional(),
});

/** `GET /v1/errors`: the errors of failed tasks, grouped by kind. */
export const listErrors: Operation = async (context, request, response) => {
  const { name, namespace, since, status } = parseQuery(querySchema, request);
  const { groups, more } = await listErrorGroups(context.reads, {
    name,
    namespaces: visibleNamespaces(context, namespace),
    since: since === undefined ? undefined : toIsoTime(since, '/query/since'),
    statuses: status,
  });
  response.json({ groups, is_truncated: more });
};

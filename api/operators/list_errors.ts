import { z } from 'zod';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { listErrorGroups } from '../../store/operators/errors.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery, type Parameter, textUpTo } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
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
      description: 'Tasks that are in the state failed with this error, up to 10,000',
    },
    count_is_capped: { type: 'boolean' },
    first_seen: time,
    last_seen: time,
    example: object('The newest failure', {
      task_id: { type: 'string', format: 'uuid' },
      attempt: { type: 'integer', minimum: 1 },
      error: ref('TaskError'),
    }),
  }),
  ErrorGroupList: object('The errors of failed tasks, the last seen first', {
    groups: { type: 'array', items: ref('ErrorGroup') },
    is_truncated: { type: 'boolean', description: 'Whether more groups exist' },
  }),
};

const errorListParameters: Parameter[] = [
  inQuery('name', textUpTo(NAME_MAX_LENGTH), 'Only errors of tasks of this name'),
  inQuery('namespace', textUpTo(NAME_MAX_LENGTH), 'Only errors of tasks of this namespace'),
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

const querySchema = z.object({ name: z.string().optional(), namespace: z.string().optional() });

/** `GET /v1/errors`: the errors of failed tasks, grouped by kind. */
export const listErrors: Operation = async (context, request, response) => {
  const { name, namespace } = parseQuery(querySchema, request);
  const namespaces = visibleNamespaces(context, namespace);
  const { groups, more } = await listErrorGroups(context.reads, { name, namespaces });
  response.json({ groups, is_truncated: more });
};

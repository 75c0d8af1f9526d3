import { z } from 'zod';
import { STATES } from '../../core/states.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import type { TaskFilter } from '../../store/tasks/filter.ts';
import type { RequestContext } from '../context.ts';
import { inQuery, type Parameter, textUpTo, timeOfQuery } from '../openapi/schemas/parameters.ts';
import { toIsoTime } from '../request.ts';

/** The filters for tasks. */
export const filterParameters: Parameter[] = [
  inQuery('name', textUpTo(NAME_MAX_LENGTH), 'Only tasks of this name'),
  inQuery('namespace', textUpTo(NAME_MAX_LENGTH), 'Only tasks of this namespace'),
  inQuery(
    'state',
    { type: 'array', maxItems: STATES.length, items: { type: 'string', enum: [...STATES] } },
    'Only tasks in this state. Repeat it for several states',
  ),
  inQuery('tag', textUpTo(100), 'Only tasks with this tag'),
  inQuery('initiator', textUpTo(200), 'Only tasks with this initiator'),
  inQuery(
    'submitted_by',
    textUpTo(300),
    'Only tasks of this submitter, such as `key:ci`, `user:ann` or `webhook:gitea`. To find the parts of a task, use parent_id',
  ),
  inQuery('schedule_id', textUpTo(NAME_MAX_LENGTH), 'Only tasks of this schedule'),
  inQuery('error', textUpTo(200), 'Only tasks whose error message contains this text. Case does not matter'),
  inQuery(
    'error_group',
    textUpTo(200),
    'Only tasks that failed with an error of this group of GET /v1/errors',
  ),
  inQuery('parent_id', { type: 'string', format: 'uuid' }, 'Only steps and other children of this task'),
  inQuery('top_level', { type: 'boolean' }, 'If true, only tasks that are not part of another task'),
  inQuery('created_from', timeOfQuery, 'Only tasks created at or after this time'),
  inQuery('created_to', timeOfQuery, 'Only tasks created before this time'),
  inQuery('finished_from', timeOfQuery, 'Only tasks finished at or after this time'),
  inQuery('finished_to', timeOfQuery, 'Only tasks finished before this time'),
];

/** The filters for tasks, in a query or in a body. The OpenAPI document defines their bounds. */
export const filterSchema = z.object({
  name: z.string().optional(),
  namespace: z.string().optional(),
  state: z.array(z.enum(STATES)).optional(),
  tag: z.string().optional(),
  initiator: z.string().optional(),
  submitted_by: z.string().optional(),
  schedule_id: z.string().optional(),
  error: z.string().optional(),
  error_group: z.string().optional(),
  parent_id: z.string().optional(),
  top_level: z.boolean().optional(),
  created_from: z.string().optional(),
  created_to: z.string().optional(),
  finished_from: z.string().optional(),
  finished_to: z.string().optional(),
});

type Asked = z.output<typeof filterSchema>;

/**
 * The filter that a caller asks for, limited to the tasks that it may see. `path` is the place of the filter
 * in the request. Throws VALIDATION_FAILED for an invalid time.
 */
export function toFilter(context: RequestContext, asked: Asked, path: string): TaskFilter {
  const time = (key: 'created_from' | 'created_to' | 'finished_from' | 'finished_to'): string | undefined =>
    asked[key] === undefined ? undefined : toIsoTime(asked[key], `${path}/${key}`);
  return {
    name: asked.name,
    namespaces: visibleNamespaces(context, asked.namespace),
    states: asked.state === undefined ? undefined : [...new Set(asked.state)],
    tag: asked.tag,
    initiator: asked.initiator,
    submittedBy: asked.submitted_by,
    scheduleId: asked.schedule_id,
    error: asked.error,
    errorGroup: asked.error_group,
    parentId: asked.parent_id,
    topLevel: asked.top_level,
    createdFrom: time('created_from'),
    createdTo: time('created_to'),
    finishedFrom: time('finished_from'),
    finishedTo: time('finished_to'),
  };
}

/** The requested namespaces that the caller may see. Undefined means all. */
export function visibleNamespaces(
  { principal }: Pick<RequestContext, 'principal'>,
  asked: string | undefined,
): readonly string[] | undefined {
  if (principal.namespaces === null) return asked === undefined ? undefined : [asked];
  return asked === undefined ? principal.namespaces : principal.namespaces.filter((one) => one === asked);
}

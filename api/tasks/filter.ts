import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { detail, got } from '../../core/json/json.ts';
import {
  MAX_PAYLOAD_CONDITIONS,
  PAYLOAD_CONDITION_MAX_LENGTH,
  PAYLOAD_CONDITION_PATTERN,
  payloadCondition,
} from '../../core/payload_condition.ts';
import { STATES } from '../../core/states.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import type { TaskFilter } from '../../store/tasks/filter.ts';
import { SEARCH_LIMIT } from '../../store/tasks/search.ts';
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
  inQuery(
    'dismissed',
    { type: 'boolean' },
    'If true, only failed tasks that an operator has dismissed; if false, only others',
  ),
  inQuery(
    'payload',
    {
      type: 'array',
      maxItems: MAX_PAYLOAD_CONDITIONS,
      items: {
        type: 'string',
        minLength: 2,
        maxLength: PAYLOAD_CONDITION_MAX_LENGTH,
        pattern: PAYLOAD_CONDITION_PATTERN,
      },
    },
    `Only tasks whose payload has this value: a JSON Pointer, \`=\` and the value, such as \`/invoice/id=42\`. It finds the text 42 and the number 42; \`/invoice/id="42"\` finds only the text. Repeat it for several conditions. One request looks at up to ${SEARCH_LIMIT} tasks that match the other filters. Replaced secrets and payloads above 64 KiB are not searched`,
  ),
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
  dismissed: z.boolean().optional(),
  payload: z.array(z.string()).optional(),
});

type Asked = z.output<typeof filterSchema>;

/**
 * The filter that a caller asks for, limited to the tasks that it may see. `path` is the place of the filter
 * in the request. Throws VALIDATION_FAILED for an invalid time or condition on the payload.
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
    dismissed: asked.dismissed,
    payload: payloadConditions(asked.payload, `${path}/payload`),
  };
}

function payloadConditions(asked: string[] | undefined, path: string): string[] | undefined {
  if (asked === undefined || asked.length === 0) return undefined;
  const details = asked.flatMap((text, index) => {
    const condition = payloadCondition(text);
    return typeof condition === 'string' ? [detail(`${path}/${index}`, `${condition}${got(text)}`)] : [];
  });
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  return asked;
}

/** The requested namespaces that the caller may see. Undefined means all. */
export function visibleNamespaces(
  { principal }: Pick<RequestContext, 'principal'>,
  asked: string | undefined,
): readonly string[] | undefined {
  if (principal.namespaces === null) return asked === undefined ? undefined : [asked];
  return asked === undefined ? principal.namespaces : principal.namespaces.filter((one) => one === asked);
}

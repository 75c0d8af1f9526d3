import { z } from 'zod';
import { STATES } from '../core/states.ts';
import type { TaskFilter } from '../store/filter.ts';
import type { Call } from './call.ts';
import { toIsoTime } from './request.ts';

/** What tasks can be narrowed to, in a query or in a body; the OpenAPI document holds the bounds. */
export const filterSchema = z.object({
  name: z.string().optional(),
  namespace: z.string().optional(),
  state: z.array(z.enum(STATES)).optional(),
  tag: z.string().optional(),
  initiator: z.string().optional(),
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
 * The filter that a caller asks for, narrowed to what it may see. `path` is where it is in the request. Throws
 * VALIDATION_FAILED for a time that is none.
 */
export function toFilter(call: Call, asked: Asked, path: string): TaskFilter {
  const time = (key: 'created_from' | 'created_to' | 'finished_from' | 'finished_to'): string | undefined =>
    asked[key] === undefined ? undefined : toIsoTime(asked[key], `${path}/${key}`);
  return {
    name: asked.name,
    namespaces: visibleNamespaces(call, asked.namespace),
    states: asked.state === undefined ? undefined : [...new Set(asked.state)],
    tag: asked.tag,
    initiator: asked.initiator,
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

/** The namespaces that are asked for, as far as the caller may see them. Undefined is all. */
export function visibleNamespaces(
  { principal }: Pick<Call, 'principal'>,
  asked: string | undefined,
): readonly string[] | undefined {
  if (principal.namespaces === null) return asked === undefined ? undefined : [asked];
  return asked === undefined ? principal.namespaces : principal.namespaces.filter((one) => one === asked);
}

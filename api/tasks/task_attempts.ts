import { z } from 'zod';
import type { JsonSchema } from '../../core/schema.ts';
import { getState, listAttempts } from '../../store/tasks/tasks.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter, inQuery, type Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { taskNotFound } from './get_task.ts';

/** The component schemas of the attempts of a task. */
export const attemptSchemas: Record<string, JsonSchema> = {
  AttemptPage: object('Attempts of a task, first to last', {
    items: { type: 'array', items: ref('Attempt') },
    next_before: {
      type: ['integer', 'null'],
      description: 'The value of `before` for the page of earlier attempts. Null if these are the first',
    },
  }),
};

/** The pages of a task's attempts. They are small, because each attempt may have 100 KB. */
const attemptsParameters: readonly Parameter[] = [
  inQuery(
    'before',
    { type: 'integer', minimum: 1, maximum: 2_147_483_647 },
    'Attempts before this number. Without it, the last attempts',
  ),
  inQuery(
    'page_size',
    { type: 'integer', minimum: 1, maximum: 50, default: 10 },
    'The maximum number of attempts per page',
  ),
];

/** The path of the attempts of a task. */
export function attemptPaths(): Paths {
  return {
    '/v1/tasks/{id}/attempts': {
      get: {
        tags: ['tasks'],
        operationId: 'listAttempts',
        summary: 'List the attempts of a task, the last page first',
        parameters: [idParameter, ...attemptsParameters],
        responses: { 200: jsonAnswer('A page of attempts', ref('AttemptPage')), ...failures(400, 404) },
      },
    },
  };
}

const querySchema = z.object({ before: z.number().optional(), page_size: z.number() });

/** `GET /v1/tasks/{id}/attempts` (specification R1): the attempts of a task in pages, the last page first. */
export const taskAttempts: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const { before, page_size: limit } = parseQuery(querySchema, request);
  if ((await getState(context.reads, id, context.visibility)) === null) throw taskNotFound(id);
  const items = await listAttempts(context.reads, id, { before: before ?? null, limit });
  const [first] = items;
  const isLast = first === undefined || items.length < limit || first.attempt === 1;
  response.json({ items, next_before: isLast ? null : first.attempt });
};

import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { readBulkStanding, STANDING_LIMIT } from '../../store/operators/bulk_standing.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';

const count: JsonSchema = { type: 'integer', minimum: 0 };

/** The component schemas of the standing of a bulk operation. */
export const bulkStandingSchemas: Record<string, JsonSchema> = {
  BulkOperation: object('A bulk operation in the audit trail', {
    action: { type: 'string', enum: ['bulk_retry', 'bulk_cancel'] },
    actor: { type: 'string' },
    reason: { type: ['string', 'null'] },
    at: { type: 'string', format: 'date-time' },
  }),
  BulkStanding: object('The states of the tasks that a bulk operation changed', {
    bulk_id: { type: 'string', format: 'uuid' },
    operation: {
      anyOf: [ref('BulkOperation'), { type: 'null' }],
      description: 'Null if it is of another actor, and the caller sees only some namespaces',
    },
    changed: {
      ...count,
      maximum: STANDING_LIMIT,
      description: `How many tasks it has changed so far, up to ${STANDING_LIMIT}. The states are of these`,
    },
    changed_is_capped: { type: 'boolean' },
    states: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(STATES.map((state) => [state, count])),
      description: 'How many of them are in each state now. After a retry, `failed` ones have failed again',
    },
    removed: { ...count, description: 'How many of them were removed since, after their retention' },
  }),
};

const bulkIdParameter: Parameter = {
  name: 'bulk_id',
  in: 'path',
  required: true,
  description: 'The `bulk_id` that the bulk operation was answered with',
  schema: { type: 'string', format: 'uuid' },
};

/** The path of the standing of a bulk operation. */
export function bulkStandingPaths(): Paths {
  return {
    '/v1/bulk/{bulk_id}': {
      get: {
        tags: ['audit'],
        operationId: 'getBulk',
        summary: 'Show the states of the tasks that a bulk operation changed',
        description:
          'It counts the tasks of the namespaces of the caller that the audit trail names, by their states at this moment.',
        parameters: [bulkIdParameter],
        responses: { 200: jsonAnswer('The tasks by state', ref('BulkStanding')), ...failures(400, 404) },
      },
    },
  };
}

/** `GET /v1/bulk/{bulk_id}` (specification U4): retried, succeeded, failed again. */
export const getBulk: Operation = async ({ reads, principal }, request, response) => {
  const id = String(request.params.bulk_id).toLowerCase();
  const standing = await readBulkStanding(reads, id, principal.namespaces, principal.actor);
  if (standing === null)
    throw new ErrandError(
      'NOT_FOUND',
      `There is no bulk operation with the id ${id}, or it has changed no task that you may see`,
    );
  response.json(standing);
};

import { listRunners as readRunners } from '../../store/attempts/runners.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery, type Parameter } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';

const endedParameter: Parameter = inQuery(
  'ended',
  { type: 'boolean', default: false },
  'Also list runners that have left the pool, as long as their records are kept',
);

/** The path of the runners of the pool. */
export function runnerPaths(): Paths {
  return {
    '/v1/runners': {
      get: {
        tags: ['runners'],
        operationId: 'listRunners',
        summary: 'List the runners of the pool, newest first',
        parameters: [endedParameter],
        responses: { 200: jsonAnswer('The runners', ref('RunnerList')), ...failures(400) },
      },
    },
  };
}

/**
 * `GET /v1/runners` (specification R9): the live runners, and on demand those that have left the pool. Of
 * their tasks, a caller sees those of its namespaces.
 */
export const listRunners: Operation = async ({ reads, principal }, request, response) => {
  const ended = String(request.query.ended) === 'true';
  response.json({ runners: await readRunners(reads, { ended, namespaces: principal.namespaces }) });
};

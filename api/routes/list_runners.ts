import { listRunners as readRunners } from '../../store/runners.ts';
import type { Operation } from '../call.ts';

/**
 * `GET /v1/runners` (specification R9): the live pool, and on demand those that have left it. Of what they can execute
 * a caller sees its own namespaces.
 */
export const listRunners: Operation = async ({ reads, principal }, request, response) => {
  const ended = String(request.query.ended) === 'true';
  response.json({ runners: await readRunners(reads, { ended, namespaces: principal.namespaces }) });
};

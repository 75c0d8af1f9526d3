import type { Request, Response } from 'express';
import { listRunners as readRunners } from '../../store/runners.ts';
import type { ApiContext } from '../context.ts';

/** `GET /v1/runners` (specification R9): the live pool, and on demand those that have left it. */
export function listRunners(context: ApiContext) {
  return async (request: Request, response: Response): Promise<void> => {
    const ended = String(request.query.ended) === 'true';
    response.json({ runners: await readRunners(context.pool, { ended }) });
  };
}

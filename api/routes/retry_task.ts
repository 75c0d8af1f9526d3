import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { inWords } from '../../core/states.ts';
import { getTask, retryTask as rearm } from '../../store/tasks.ts';
import type { ApiContext } from '../context.ts';
import { taskNotFound } from './get_task.ts';

/** `PATCH /v1/tasks/{id}/retry` (specification R4): failed or cancelled → queued, attempts kept in history. */
export function retryTask(context: ApiContext) {
  return async (request: Request<{ id: string }>, response: Response): Promise<void> => {
    const { id } = request.params;
    const task = await rearm(context.pool, id, randomUUID());
    if (task !== null) {
      response.json({ task, message: `Task queued again: attempt ${task.attempt} of ${task.max_attempts}` });
      return;
    }
    const current = await getTask(context.pool, id);
    if (current === null) throw taskNotFound(id);
    throw new ErrandError(
      'BAD_REQUEST',
      `Task cannot be retried: it ${inWords(current.state)}, and only a failed or cancelled one can be`,
    );
  };
}

import type { Request, Response } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { inWords } from '../../core/states.ts';
import { cancelTask as cancel } from '../../store/cancel.ts';
import { getTask } from '../../store/tasks.ts';
import type { ApiContext } from '../context.ts';
import { taskNotFound } from './get_task.ts';

/**
 * `DELETE /v1/tasks/{id}` (specification R3): cancels what has not started at once, and asks a running attempt to
 * end, in whichever runner has it.
 */
export function cancelTask(context: ApiContext) {
  return async (request: Request<{ id: string }>, response: Response): Promise<void> => {
    const { id } = request.params;
    const task = await cancel(context.pool, id);
    if (task !== null) {
      const message =
        task.state === 'running'
          ? 'The running attempt was asked to end: read the task to see what came of it'
          : 'Task cancelled';
      response.json({ task, message });
      return;
    }
    const current = await getTask(context.pool, id);
    if (current === null) throw taskNotFound(id);
    throw new ErrandError('BAD_REQUEST', `Task cannot be cancelled: it ${inWords(current.state)}`);
  };
}

import type { Request, Response } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { listAttempts, getTask as readTask, type Task } from '../../store/tasks.ts';
import type { ApiContext } from '../context.ts';
import { callerGone } from '../request.ts';
import { waitForTask, waitSeconds } from '../wait.ts';

/** `GET /v1/tasks/{id}` (specification R1): the record with its attempts, at once or when it has finished. */
export function getTask(context: ApiContext) {
  return async (request: Request, response: Response): Promise<void> => {
    const id = String(request.params.id);
    const seconds = waitSeconds(request);
    const found = await readTask(context.pool, id);
    const task: Task | null = found && (await waitForTask(context, found, seconds, callerGone(response)));
    if (task === null) throw taskNotFound(id);
    response.json({ ...task, attempts: await listAttempts(context.pool, id) });
  };
}

/** The error for an id that no task has. */
export function taskNotFound(id: string): ErrandError {
  return new ErrandError(
    'NOT_FOUND',
    `There is no task ${id}: it never existed, or retention has removed it`,
  );
}
